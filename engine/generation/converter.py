"""The worker that makes a graph of a language model in one precision, and checks it.

A process of its own, because the weights of a layer in fp32, and their graph, are memory that we
want back. Several recipes are tried, from fast to exact, until one is near enough to the source.
"""

import importlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from augursql.engine.generation.adapted import write_adapted
from augursql.engine.generation.decoder import CacheShape, Decoder
from augursql.engine.generation.families import open_source
from augursql.engine.generation.graph import write_decoder
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.products import Recipe
from augursql.engine.generation.reference import TEXTS, Ids, nearness, reference_logits
from augursql.engine.generation.weights import Floats
from augursql.engine.repository.worker import WorkerError, answer
from augursql.engine.runtime.sessions import Runtime, load_runtime
from augursql.errors import AugurError
from augursql.types import SilentMonitor

# The least mean cosine of the logits to those in fp32.
LEAST = {"fp32": 0.9999, "int8": 0.99, "int4": 0.94}
_CAREFUL = (".down", ".output")
_RECIPES = {
    "fp32": (Recipe("fp32"),),
    "int8": (
        Recipe("int8"),
        Recipe("int8", careful=_CAREFUL),
        Recipe("int8_blocks"),
        Recipe("int8", levels=63),
    ),
    "int4": (Recipe("int4_blocks"), Recipe("int4_blocks", careful=(*_CAREFUL, "head"))),
}
_RANDOM_PROMPTS, _RANDOM_TOKENS = 2, 32


def _work(request: dict[str, Any]) -> dict[str, Any]:
    folder, target = Path(request["folder"]), Path(request["target"])
    runtime = load_runtime(Path(request["home"]), "cpu", int(request["threads"]))
    dtype = str(request["dtype"])
    try:
        source = open_source(folder)
        prompts = _prompts(folder, source.architecture.vocabulary, source.architecture.context)
        with TemporaryDirectory(dir=target) as scratch:
            exact = reference_logits(source, prompts, Path(scratch), runtime)
        best = 0.0
        for number, recipe in enumerate(_RECIPES[dtype]):
            made = target / str(number)
            made.mkdir()
            with GraphFile(made) as graph:
                write_decoder(source, graph, recipe, SilentMonitor())
            write_adapted(made)
            shape = source.architecture
            sizes = CacheShape(len(shape.layers), shape.kv_heads, shape.head_size)
            cosine = nearness(exact, _logits(runtime, made / GRAPH, sizes, prompts))
            best = max(best, cosine)
            if cosine >= LEAST[dtype]:
                return {"folder": made.name, "cosine": cosine}
    except AugurError as error:
        raise WorkerError("failed", f"{error.message} {error.hint or ''}".strip()) from error
    return {"folder": "", "cosine": best}


def _prompts(folder: Path, vocabulary: int, context: int) -> list[Ids]:
    backend: Any = importlib.import_module("tokenizers")
    tokenizer = backend.Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [tokenizer.encode(text).ids for text in TEXTS]
    random = np.random.default_rng(0)
    drawn = [random.integers(0, vocabulary, _RANDOM_TOKENS) for _ in range(_RANDOM_PROMPTS)]
    most = min(64, context)
    return [np.asarray(ids[:most], np.int64) for ids in (*texts, *drawn) if len(ids)]


def _logits(runtime: Runtime, graph: Path, sizes: CacheShape, prompts: list[Ids]) -> list[Floats]:
    decoder = Decoder(runtime.open(graph, runtime.threads), sizes)
    cache = decoder.cache(1, max(len(ids) for ids in prompts))
    return [decoder.every(cache, ids) for ids in prompts]


if __name__ == "__main__":
    answer(_work)
