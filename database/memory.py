"""What a session keeps in memory for whichever of its connections asks."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augursql.udfs.memo import Memo


@dataclass(slots=True)
class Memory:
    """Loaded encoders by artifact and options, artifacts by source or digest, and the memo."""

    encoders: dict[Any, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    _memo: "Memo | None" = None

    def memo(self, capacity_mb: int) -> "Memo":
        """The session's memo of vectors; made when it is first needed, as it loads numpy."""
        if self._memo is None:
            from augursql.udfs.memo import Memo

            self._memo = Memo(capacity_mb)
        return self._memo
