"""Counts what a call was asked for and what it cost."""

import threading
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Counts:
    """What one chunk, or one call over all its chunks, asked for and cost.

    `rows` that asked, distinct `inputs` per chunk, texts `evaluated` by a model, texts `cached`
    (found in an index or in the memo), texts `truncated` to the model's length, `tokens` sent,
    `seconds` inside the function, summed over threads.
    """

    rows: int = 0
    inputs: int = 0
    evaluated: int = 0
    cached: int = 0
    truncated: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        return self._with(other, 1)

    def __sub__(self, other: "Counts") -> "Counts":
        return self._with(other, -1)

    def _with(self, other: "Counts", sign: int) -> "Counts":
        return Counts(
            **{f.name: getattr(self, f.name) + sign * getattr(other, f.name) for f in fields(self)}
        )


class Tally:
    """Sums the counts of a call's chunks, which arrive from several threads."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._lock = threading.Lock()

    def add(self, counts: Counts) -> None:
        with self._lock:
            self._counts += counts

    @property
    def counts(self) -> Counts:
        return self._counts
