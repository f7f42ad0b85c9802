"""Models with an encoder (T5, Flan-T5), exported by optimum: a prompt is what the encoder reads,
and the answer begins with a token of its own.

Two graphs: `encoder_model.onnx`, and `decoder_model_merged.onnx`, whose cache has for each layer
the keys and values of the answer, which grow, and those of the prompt, which do not. So the place
of a token of the answer is counted from the prompt's end, as in a decoder.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.decoder import CacheShape, Ids, Logits
from augursql.engine.generation.trees import paths_of
from augursql.engine.runtime.sessions import Session
from augursql.errors import ModelError

_GROUP, _GROUP_BYTES = 16, 1 << 28
Arrays = list[NDArray[np.float32]]


class Seq2SeqCache:
    """Of `rows` sequences the prompt, and the keys and values of prompt and answer, for `capacity`
    tokens of both together."""

    def __init__(self, shape: CacheShape, rows: int, capacity: int) -> None:
        size = (2 * shape.layers, rows, shape.kv_heads, capacity + 1, shape.head_size)
        self.capacity = capacity
        self.prompts = [np.zeros(0, np.int64)] * rows
        self.answers, self._read = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self._groups: dict[tuple[int, ...], Arrays] = {}

    def copy(self, row: int, other: "Seq2SeqCache", other_row: int, tokens: int) -> None:
        """Overwrites a sequence by another's first tokens, also of this cache."""
        prompt = other.prompts[other_row]
        read, answered = len(prompt), tokens - len(prompt) + 1
        self.prompts[row] = prompt[:tokens]
        self._read[:, row, :, :read] = other._read[:, other_row, :, :read]
        if answered > 0:
            self.answers[:, row, :, :answered] = other.answers[:, other_row, :, :answered]
        self._groups.clear()

    def begin(self, prompt: Ids, read: Arrays, answer: Arrays) -> None:
        """Takes a prompt for the first sequence, and what the graph made of it."""
        self.prompts[0] = prompt
        for number, (keys, first) in enumerate(zip(read, answer, strict=True)):
            self._read[number, 0, :, : len(prompt)] = keys[0]
            self.answers[number, 0, :, :1] = first[0]
        self._groups.clear()

    def read(self, rows: tuple[int, ...]) -> Arrays:
        """The keys and values of some sequences' prompts, filled up on the right."""
        if rows not in self._groups:
            longest = max(len(self.prompts[row]) for row in rows)
            found = np.ascontiguousarray(self._read[:, list(rows), :, :longest])
            for place, row in enumerate(rows):
                found[:, place, :, len(self.prompts[row]) :] = 0
            self._groups[rows] = list(found)
        return self._groups[rows]

    def mask(self, rows: tuple[int, ...]) -> Ids:
        lengths = np.array([len(self.prompts[row]) for row in rows])
        return (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)


class Seq2Seq:
    """Runs both graphs. One thread at a time."""

    def __init__(self, encoder: Session, decoder: Session, first_token: int) -> None:
        """`first_token` begins every answer. Raises ModelError for other graphs."""
        self._encoder, self._decoder = encoder, decoder
        self._first = first_token
        sizes = decoder.input_sizes
        past = [name for name in sizes if name.startswith("past_key_values.")]
        self._answer = [name for name in past if ".decoder." in name]
        self._read = [name for name in past if ".encoder." in name]
        if not self._answer or "use_cache_branch" not in sizes:
            raise ModelError(
                "The ONNX file is no decoder with an encoder and a cache.",
                hint="Export it by optimum with the task text2text-generation-with-past.",
            )
        _, heads, _, size = sizes[self._answer[0]]
        self._hidden = int(sizes["encoder_hidden_states"][2])
        self.shape = CacheShape(len(self._answer) // 2, int(heads), int(size))

    def cache(self, rows: int, capacity: int) -> Seq2SeqCache:
        return Seq2SeqCache(self.shape, rows, capacity)

    def extend(self, cache: Seq2SeqCache, ids: Ids, start: int) -> Logits:
        """As `decoding` says; the prompt is read anew as a whole."""
        prompt = np.concatenate([cache.prompts[0][:start], ids])
        mask = np.ones((1, len(prompt)), np.int64)
        feeds = {"input_ids": prompt[None], "attention_mask": mask}
        states = self._encoder.run(feeds, "last_hidden_state")
        nothing = np.zeros((1, self.shape.kv_heads, 0, self.shape.head_size), np.float32)
        past = dict.fromkeys((*self._answer, *self._read), nothing)
        made = self._run(np.array([[self._first]]), states, mask, past, used=False)
        count = len(self._answer)
        cache.begin(prompt, made[1 + count :], made[1 : 1 + count])
        found: Logits = made[0][0, -1]
        return found

    def branch(
        self,
        cache: Seq2SeqCache,
        ids: Ids,
        depths: Ids,
        attends: NDArray[np.bool_],
        start: int,
        nodes: range,
    ) -> Logits:
        """As `decoding` says; the tree's paths are fed side by side."""
        paths, found = paths_of(attends, nodes), dict[int, Logits]()
        count = max(1, min(_GROUP, _GROUP_BYTES // (start * self.shape.bytes_per_token)))
        answered = np.array([start - len(cache.prompts[0]) + 1])
        for first in range(0, len(paths), count):
            group = paths[first : first + count]
            fed = np.zeros((len(group), max(map(len, group))), np.int64)
            for row, path in enumerate(group):
                fed[row, : len(path)] = ids[path]
            logits = self._continue(cache, fed, (0,) * len(group), int(answered[0]))[0]
            for row, path in enumerate(group):
                found |= {node: logits[row, place] for place, node in enumerate(path)}
        return np.stack([found[node] for node in nodes])

    def step(self, cache: Seq2SeqCache, ids: Ids, lengths: Ids) -> Logits:
        """As `decoding` says; answers of one length are continued together."""
        answered = lengths + 1 - [len(cache.prompts[row]) for row in range(len(ids))]
        parts, order = list[Logits](), list[int]()
        for length in np.unique(answered).tolist():
            rows = tuple(np.flatnonzero(answered == length).tolist())
            logits, *present = self._continue(cache, ids[list(rows), None], rows, length)
            for memory, values in zip(cache.answers, present, strict=True):
                memory[list(rows), :, length] = values[:, :, -1]
            parts.append(logits[:, -1])
            order += rows
        found: Logits = np.concatenate(parts)[np.argsort(order)]
        return found

    def _continue(
        self, cache: Seq2SeqCache, ids: Ids, rows: tuple[int, ...], answered: int
    ) -> Arrays:
        """Logits and the longer answers of `rows`, which have `answered` tokens each."""
        mask = cache.mask(rows)
        answers = cache.answers[:, list(rows), :, :answered]
        past = dict(zip(self._answer, answers, strict=True))
        past |= zip(self._read, cache.read(rows), strict=True)
        states = np.zeros((*mask.shape, self._hidden), np.float32)  # only the first run reads them
        return self._run(ids, states, mask, past, used=True)

    def _run(
        self, ids: Ids, states: Logits, mask: Ids, past: dict[str, Any], *, used: bool
    ) -> Arrays:
        """The logits [b, s, vocabulary], the answers' cache, and where none was `used` the
        prompts'."""
        feeds: dict[str, Any] = {
            "input_ids": ids,
            "encoder_hidden_states": states,
            "encoder_attention_mask": mask,
            "use_cache_branch": np.array([used]),
            **past,
        }
        kinds = self._decoder.inputs
        typed: dict[str, NDArray[Any]] = {
            name: np.ascontiguousarray(value, kinds[name])
            for name, value in feeds.items()
            if name in kinds
        }
        names = self._answer if used else [*self._answer, *self._read]
        outputs = [name.replace("past_key_values", "present") for name in names]
        return self._decoder.run_all(typed, ["logits", *outputs])
