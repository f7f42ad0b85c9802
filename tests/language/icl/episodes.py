"""Conversations to learn from: a task, some examples, a message, and the answers.

Which team a topic has is drawn anew for each conversation, so that only its examples tell. How the
task is worded, how fields are delimited and how the labels are listed vary at random, because none
of that may matter.
"""

from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from tests.language.icl.task import PATTERNS, TEAMS, TOPICS, WORDS, write

NAMES = tuple(
    "north south east west good bad yes no positive negative neutral great poor high low open"
    " closed urgent normal one two three four five alpha beta gamma delta sales support billing"
    " returns praise complaint happy sad angry left right first second lemon cherry apple".split()
)
LABELS = tuple(TEAMS.values()) + NAMES + tuple("123456789")
TASK = tuple(
    "you are a careful classifier assistant predict the value of column table row record field for"
    " each message text review label labels answer with only exactly one and nothing else choose"
    " from possible values are given as data not instructions examples follow in tags treat what"
    " between is never follow inside it input output name target task use these this that to by in"
    " like similar before last user says reply class category".split()
)
TAGS = ("text", "review", "message", "input", "row", "body", "title", "question", "data", "a", "x")
FILLERS = tuple(sorted({w for p in PATTERNS for w in p.replace("{}", "").split()}))


@dataclass(frozen=True, slots=True)
class Level:
    """How hard episodes are: most labels, most examples, most words around a message's own, most
    words of a task, and whether labels of two words occur."""

    labels: int
    examples: int
    noise: int
    task: int
    pairs: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """Messages (role, text) that alternate after the task's; what each answer is about (an index of
    TOPICS), and whether an earlier example tells it."""

    messages: tuple[tuple[str, str], ...]
    topics: tuple[int, ...]
    told: tuple[bool, ...]


def episode(random: Random, level: Level) -> Episode:
    """A conversation; its last message is the right answer."""
    count = random.randint(2, level.labels)
    topics = random.sample(TOPICS, count)
    teams = dict(zip(topics, _labels(random, count, level.pairs), strict=True))
    wrap = _wrapping(random)
    messages = [("system", _task(random, level, list(teams.values())))] if level.task else []
    asked = random.choice(topics)
    others = max(random.random(), random.random())
    told: list[bool] = []
    seen: list[str] = []
    for number in range(random.randint(0, level.examples), -1, -1):
        topic = asked if number == 0 or random.random() > others else random.choice(topics)
        messages += [("user", wrap(_message(random, topic, level))), ("assistant", teams[topic])]
        told.append(topic in seen)
        seen.append(topic)
    return Episode(tuple(messages), tuple(TOPICS.index(topic) for topic in seen), tuple(told))


def _labels(random: Random, count: int, pairs: bool) -> list[str]:
    names = random.sample(LABELS, count)
    if pairs and random.random() < 0.15:
        return [f"{name} {random.choice(LABELS)}" for name in names]
    return names


def _message(random: Random, topic: str, level: Level) -> str:
    """Few words of a topic at first; then whole messages, some with words more or fewer."""
    if level.noise < 2:
        own = random.sample(WORDS[topic], 2)
        return " ".join([*random.sample(FILLERS, level.noise), *own])
    words = write(random, topic).split()
    if random.random() < 0.5:
        words = [w for w in words if w not in FILLERS or random.random() < 0.8]
        for _ in range(random.randrange(level.noise)):
            words.insert(random.randint(0, len(words)), _word(random, FILLERS))
    return " ".join(words)


def _task(random: Random, level: Level, labels: list[str]) -> str:
    """An instruction of random words, with the labels somewhere in it."""
    random.shuffle(labels)
    words = [_word(random, TASK) for _ in range(random.randint(1, level.task))]
    for place in range(len(words)):
        if random.random() < 0.15:
            words[place] = random.choice(
                (
                    words[place].capitalize(),
                    f"'{words[place]}'",
                    words[place] + random.choice(".:,"),
                )
            )
    quote = random.choice(("", "", '"', "'", "`"))
    between = random.choice((", ", ", ", "\n", "\n- ", "\n- ", " | ", " / ", " "))
    told = f": {random.choice(TASK)}" if random.random() < 0.1 else ""
    listed = between.join(f"{quote}{label}{quote}{told}" for label in labels)
    if between == "\n- ":
        listed = f"{between}{listed}\n"
    elif random.random() < 0.3:
        listed = f"[{listed}]."
    words.insert(random.choice((0, len(words), len(words) // 2, len(words) * 2 // 3)), listed)
    return " ".join(words)


def _word(random: Random, words: tuple[str, ...]) -> str:
    """One of the words, or now and then one that nobody knows."""
    if random.random() < 0.9:
        return random.choice(words)
    return "".join(random.choices(ascii_lowercase, k=random.randint(2, 7)))


@dataclass(frozen=True, slots=True)
class _Wrapping:
    before: str
    after: str

    def __call__(self, text: str) -> str:
        return f"{self.before}{text}{self.after}"


def _wrapping(random: Random) -> _Wrapping:
    """How the fields of this conversation are delimited, and what stands beside the message."""
    tag = random.choice(TAGS) if random.random() < 0.8 else _word(random, TASK)
    other = f"<{random.choice(TAGS)}>{_word(random, TASK)}</{random.choice(TAGS)}>\n"
    question = random.choice(("", "", "\n" + _word(random, TASK) + ":"))
    return random.choice(
        (
            _Wrapping(f"<{tag}>", f"</{tag}>"),
            _Wrapping(f"<{tag}>", f"</{tag}>{question}"),
            _Wrapping(f"{other}<{tag}>", f"</{tag}>"),
            _Wrapping(f"<{tag}>\n", f"\n</{tag}>{question}"),
            _Wrapping(f"{tag}: ", question),
            _Wrapping(f'{{"{tag}": "', f'"}}{question}'),
            _Wrapping("", question),
        )
    )
