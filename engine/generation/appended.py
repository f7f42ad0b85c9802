"""Decoders that other programs exported: graphs that return a longer cache than they were given.

The interface is that of optimum and of the hub's ONNX files: `input_ids`, `attention_mask`,
sometimes `position_ids`, `past_key_values.<layer>.key` and `.value` [b, heads, tokens, head size];
`logits` and `present.<layer>.*`. Sequences of different lengths are filled up on the left, and on
the right where attention is an operator that counts the mask (GroupQueryAttention).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.decoder import CacheShape, Ids, Logits
from augursql.engine.generation.trees import paths_of
from augursql.engine.runtime.sessions import Session
from augursql.errors import ModelError

# All positions have logits, so longer inputs are fed in pieces.
_PIECE = 128
_GROUP, _GROUP_BYTES = 16, 1 << 28
Arrays = Sequence[NDArray[np.float32]]


class AppendedCache:
    """Keys and values of `rows` sequences, with room for `capacity` tokens each.

    What a run returned is the next run's input, while the same sequences go on; `settle` writes it
    to its place.
    """

    def __init__(self, shape: CacheShape, rows: int, capacity: int, *, left: bool) -> None:
        self.capacity = capacity
        self._memory = np.zeros(
            (2 * shape.layers, rows, shape.kv_heads, capacity, shape.head_size), np.float32
        )
        self._left = left
        # The last run's outputs, how many tokens each sequence has there, and has in the memory.
        self._running: Arrays = ()
        self._lengths = self._settled = np.zeros(0, np.int64)

    def copy(self, row: int, other: "AppendedCache", other_row: int, tokens: int) -> None:
        """Overwrites the first tokens of a sequence by those of another, also of this cache."""
        self.settle()
        other.settle()
        self._memory[:, row, :, :tokens] = other._memory[:, other_row, :, :tokens]

    def past(self, lengths: Ids) -> Arrays:
        """For each layer's key and value, the first n sequences [n, heads, longest, size]."""
        if self._running and np.array_equal(lengths, self._lengths):
            return self._running
        self.settle()
        longest = int(lengths.max())
        sizes = (len(self._memory), len(lengths), self._memory.shape[2], longest)
        past = np.zeros((*sizes, self._memory.shape[4]), np.float32)
        for row, length in enumerate(lengths.tolist()):
            first = longest - length if self._left else 0
            past[:, row, :, first : first + length] = self._memory[:, row, :, :length]
        return list(past)

    def keep(self, present: Arrays, lengths: Ids) -> None:
        """Takes what a run returned, which had `lengths` tokens before it and has one more."""
        if not self._running:
            self._settled = lengths.copy()  # the caller counts them up in place
        self._running, self._lengths = present, lengths + 1

    def write(self, present: Arrays, start: int) -> None:
        """Takes what a run of the first sequence returned, behind its first `start` tokens."""
        for memory, values in zip(self._memory, present, strict=True):
            memory[0, :, start : values.shape[2]] = values[0, :, start:]

    def settle(self) -> None:
        """Writes what runs returned into the memory."""
        pairs = zip(self._settled.tolist(), self._lengths.tolist(), strict=True)
        for row, (first, last) in enumerate(pairs if self._running else ()):
            for memory, values in zip(self._memory, self._running, strict=True):
                shift = values.shape[2] - last if self._left else 0
                memory[row, :, first:last] = values[row, :, first + shift : last + shift]
        self._running = ()


class AppendedDecoder:
    """Runs tokens through such a graph. One thread at a time."""

    def __init__(self, session: Session, *, counts_mask: bool) -> None:
        """`counts_mask`: attention is GroupQueryAttention. Raises ModelError for other graphs."""
        self._session = session
        self._inputs = session.inputs
        self._names = [n for n in session.input_sizes if n.startswith("past_key_values.")]
        self._outputs = ["logits", *(n.replace("past_key_values", "present") for n in self._names)]
        self._left = not counts_mask
        if not self._names or not set(self._outputs) <= set(session.outputs):
            raise ModelError(
                "The ONNX file is no decoder with a cache: it lacks past_key_values or present.",
                hint="Export it by optimum with the task text-generation-with-past.",
            )
        _, heads, _, size = session.input_sizes[self._names[0]]
        self.shape = CacheShape(len(self._names) // 2, int(heads), int(size))

    def cache(self, rows: int, capacity: int) -> AppendedCache:
        return AppendedCache(self.shape, rows, capacity, left=self._left)

    def extend(self, cache: AppendedCache, ids: Ids, start: int) -> Logits:
        """As `decoding` says."""
        for first in range(0, len(ids), _PIECE):
            piece, place = ids[None, first : first + _PIECE], start + first
            past = cache.past(np.array([place]))
            logits, present = self._run(piece, np.array([place]), past)
            cache.settle()
            cache.write(present, place)
        found: Logits = logits[0, -1]
        return found

    def branch(
        self,
        cache: AppendedCache,
        ids: Ids,
        depths: Ids,
        attends: NDArray[np.bool_],
        start: int,
        nodes: range,
    ) -> Logits:
        """As `decoding` says; the tree's paths are fed side by side."""
        paths = paths_of(attends, nodes)
        past = cache.past(np.array([start]))
        fit = _GROUP_BYTES // max(1, start * self.shape.bytes_per_token)
        count = max(1, min(_GROUP, fit)) if self._left else 1
        found: dict[int, Logits] = {}
        for first in range(0, len(paths), count):
            group = paths[first : first + count]
            fed = np.zeros((len(group), max(map(len, group))), np.int64)
            for row, path in enumerate(group):
                fed[row, : len(path)] = ids[path]
            shared = [np.repeat(values, len(group), axis=0) for values in past]
            logits, _ = self._run(fed, np.full(len(group), start), shared)
            for row, path in enumerate(group):
                found |= {node: logits[row, place] for place, node in enumerate(path)}
        return np.stack([found[node] for node in nodes])

    def step(self, cache: AppendedCache, ids: Ids, lengths: Ids) -> Logits:
        """As `decoding` says."""
        logits, present = self._run(ids[:, None], lengths, cache.past(lengths))
        cache.keep(present, lengths)
        found: Logits = logits[:, -1]
        return found

    def _run(self, ids: Ids, lengths: Ids, past: Arrays) -> tuple[Logits, Arrays]:
        """The logits [b, s, vocabulary] after ids [b, s], and the longer cache."""
        places = np.arange(past[0].shape[2] + ids.shape[1])
        if self._left:
            mask = places >= past[0].shape[2] - lengths[:, None]
        else:
            mask = places < lengths[:, None] + ids.shape[1]
        feeds: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": lengths[:, None] + np.arange(ids.shape[1]),
            "use_cache_branch": np.array([past[0].shape[2] > 0]),
            "num_logits_to_keep": np.array(0),
            **dict(zip(self._names, past, strict=True)),
        }
        logits, *present = self._session.run_all(_typed(feeds, self._inputs), self._outputs)
        return logits, present


def _typed(feeds: Mapping[str, Any], inputs: Mapping[str, type]) -> dict[str, NDArray[Any]]:
    """What the graph asks for, in its types."""
    return {name: np.asarray(feeds[name], kind) for name, kind in inputs.items() if name in feeds}
