"""Vectors for a chunk's texts, each distinct text at most once in the session."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augursql.engine.inference.encoder import Encoder
from augursql.types import Monitor
from augursql.udfs.memo import Memo, Remembered, content_hash


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """Vectors that an index has stored: `vectors` float32 [n, d], `entry_of` hash -> row."""

    vectors: npt.NDArray[np.float32]
    entry_of: Mapping[bytes, int]


NOTHING_KNOWN = KnownTexts(np.empty((0, 0), np.float32), {})


@dataclass(frozen=True, slots=True)
class Embedded:
    """Per text: `vectors` float32 [n, d]; `own` int64 [n], the entry with the same text or -1;
    `tokens` int32 [n]; `truncated` and `cached` bool [n]. Texts of an index count no tokens."""

    vectors: npt.NDArray[np.float32]
    own: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]
    truncated: npt.NDArray[np.bool_]
    cached: npt.NDArray[np.bool_]


class Embedder:
    """An encoder with a memo before it, and an index's vectors before that."""

    def __init__(
        self, encoder: Encoder, memo: Memo, monitor: Monitor, known: KnownTexts = NOTHING_KNOWN
    ) -> None:
        self.encoder = encoder
        self._memo = memo
        self._monitor = monitor
        self._known = known
        self._name = f"{encoder.digest}/{encoder.dtype}"
        # Two threads with the same new text must not both embed it: the second one waits.
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds distinct texts. Raises ModelError, or InterruptedStatementError on a cancel."""
        count, width = len(texts), self.encoder.dimensions
        result = Embedded(
            np.zeros((count, width), np.float32),
            np.full(count, -1, np.int64),
            np.zeros(count, np.int32),
            np.zeros(count, np.bool_),
            np.zeros(count, np.bool_),
        )
        keys = [content_hash(text) for text in texts]
        unknown = self._look_up_index(keys, result)
        with self._lock:
            missing = [i for i in unknown if not self._recall(i, keys[i], result)]
            if missing:
                self._encode(texts, keys, missing, result)
        return result

    def _look_up_index(self, keys: Sequence[bytes], result: Embedded) -> list[int]:
        unknown = []
        for i, key in enumerate(keys):
            entry = self._known.entry_of.get(key, -1)
            if entry < 0:
                unknown.append(i)
            else:
                result.own[i] = entry
                result.vectors[i] = self._known.vectors[entry]
                result.cached[i] = True
        return unknown

    def _recall(self, i: int, key: bytes, result: Embedded) -> bool:
        found = self._memo.get(self._name, key)
        if found is None:
            return False
        result.vectors[i] = found.vector
        result.tokens[i] = found.tokens
        result.truncated[i] = found.truncated
        result.cached[i] = True
        return True

    def _encode(
        self,
        texts: Sequence[str],
        keys: Sequence[bytes],
        missing: list[int],
        result: Embedded,
    ) -> None:
        encoding = self.encoder.encode([texts[i] for i in missing], self._monitor)
        result.vectors[missing] = encoding.vectors
        result.tokens[missing] = encoding.tokens
        result.truncated[missing] = encoding.truncated
        for i in missing:
            self._memo.put(
                self._name,
                keys[i],
                Remembered(
                    result.vectors[i].copy(), int(result.tokens[i]), bool(result.truncated[i])
                ),
            )
