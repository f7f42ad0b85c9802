"""One watch per session: passes progress on to a front door and turns a cancel into an error."""

import threading

from augursql.errors import InterruptedStatementError
from augursql.types import Monitor


class Watch:
    """A Monitor with a cancel button. `front` draws the progress; it may be a silent one."""

    def __init__(self, front: Monitor) -> None:
        self._front = front
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Makes the next `check` raise. Safe from any thread and from a signal handler."""
        self._cancelled.set()

    def clear(self) -> None:
        """Forgets a cancel; called when a new statement starts."""
        self._cancelled.clear()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def begin(self, label: str, total: int | None) -> None:
        self._front.begin(label, total)

    def advance(self, count: int) -> None:
        self._front.advance(count)

    def end(self) -> None:
        self._front.end()

    def check(self) -> None:
        if self._cancelled.is_set():
            raise InterruptedStatementError("The statement was cancelled.")
