"""The session's memos: what was computed for an input is not computed again."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

HASH_BYTES = 16
ENTRY_OVERHEAD = 400


def content_hash(text: str) -> bytes:
    """The first 16 bytes of the text's SHA-256, as `unhex(sha256(text))[1:16]` gives in SQL."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]


class Sized(Protocol):
    """Anything of which the bytes are known."""

    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """A vector, float32 [d], the tokens of its text, and whether the text was truncated."""

    vector: npt.NDArray[np.float32]
    tokens: int
    truncated: bool

    @property
    def size(self) -> int:
        return self.vector.nbytes


@dataclass(frozen=True, slots=True)
class Replied:
    """What a language model answered, as it goes into the cache, and the tokens that it took."""

    answer: bytes
    tokens: int

    @property
    def size(self) -> int:
        return len(self.answer)


Kept = TypeVar("Kept", bound=Sized)


class Memo(Generic[Kept]):
    """Values by producer and content hash, least recently used first out; thread-safe.

    `capacity_mb` bounds its size in megabytes; 0 keeps nothing.
    """

    def __init__(self, capacity_mb: int) -> None:
        self._capacity = capacity_mb * 1_000_000
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, bytes], Kept] = OrderedDict()

    def resize(self, capacity_mb: int) -> None:
        """Changes the bound; what is over it goes with the next value that comes."""
        self._capacity = capacity_mb * 1_000_000

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def get(self, producer: str, key: bytes) -> Kept | None:
        with self._lock:
            found = self._kept.get((producer, key))
            if found is not None:
                self._kept.move_to_end((producer, key))
            return found

    def put(self, producer: str, key: bytes, value: Kept) -> None:
        with self._lock:
            if (producer, key) in self._kept:
                return
            self._kept[(producer, key)] = value
            self._size += value.size + ENTRY_OVERHEAD
            while self._size > self._capacity and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._size -= dropped.size + ENTRY_OVERHEAD
