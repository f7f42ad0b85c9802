"""Stop strings: where an answer is cut although the model would go on."""

from collections.abc import Sequence

from augursql.engine.generation.chat import Chat


class Stops:
    """The stop strings of an answer, for all rows that have the same."""

    def __init__(self, chat: Chat, stop: Sequence[str]) -> None:
        self._chat = chat
        self._stop = [s for s in stop if s]
        # A token holds a byte at least; beginnings of a window may decode to less than they are.
        self._window = max((len(s.encode()) for s in self._stop), default=0) + 4

    def reached(self, ids: Sequence[int], new: int = 1) -> bool:
        """Whether one of the strings lies in the answer's end, where `new` of its ids are new.

        Decodes that end alone, so it may be asked after each step.
        """
        if not self._stop:
            return False
        text = self._chat.text(ids[-(self._window + new) :])
        return any(s in text for s in self._stop)

    def cut(self, text: str) -> str:
        """`text` up to the first of the strings."""
        places = [at for at in map(text.find, self._stop) if at >= 0]
        return text[: min(places, default=len(text))]
