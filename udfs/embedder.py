"""Vectors for a chunk's texts, each distinct text at most once in the session."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augursql.engine.inference.encoder import Encoder
from augursql.errors import InterruptedStatementError
from augursql.types import Monitor
from augursql.udfs.memo import Memo, Remembered, content_hash
from augursql.udfs.stored import NothingStored, Store, Stored
from augursql.udfs.tally import Counts

FIRST_PIECE, SMALLEST_PIECE, LARGEST_PIECE = 256, 64, 8_192
SECONDS_PER_PIECE = 1.0
SAMPLE = 1_000


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
    """An encoder; before it a store, before that the session's memo and an index's vectors.

    `elsewhere` gives other indexes with vectors of this encoder: their texts cost nothing, but are
    not the index's `own`.
    """

    def __init__(
        self,
        encoder: Encoder,
        memo: Memo[Remembered],
        monitor: Monitor,
        known: KnownTexts = NOTHING_KNOWN,
        store: Store | None = None,
        elsewhere: Callable[[], Sequence[KnownTexts]] = tuple,
    ) -> None:
        self.encoder = encoder
        self._memo = memo
        self._monitor = monitor
        self.known = known
        self._elsewhere = elsewhere
        self._store = store or NothingStored()
        self._piece = FIRST_PIECE
        self._uncounted: set[bytes] = set()
        self._name = f"{encoder.digest}/{encoder.dtype}"
        # Two threads with the same new text must not both embed it: the second one waits.
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds distinct texts. Raises ModelError, or InterruptedStatementError on a cancel."""
        result = self._nothing(len(texts))
        keys = [content_hash(text) for text in texts]
        unknown = self._look_up_index(keys, result)
        with self._lock:
            missing = [i for i in unknown if not self._recall(i, keys[i], result)]
            if missing:
                missing = self._fetch(keys, missing, result)
            self._encode_all(texts, keys, missing, result)
        return result

    def recalled(self, texts: Sequence[str]) -> tuple[Embedded, list[int]]:
        """The vectors that are known already, and which texts have none; no model is asked."""
        result = self._nothing(len(texts))
        keys = [content_hash(text) for text in texts]
        unknown = list[int]()
        for i in self._look_up_index(keys, result):
            found = self._memo.get(self._name, keys[i])
            if found is None:
                unknown.append(i)
            else:
                result.vectors[i] = found.vector
        return result, self._fetch(keys, unknown, result) if unknown else []

    def foresee(self, texts: Sequence[str]) -> Counts:
        """What embedding distinct texts would cost; no model is asked.

        Tokens are counted on a sample of 1,000 texts; seconds follow from the measured throughput.
        """
        keys = [content_hash(text) for text in texts]
        indexes = (self.known, *self._elsewhere())
        unknown = [
            i
            for i, key in enumerate(keys)
            if not any(key in index.entry_of for index in indexes)
            and self._memo.get(self._name, key) is None
        ]
        if unknown:
            stored = set(self._store.get_many(self._name, [keys[i] for i in unknown]).keys)
            unknown = [i for i in unknown if keys[i] not in stored]
        tokens, seconds = 0, 0.0
        if unknown:
            sample = unknown[:: max(1, len(unknown) // SAMPLE)]
            counted = self.encoder.count_tokens([texts[i] for i in sample])
            tokens = round(float(counted.mean()) * len(unknown))
            seconds = tokens / self.encoder.tokens_per_second()
        cached = len(texts) - len(unknown)
        return Counts(
            inputs=len(texts), evaluated=len(unknown), cached=cached, tokens=tokens, seconds=seconds
        )

    def _nothing(self, count: int) -> Embedded:
        return Embedded(
            np.zeros((count, self.encoder.dimensions), np.float32),
            np.full(count, -1, np.int64),
            np.zeros(count, np.int32),
            np.zeros(count, np.bool_),
            np.zeros(count, np.bool_),
        )

    def _look_up_index(self, keys: Sequence[bytes], result: Embedded) -> list[int]:
        unknown, others = [], self._elsewhere()
        for i, key in enumerate(keys):
            entry = self.known.entry_of.get(key, -1)
            if entry >= 0:
                result.own[i] = entry
                result.vectors[i] = self.known.vectors[entry]
                result.cached[i] = True
                continue
            other = next((other for other in others if key in other.entry_of), None)
            if other is None:
                unknown.append(i)
            else:
                result.vectors[i] = other.vectors[other.entry_of[key]]
                result.cached[i] = True
        return unknown

    def _recall(self, i: int, key: bytes, result: Embedded) -> bool:
        found = self._memo.get(self._name, key)
        if found is None:
            return False
        result.vectors[i] = found.vector
        result.tokens[i] = found.tokens
        result.truncated[i] = found.truncated
        result.cached[i] = key not in self._uncounted
        self._uncounted.discard(key)
        return True

    def _fetch(self, keys: Sequence[bytes], missing: list[int], result: Embedded) -> list[int]:
        """Takes what the store has; returns what is still missing."""
        found = self._store.get_many(self._name, [keys[i] for i in missing])
        place = {keys[i]: i for i in missing}
        for key, value, tokens, truncated in zip(
            found.keys, found.values, found.tokens, found.truncated, strict=True
        ):
            if key in place and len(value) == 4 * self.encoder.dimensions:
                i = place.pop(key)
                result.vectors[i], result.tokens[i] = np.frombuffer(value, np.float32), tokens
                result.truncated[i], result.cached[i] = truncated, True
                self._remember(i, key, result)
        return list(place.values())

    def _encode_all(
        self, texts: Sequence[str], keys: Sequence[bytes], missing: list[int], result: Embedded
    ) -> None:
        """Piece by piece, so that a kill, a cancel or a failure loses a second's work."""
        rest, done = sorted(missing, key=lambda i: -len(texts[i])), list[int]()
        try:
            while rest:
                piece, started = rest[: self._piece], time.monotonic()
                self._encode(texts, keys, piece, result)
                done, rest = done + piece, rest[len(piece) :]
                self._adapt(len(piece), time.monotonic() - started)
        except InterruptedStatementError:
            raise
        except Exception:
            # Whoever asks again for less than the whole finds these in the memo: count them then.
            self._uncounted.update(keys[i] for i in done)
            raise

    def _adapt(self, size: int, seconds: float) -> None:
        if seconds > 2 * SECONDS_PER_PIECE:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
        elif seconds < SECONDS_PER_PIECE / 2 and size == self._piece:
            self._piece = min(self._piece * 2, LARGEST_PIECE)

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
            self._remember(i, keys[i], result)
        stored = Stored(
            [keys[i] for i in missing],
            [result.vectors[i].tobytes() for i in missing],
            encoding.tokens.tolist(),
            encoding.truncated.tolist(),
        )
        self._store.put_many(self._name, stored)

    def _remember(self, i: int, key: bytes, result: Embedded) -> None:
        vector = result.vectors[i].copy()
        tokens, truncated = int(result.tokens[i]), bool(result.truncated[i])
        self._memo.put(self._name, key, Remembered(vector, tokens, truncated))
