"""How fast a model runs on this machine, from what it has done."""

import threading


class Speed:
    """Tokens and seconds of the batches so far; thread-safe."""

    def __init__(self) -> None:
        self._tokens, self._seconds = 0, 0.0
        self._lock = threading.Lock()

    def add(self, tokens: int, seconds: float) -> None:
        with self._lock:
            self._tokens += tokens
            self._seconds += seconds

    @property
    def known(self) -> bool:
        return self._tokens > 0 and self._seconds > 0

    @property
    def tokens_per_second(self) -> float:
        """0 as long as nothing is known."""
        return self._tokens / self._seconds if self._seconds > 0 else 0.0
