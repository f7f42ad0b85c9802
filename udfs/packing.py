"""Texts in parts, each of which fits into one prompt."""

from collections.abc import Sequence

from augursql.engine.generation.conversation import Message
from augursql.engine.generation.fitting import most_tokens
from augursql.engine.generation.prompts import Task, block, numbered
from augursql.errors import InvalidValueError
from augursql.udfs.speaker import Speaker

# The number of a text when its tokens are counted, and what stands around it in tokens.
_LARGEST, _AROUND = 100_000, 4


class Packing:
    """For prompts of any of some tasks, with an answer of so many tokens at most."""

    def __init__(self, speaker: Speaker, tasks: Sequence[Task], answer: int) -> None:
        self._speaker = speaker
        self._tasks = tasks
        self._budget = speaker.context - answer
        self._costs: dict[str, int] = {}
        self._room: int | None = None

    def packed(self, lists: Sequence[list[str]], *, cut: bool = False) -> list[list[list[str]]]:
        """Per list its parts, in order. A text that is too long becomes several, in several parts;
        with `cut` its beginning alone is left, and no longer than half of what fits, so that each
        part has two texts or more.

        Raises InvalidValueError where nothing fits.
        """
        over = [n for n, texts in enumerate(lists) if not self._surely_fits(texts)]
        if not over:
            return [[texts] for texts in lists]
        room = self._room_for_texts()
        pieces = self._pieces([lists[n] for n in over], room // 2 if cut else room, cut)
        found = [[texts] for texts in lists]
        for n, texts in zip(over, pieces, strict=True):
            found[n] = self._filled(texts, room)
        return found

    def _surely_fits(self, texts: list[str]) -> bool:
        return all(most_tokens(numbered(task, texts)) <= self._budget for task in self._tasks)

    def _filled(self, texts: list[str], room: int) -> list[list[str]]:
        parts, used = list[list[str]](), room
        for text in texts:
            cost = self._costs[text]
            if used + cost > room:
                parts, used = [*parts, []], 0
            parts[-1].append(text)
            used += cost
        return parts

    def _pieces(self, lists: list[list[str]], most: int, cut: bool) -> list[list[str]]:
        """The lists with no text that takes more than `most` tokens."""
        while True:
            self._count([text for texts in lists for text in texts])
            if all(self._costs[text] <= most for texts in lists for text in texts):
                return lists
            lists = [
                [
                    piece
                    for text in texts
                    for piece in ((text,) if self._costs[text] <= most else self._halves(text, cut))
                ]
                for texts in lists
            ]

    def _halves(self, text: str, cut: bool) -> tuple[str, ...]:
        """Both halves of a text, parted between words where there are some."""
        if len(text) < 2:
            raise InvalidValueError(
                f"The prompt does not fit into the {self._budget:,} tokens that the model has for "
                "it, even with a single letter of the texts.",
                hint="Write it shorter, or lower max_tokens.",
            )
        middle = len(text) // 2
        space = text.find(" ", middle, middle + len(text) // 4)
        middle = space + 1 if 0 <= space < len(text) - 1 else middle
        return (text[:middle],) if cut else (text[:middle], text[middle:])

    def _room_for_texts(self) -> int:
        """What the longest of the tasks leaves, in tokens."""
        if self._room is None:
            empty = [numbered(task, [""]) for task in self._tasks]
            self._room = self._budget - int(self._speaker.count_tokens(empty).max())
        return self._room

    def _count(self, texts: Sequence[str]) -> None:
        """Counts the tokens of a numbered text, with all that stands around it."""
        new = [text for text in dict.fromkeys(texts) if text not in self._costs]
        if not new:
            return
        shown = [(Message("user", block(text, _LARGEST)),) for text in ("", *new)]
        nothing, *tokens = self._speaker.count_tokens(shown).tolist()
        self._costs |= dict(zip(new, (count - nothing + _AROUND for count in tokens), strict=True))
