"""What models have computed, kept for longer than a session: the seam to a store of it.

A store knows bytes by `producer` (an encoder in one precision; later a language model with its
options) and by the content hash of the input. What it cannot read it does not have, and what it
cannot write it forgets: a store never fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """n results: `keys`, 16 bytes each; `values`, the bytes of each; the `tokens` of its input, and
    whether that was `truncated`."""

    keys: Sequence[bytes] = ()
    values: Sequence[bytes] = ()
    tokens: Sequence[int] = ()
    truncated: Sequence[bool] = ()


class Store(Protocol):
    """Batches in, batches out; called by several threads."""

    def get_many(self, producer: str, keys: Sequence[bytes]) -> Stored:
        """What is known of distinct `keys`, in any order."""
        ...

    def put_many(self, producer: str, stored: Stored) -> None:
        """Keeps results; it may take a while until they are on disk."""
        ...


class NothingStored:
    """A store that keeps nothing."""

    def get_many(self, producer: str, keys: Sequence[bytes]) -> Stored:
        return Stored()

    def put_many(self, producer: str, stored: Stored) -> None:
        return None
