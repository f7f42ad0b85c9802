"""What sessions of one database keep in memory for whichever of their connections asks."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from augursql.database.running import Running
from augursql.database.shelf import Shelf

if TYPE_CHECKING:
    from augursql.udfs.memo import Memo, Remembered, Replied


@dataclass(slots=True)
class Memory:
    """Loaded encoders by artifact and options, artifacts by source or digest, loaded indexes and
    fitted targets by index version, language models, the memos, and what runs. Who loads or fits
    holds the `lock`, so that it is done once; the shelf of language models has its own.
    """

    encoders: dict[Any, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    indexes: dict[Any, Any] = field(default_factory=dict)
    fitted: dict[Any, Any] = field(default_factory=dict)
    language_models: Shelf = field(default_factory=Shelf)
    running: Running = field(default_factory=Running)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _memo: "Memo[Remembered] | None" = None
    _replies: "Memo[Replied] | None" = None

    def memo(self, capacity_mb: int) -> "Memo[Remembered]":
        """The memo of vectors; made when it is first needed, as it loads numpy."""
        with self.lock:
            if self._memo is None:
                from augursql.udfs.memo import Memo

                self._memo = Memo(capacity_mb)
            return self._memo

    def replies(self, capacity_mb: int) -> "Memo[Replied]":
        """The memo of what language models answered."""
        with self.lock:
            if self._replies is None:
                from augursql.udfs.memo import Memo

                self._replies = Memo(capacity_mb)
            return self._replies
