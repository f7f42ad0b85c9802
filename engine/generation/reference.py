"""How near a graph is to its source in fp32, whose layers are run one after the other.

So the memory of one layer is enough to check a model that as a whole would not fit in fp32.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Source
from augursql.engine.generation.graph import write_embedding, write_head, write_layer
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.weights import Floats
from augursql.engine.runtime.sessions import Runtime

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
    shape = source.architecture
    states: list[Floats] = []

    def run(write: Callable[[GraphFile], None], layer: int | None, output: str) -> None:
        with TemporaryDirectory(dir=scratch) as folder:
            with GraphFile(Path(folder)) as graph:
                write(graph)
            session = runtime.open(Path(folder, GRAPH), runtime.threads)
            names = session.inputs
            for place, ids in enumerate(prompts):
                size, binding = len(ids), session.binding()
                if layer is not None:
                    cache = np.zeros((2, 1, shape.kv_heads, size, shape.head_size), np.float32)
                    for part, memory in zip(("key", "value"), cache, strict=True):
                        name = f"{layer}.{part}"
                        binding.share(f"past.{name}", f"present.{name}", memory)
                feeds: dict[str, NDArray[Any]] = {
                    "input_ids": ids[None],
                    "position_ids": np.arange(size)[None],
                    "attention_bias": np.zeros((1, 1, size, size), np.float32),
                    "last": np.array([size - 1], np.int32),
                    "total": np.array([size], np.int32),
                    "rows": np.arange(size),
                    "hidden": states[place] if states else np.empty(0, np.float32),
                }
                used = {name: value for name, value in feeds.items() if name in names}
                made.append(binding.run(used, output).copy())

    made: list[Floats] = []
    run(lambda graph: write_embedding(source, graph), None, "next")
    for number in range(len(shape.layers)):
        states, made = made, []
        run(lambda graph, n=number: write_layer(source, graph, n), number, "next")  # type: ignore[misc]
    states, made = made, []
    run(lambda graph: write_head(source, graph), None, "logits")
    return made


def nearness(exact: Sequence[Floats], near: Sequence[Floats]) -> float:
    """The mean cosine of the logits at each place, less their mean; 0 where one is not finite."""
    cosines = list[float]()
    for a, b in zip(exact, near, strict=True):
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines += ((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)).tolist()
    mean = float(np.mean(cosines))
    return mean if np.isfinite(mean) else 0.0
