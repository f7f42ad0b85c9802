"""A task that only examples can teach: which team answers a message sent to a town hall.

The teams are named after colours, so that neither their names nor the words of a message tell which
team it is. A message is about one topic and each topic has its team: another message about the same
topic, seen with its team, gives the answer away. Everything here is drawn from a fixed seed.
"""

from dataclasses import dataclass
from random import Random

TARGET = "team"
TEAMS = {
    "weather": "red",
    "music": "blue",
    "cooking": "green",
    "sport": "white",
    "space": "black",
    "medicine": "grey",
    "money": "pink",
    "garden": "gold",
    "computers": "silver",
    "ocean": "brown",
    "law": "violet",
    "travel": "orange",
}
_WORDS = {
    "weather": "rain storm snow thunder sunshine forecast cloud fog temperature wind hail frost",
    "music": "guitar piano violin melody concert drum orchestra song choir rhythm trumpet band",
    "cooking": "soup oven recipe flour kitchen butter stew sauce bread pasta frying spice",
    "sport": "football goal tennis referee stadium athlete coach marathon basketball league player"
    " tournament",
    "space": "rocket planet astronaut telescope galaxy moon orbit comet satellite star mars"
    " asteroid",
    "medicine": "doctor hospital vaccine fever surgery nurse patient tablet clinic infection"
    " diagnosis therapy",
    "money": "bank loan mortgage interest credit savings deposit dividend budget invoice account"
    " currency",
    "garden": "rose tulip soil seed lawn hedge compost shovel weeds bush blossom greenhouse",
    "computers": "laptop software keyboard printer server password browser database program"
    " internet disk monitor",
    "ocean": "whale shark coral dolphin reef wave tide octopus fish seaweed jellyfish diver",
    "law": "judge lawyer court trial verdict jury witness contract lawsuit prosecutor prison"
    " sentence",
    "travel": "passport airport hotel luggage flight tourist visa suitcase holiday cruise itinerary"
    " train",
}
WORDS = {topic: tuple(words.split()) for topic, words in _WORDS.items()}
TOPICS = tuple(WORDS)
# A place in braces takes a word of the message's topic.
PATTERNS = (
    "please tell me more about the {} and the {}",
    "we had a problem with the {} and also with the {} today",
    "can you help me with {} or {} this week",
    "my question is about the {} near the {}",
    "i was thinking about {} and {} yesterday",
    "the {} was much better than the {} last year",
    "somebody asked us for a {} and we only had a {}",
    "is there anything new about the {} or the {}",
    "they wrote a long letter about {} then {} and then {}",
    "the {} and the {} were fine but the {} was not",
    "we like the {} but we do not like the {} or the {}",
    "first it was the {} then the {} and now it is the {}",
    "there is no {} here only a {} with a {} and some {}",
    "a {} is what we want and not a {} nor the {} with its {}",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Messages and the team of each, in the same order."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


def write(random: Random, topic: str, stray: float = 0.3) -> str:
    """A message about a topic.

    Of three words or more one is about something else, with the probability `stray`.
    """
    pattern = random.choice(PATTERNS)
    words = random.sample(WORDS[topic], pattern.count("{}"))
    if len(words) > 2 and random.random() < stray:
        other = random.choice([t for t in TOPICS if t != topic])
        words[random.randrange(len(words))] = random.choice(WORDS[other])
    return pattern.format(*words)


def index_rows(count: int = 300) -> Rows:
    """What an index learns from: as many messages of every team, in random order."""
    return _rows(count, seed=1)


def test_rows(count: int = 120) -> Rows:
    """Other messages, to be answered."""
    return _rows(count, seed=2)


def shuffled(rows: Rows, seed: int = 3) -> Rows:
    """The same messages with teams that have nothing to do with them."""
    labels = list(rows.labels)
    Random(seed).shuffle(labels)
    return Rows(rows.texts, tuple(labels))


def _rows(count: int, seed: int) -> Rows:
    random = Random(seed)
    topics = [TOPICS[number % len(TOPICS)] for number in range(count)]
    random.shuffle(topics)
    texts = tuple(write(random, topic) for topic in topics)
    return Rows(texts, tuple(TEAMS[topic] for topic in topics))
