"""How near a graph is to its source in fp32, whose layers are run one after the other.

So the memory of one layer is enough to check a model that as a whole would not fit in fp32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Architecture, Source
from augursql.engine.generation.graph import write_embedding, write_head, write_layer
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.weights import Floats
from augursql.engine.runtime.sessions import Binding, Runtime

Ids = NDArray[np.int64]
TEXTS = (
    "The room was clean and quiet, but breakfast cost extra and the lift did not work on Sunday.",
    "Question: which planet is the largest in our system?\nAnswer: Jupiter, by a wide margin.",
    'def total(rows):\n    return sum(row["price"] * row["count"] for row in rows)\n',
    "Le train de nuit part a 22 h 40; die Reservierung ist Pflicht, y el desayuno esta incluido.",
    '{"name": "Ana", "age": 31, "tags": ["new", "vip"], "address": {"city": "Porto"}}',
)


def reference_logits(
    source: Source, prompts: Sequence[Ids], scratch: Path, runtime: Runtime
) -> list[Floats]:
    """The logits [tokens, vocabulary] of each prompt in fp32."""
    parts = _Parts(source.architecture, prompts, scratch, runtime)
    states = parts.run(partial(write_embedding, source), "next")
    for number in range(len(source.architecture.layers)):
        write = partial(write_layer, source, number=number)
        states = parts.run(write, "next", states, number)
    return parts.run(partial(write_head, source), "logits", states)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Runs parts of a model, each a graph that is written, run for all prompts, and forgotten."""

    shape: Architecture
    prompts: Sequence[Ids]
    scratch: Path
    runtime: Runtime

    def run(
        self,
        write: Callable[[GraphFile], None],
        output: str,
        states: Sequence[Floats] | None = None,
        layer: int | None = None,
    ) -> list[Floats]:
        """The part's output for each prompt, from the hidden states behind the part before it."""
        with TemporaryDirectory(dir=self.scratch) as folder:
            with GraphFile(Path(folder)) as graph:
                write(graph)
            session = self.runtime.open(Path(folder, GRAPH), self.runtime.threads)
            names, found = session.inputs, list[Floats]()
            for place, ids in enumerate(self.prompts):
                binding = session.binding()
                if layer is not None:
                    self._share_cache(binding, layer, len(ids))
                feeds = _feeds(ids)
                if states is not None:
                    feeds["hidden"] = states[place]
                used = {name: value for name, value in feeds.items() if name in names}
                found.append(binding.run(used, output).copy())
            return found

    def _share_cache(self, binding: Binding, layer: int, size: int) -> None:
        shape = self.shape
        cache = np.zeros((2, 1, shape.kv_heads, size, shape.head_size), np.float32)
        for part, memory in zip(("key", "value"), cache, strict=True):
            binding.share(f"past.{layer}.{part}", f"present.{layer}.{part}", memory)


def _feeds(ids: Ids) -> dict[str, NDArray[Any]]:
    """One whole text, of which all tokens are wanted."""
    size = len(ids)
    return {
        "input_ids": ids[None],
        "position_ids": np.arange(size)[None],
        "attention_bias": np.zeros((1, 1, size, size), np.float32),
        "last": np.array([size - 1], np.int32),
        "total": np.array([size], np.int32),
        "rows": np.arange(size),
    }


def nearness(exact: Sequence[Floats], near: Sequence[Floats]) -> float:
    """The mean cosine of the logits at each place, less their mean; 0 where one is not finite."""
    cosines = list[float]()
    for a, b in zip(exact, near, strict=True):
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines += ((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)).tolist()
    mean = float(np.mean(cosines))
    return mean if np.isfinite(mean) else 0.0
