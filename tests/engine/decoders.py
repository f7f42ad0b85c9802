"""Small decoders that transformers made, and how they are opened and run here."""

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Source
from augursql.engine.generation.decoder import CacheShape, Decoder
from augursql.engine.generation.decoding import Decoding, KeyValues
from augursql.engine.generation.graph import write_decoder
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.products import Precision, Recipe
from augursql.engine.runtime.sessions import load_runtime
from augursql.types import SilentMonitor

SHAPES = [
    *("llama", "llama-narrow-heads", "llama-llama3", "llama-linear", "llama-dynamic"),
    *("llama-yarn", "mistral", "qwen2", "qwen3", "smollm3", "gemma", "gemma2", "gemma3"),
    *("phi", "phi3", "phi3-partial", "gpt2", "gpt_neox", "falcon-7b", "falcon-40b"),
    *("falcon-11b", "falcon-rw", "granite", "olmo2", "stablelm", "starcoder2"),
]
OTHERS = ["bloom", "t5"]
needs_torch = pytest.mark.skipif(
    not all(find_spec(name) for name in ("torch", "transformers")),
    reason="augursql[export] is not installed",
)


def opened(source: Source, scratch: Path, precision: Precision = "fp32") -> Decoder:
    """The decoder of a model, made in a folder below `scratch`."""
    target = Path(tempfile.mkdtemp(dir=scratch))
    with GraphFile(target) as graph:
        write_decoder(source, graph, Recipe(precision), SilentMonitor())
    shape = source.architecture
    session = load_runtime(scratch, "cpu", 1).open(target / GRAPH)
    return Decoder(session, CacheShape(len(shape.layers), shape.kv_heads, shape.head_size))


def written(decoder: Decoding, prompts: list[list[int]], count: int) -> list[list[int]]:
    """The most probable tokens: each prompt read alone, and all of them continued together."""
    longest = max(len(prompt) for prompt in prompts) + count
    caches = decoder.cache(1, longest), decoder.cache(len(prompts), longest)
    answers = [[first_token(decoder, caches, row, ids)] for row, ids in enumerate(prompts)]
    lengths = np.array([len(prompt) for prompt in prompts])
    for _ in range(count - 1):
        last = np.array([answer[-1] for answer in answers])
        for answer, logits in zip(answers, decoder.step(caches[1], last, lengths), strict=True):
            answer.append(int(logits.argmax()))
        lengths += 1
    return answers


def first_token(
    decoder: Decoding, caches: tuple[KeyValues, KeyValues], row: int, ids: list[int]
) -> int:
    half = len(ids) // 2
    if half:
        decoder.extend(caches[0], np.array(ids[:half]), 0)
    logits = decoder.extend(caches[0], np.array(ids[half:]), half)
    caches[1].copy(row, caches[0], 0, len(ids))
    return int(logits.argmax())


def logits_of(decoder: Decoder, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    return decoder.every(decoder.cache(1, len(ids)), ids)
