"""A decoder's graph, loaded, and the key-value caches that it writes in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.runtime.sessions import Binding, Session

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]
_MASKED = np.float32(-3e4)


@dataclass(frozen=True, slots=True)
class CacheShape:
    """What a cache holds for each token."""

    layers: int
    kv_heads: int
    head_size: int

    @property
    def bytes_per_token(self) -> int:
        return 2 * 4 * self.layers * self.kv_heads * self.head_size


class Cache:
    """Keys and values of `rows` sequences with room for `capacity` tokens each.

    Memory that was never written is not taken from the machine.
    """

    def __init__(
        self,
        session: Session,
        shape: CacheShape,
        rows: int,
        capacity: int,
        adapter: Mapping[str, Logits],
    ) -> None:
        size = (2 * shape.layers, rows, shape.kv_heads, capacity, shape.head_size)
        self.capacity = capacity
        self._memory = np.zeros(size, np.float32)
        self._session = session
        self._adapter = adapter
        self._bindings: dict[int, Binding] = {}

    def binding(self, rows: int) -> Binding:
        """The session bound to the first `rows` sequences."""
        if rows not in self._bindings:
            binding = self._session.binding()
            for number, memory in enumerate(self._memory):
                name = f"{number // 2}.{'value' if number % 2 else 'key'}"
                binding.share(f"past.{name}", f"present.{name}", memory[:rows])
            for name, memory in self._adapter.items():
                binding.hold(name, memory)
            self._bindings[rows] = binding
        return self._bindings[rows]

    def copy(self, row: int, other: "Cache", other_row: int, tokens: int) -> None:
        """Overwrites the first tokens of a sequence by those of another, also of this cache."""
        self._memory[:, row, :, :tokens] = other._memory[:, other_row, :, :tokens]


class Decoder:
    """Runs tokens through the graph. One thread at a time."""

    def __init__(
        self, session: Session, shape: CacheShape, adapter: Mapping[str, Logits] | None = None
    ) -> None:
        """`adapter` are the inputs of an adapted graph (`adapter`), which stay the same."""
        self._session = session
        self._adapter = adapter or {}
        self.shape = shape

    def adapted(self, adapter: Mapping[str, Logits]) -> "Decoder":
        """The same graph with the inputs of an adapter."""
        return Decoder(self._session, self.shape, adapter)

    def cache(self, rows: int, capacity: int) -> Cache:
        return Cache(self._session, self.shape, rows, capacity, self._adapter)

    def extend(self, cache: Cache, ids: Ids, start: int) -> Logits:
        """Puts ids int64 [s] behind the first `start` tokens of the cache's first sequence.

        Returns the logits [vocabulary] after the last of them.
        """
        count = len(ids)
        positions = np.arange(start, start + count)[None]
        last = np.array([start + count - 1], np.int32)
        found: Logits = self._run(cache, ids[None], positions, last, None, [count - 1])[0]
        return found

    def every(self, cache: Cache, ids: Ids) -> Logits:
        """The logits [s, vocabulary] after each token of a short text, with an empty cache."""
        count = len(ids)
        last = np.array([count - 1], np.int32)
        return self._run(cache, ids[None], np.arange(count)[None], last, None, range(count))

    def branch(
        self,
        cache: Cache,
        ids: Ids,
        depths: Ids,
        attends: NDArray[np.bool_],
        start: int,
        nodes: range,
    ) -> Logits:
        """Feeds the given nodes of a tree behind `start` tokens, each seeing its ancestors alone.

        The tree has `ids` and `depths` int64 [t], the children of its root at depth 1, parents
        before children; `attends` [t, t] is whether a node (row) sees another. Earlier nodes were
        fed before. What the cache holds behind `start` is the tree's, and free for others when it
        is done. Returns logits [nodes, vocabulary].
        """
        count, total = len(nodes), start + nodes.stop
        bias = np.zeros((1, 1, count, total), np.float32)
        seen = attends[nodes.start : nodes.stop, : nodes.stop]
        bias[0, 0, :, start:] = np.where(seen, np.float32(0), _MASKED)
        piece = slice(nodes.start, nodes.stop)
        positions = start + depths[None, piece] - 1
        last = np.array([total - 1], np.int32)
        return self._run(cache, ids[None, piece], positions, last, bias, range(count))

    def step(self, cache: Cache, ids: Ids, lengths: Ids) -> Logits:
        """One token more for each of the first n sequences: ids int64 [n] at the places `lengths`.

        Returns logits [n, vocabulary].
        """
        count = len(ids)
        last = lengths.astype(np.int32)
        return self._run(cache, ids[:, None], lengths[:, None], last, None, range(count))

    def _run(
        self,
        cache: Cache,
        ids: Ids,
        positions: Ids,
        last: NDArray[np.int32],
        bias: NDArray[np.float32] | None,
        rows: Any,
    ) -> Logits:
        total = int(last.max()) + 1
        if bias is None:
            bias = np.zeros((1, 1, ids.shape[1], total), np.float32)
        feeds: dict[str, NDArray[Any]] = {
            "input_ids": ids,
            "position_ids": positions,
            "attention_bias": bias,
            "last": last,
            "total": np.array([total], np.int32),
            "rows": np.asarray(rows, np.int64),
        }
        return cache.binding(len(ids)).run(feeds, "logits")
