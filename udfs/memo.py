"""The session's memo of vectors: a text that was embedded is not embedded again."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

HASH_BYTES = 16
ENTRY_OVERHEAD = 400


def content_hash(text: str) -> bytes:
    """The first 16 bytes of the text's SHA-256, as `unhex(sha256(text))[1:16]` gives in SQL."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A vector, float32 [d], the tokens of its text, and whether the text was truncated."""

    vector: npt.NDArray[np.float32]
    tokens: int
    truncated: bool


class Memo:
    """Vectors by encoder and content hash, least recently used first out; thread-safe.

    `capacity_mb` bounds its size in megabytes; 0 keeps nothing.
    """

    def __init__(self, capacity_mb: int) -> None:
        self._capacity = capacity_mb * 1_000_000
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, bytes], Remembered] = OrderedDict()

    def resize(self, capacity_mb: int) -> None:
        """Changes the bound; what is over it goes with the next vector that comes."""
        self._capacity = capacity_mb * 1_000_000

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def get(self, encoder: str, key: bytes) -> Remembered | None:
        with self._lock:
            found = self._kept.get((encoder, key))
            if found is not None:
                self._kept.move_to_end((encoder, key))
            return found

    def put(self, encoder: str, key: bytes, value: Remembered) -> None:
        with self._lock:
            if (encoder, key) in self._kept:
                return
            self._kept[(encoder, key)] = value
            self._size += value.vector.nbytes + ENTRY_OVERHEAD
            while self._size > self._capacity and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._size -= dropped.vector.nbytes + ENTRY_OVERHEAD
