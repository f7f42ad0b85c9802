"""Counts what a call was asked for and what it cost."""

import threading
from dataclasses import dataclass, fields

KEPT_FAILURES = 1_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What one chunk, or one call over all its chunks, asked for and cost.

    `rows` that asked, distinct `inputs` per chunk, texts `evaluated` by a model, texts `cached`
    (found in an index, in the memo or in the database's cache), texts `truncated` to the model's
    length, `tokens` sent, `seconds` inside the function, summed over threads, inputs that gave
    NULL because of `errors`.
    """

    rows: int = 0
    inputs: int = 0
    evaluated: int = 0
    cached: int = 0
    truncated: int = 0
    tokens: int = 0
    seconds: float = 0.0
    errors: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return self._with(other, 1)

    def __sub__(self, other: "Counts") -> "Counts":
        return self._with(other, -1)

    def _with(self, other: "Counts", sign: int) -> "Counts":
        return Counts(
            **{f.name: getattr(self, f.name) + sign * getattr(other, f.name) for f in fields(self)}
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """An input for which a call gave NULL, and the error's message."""

    input: str
    error: str


class Tally:
    """Sums the counts of a call's chunks, which arrive from several threads.

    `failures` are the first ones of the `errors` that were counted, in their order.
    """

    def __init__(self) -> None:
        self._counts = Counts()
        self.failures: list[Failure] = []
        self._lock = threading.Lock()

    def add(self, counts: Counts) -> None:
        with self._lock:
            self._counts += counts

    def fail(self, failure: Failure, rows: int) -> None:
        """Counts one input, which `rows` asked for, and which could not be answered."""
        with self._lock:
            self._counts += Counts(rows=rows, inputs=1, errors=1)
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(failure)

    @property
    def counts(self) -> Counts:
        return self._counts
