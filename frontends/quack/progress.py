"""How far a client's statement is, for `augur_running`."""

import threading


class Progress:
    """A Monitor that keeps the numbers, for who asks."""

    def __init__(self) -> None:
        self._label, self._total, self._done = "", 0, 0
        self._lock = threading.Lock()

    def begin(self, label: str, total: int | None) -> None:
        with self._lock:
            self._label, self._total, self._done = label, total or 0, 0

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count

    def end(self) -> None:
        """What is shown stays until the next statement begins."""

    def check(self) -> None:
        return None

    def told(self) -> str:
        """How far it is: 'embedding 1,024 of 4,096 texts'."""
        with self._lock:
            of = f" of {self._total:,}" if self._total else ""
            return f"{self._label} {self._done:,}{of} texts".strip() if self._done else ""
