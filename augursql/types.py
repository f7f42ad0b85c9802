"""Values that several rooms share: what long work reports to, and how a document is composed."""

from typing import Protocol


class Monitor(Protocol):
    """Whom long work reports to: a progress bar, a cancel button, or nobody.

    `begin` announces a phase (`total` counts items, None when unknown), `advance` adds finished
    items, `end` closes the phase. `check` raises `InterruptedStatementError` once the user has
    cancelled; long loops call it between batches, at least every 0.3 s. All are thread-safe.
    """

    def begin(self, label: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None: ...

    def end(self) -> None: ...

    def check(self) -> None: ...


class SilentMonitor:
    """Reports to nobody and is never cancelled."""

    def begin(self, label: str, total: int | None) -> None:
        return None

    def advance(self, count: int) -> None:
        return None

    def end(self) -> None:
        return None

    def check(self) -> None:
        return None
