"""Every family of decoders writes what transformers writes, token for token."""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Source
from augursql.engine.generation.config import read_config
from augursql.engine.generation.decoder import Cache, CacheShape, Decoder
from augursql.engine.generation.families import FAMILIES, open_source, source_of
from augursql.engine.generation.graph import write_decoder
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.products import Precision, Recipe
from augursql.engine.generation.weights import Floats, Tensors
from augursql.engine.repository.kinds import FAMILIES as DEPLOYED
from augursql.engine.runtime.sessions import load_runtime
from augursql.errors import ModelError
from augursql.types import SilentMonitor

SCRIPT = Path(__file__).parent / "tiny_decoders.py"
SHAPES = [
    *("llama", "llama-narrow-heads", "llama-llama3", "llama-linear", "llama-dynamic"),
    *("llama-yarn", "mistral", "qwen2", "qwen3", "smollm3", "gemma", "gemma2", "gemma3"),
    *("phi", "phi3", "phi3-partial", "gpt2", "gpt_neox", "falcon-7b", "falcon-40b"),
    *("falcon-11b", "falcon-rw", "granite", "olmo2", "stablelm", "starcoder2"),
]
needs_torch = pytest.mark.skipif(
    not all(find_spec(name) for name in ("torch", "transformers")),
    reason="augursql[export] is not installed",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each shape: the model, and what transformers writes."""
    root = tmp_path_factory.mktemp("decoders")

    def write(names: list[str]) -> None:
        command = [sys.executable, "-W", "ignore", str(SCRIPT), str(root), *names]
        subprocess.run(command, check=True, capture_output=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (SHAPES[::2], SHAPES[1::2])))
    return root


def opened(source: Source, scratch: Path, precision: Precision = "fp32") -> Decoder:
    """The decoder of a model, made in a folder below `scratch`."""
    target = Path(tempfile.mkdtemp(dir=scratch))
    with GraphFile(target) as graph:
        write_decoder(source, graph, Recipe(precision), SilentMonitor())
    shape = source.architecture
    session = load_runtime(scratch, "cpu", 1).open(target / GRAPH)
    return Decoder(session, CacheShape(len(shape.layers), shape.kv_heads, shape.head_size))


class Calm(Tensors):
    """The same model with smaller weights: a trained one is not as touchy as a random one."""

    def read(self, name: str) -> Floats:
        values = super().read(name)
        return values * np.float32(0.4) if values.ndim == 2 else values


def written(decoder: Decoder, prompts: list[list[int]], count: int) -> list[list[int]]:
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


def first_token(decoder: Decoder, caches: tuple[Cache, Cache], row: int, ids: list[int]) -> int:
    half = len(ids) // 2
    if half:
        decoder.extend(caches[0], np.array(ids[:half]), 0)
    logits = decoder.extend(caches[0], np.array(ids[half:]), half)
    caches[1].copy(row, caches[0], 0, len(ids))
    return int(logits.argmax())


@needs_torch
@pytest.mark.parametrize("shape", SHAPES)
def test_greedy_answers_equal_those_of_transformers(tiny: Path, tmp_path: Path, shape: str) -> None:
    expected = json.loads((tiny / shape / "answers.json").read_text())
    answers = [pair["answer"] for pair in expected]
    decoder = opened(open_source(tiny / shape), tmp_path)
    assert written(decoder, [pair["prompt"] for pair in expected], len(answers[0])) == answers


def test_every_family_is_tested() -> None:
    tested = {shape.partition("-")[0].replace("gemma3", "gemma3_text") for shape in SHAPES}
    assert tested == set(FAMILIES)
    assert tested | {"gemma3", "t5"} == DEPLOYED


def logits_of(decoder: Decoder, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    return decoder.every(decoder.cache(1, len(ids)), ids)


@needs_torch
@pytest.mark.parametrize("precision, least", [("int8", 0.99), ("int4_blocks", 0.9)])
@pytest.mark.parametrize("shape", ["llama", "gemma3", "phi3", "gpt2", "falcon-40b"])
def test_small_precisions_are_near(
    tiny: Path, tmp_path: Path, shape: str, precision: Precision, least: float
) -> None:
    ids = np.random.default_rng(0).integers(1, 96, 40)
    config = read_config(tiny / shape)
    source = source_of(config, Calm([tiny / shape / "model.safetensors"]))
    exact = logits_of(opened(source, tmp_path), ids)
    near = logits_of(opened(source, tmp_path, precision), ids)
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(near, axis=1)
    assert ((exact * near).sum(axis=1) / lengths).mean() > least


@needs_torch
@pytest.mark.parametrize("shape", ["llama", "mistral", "gemma2", "gemma3", "falcon-rw", "gpt2"])
def test_a_tree_gives_what_its_paths_give(tiny: Path, tmp_path: Path, shape: str) -> None:
    decoder = opened(open_source(tiny / shape), tmp_path)
    prompt = np.random.default_rng(1).integers(1, 96, 30)
    ids, depths = np.array([5, 6, 7, 8, 9, 10, 11, 12]), np.array([1, 2, 3, 1, 2, 1, 2, 3])
    paths = [(0, 1, 2), (3, 4), (5, 6, 7)]
    mask = np.zeros((8, 8), bool)
    for path in paths:
        for place, node in enumerate(path):
            mask[node, path[: place + 1]] = True
    cache = decoder.cache(1, 64)
    decoder.extend(cache, prompt, 0)
    pieces = (range(5), range(5, 8))
    found = [decoder.branch(cache, ids, depths, mask, len(prompt), piece) for piece in pieces]
    logits = np.concatenate(found)
    for path in paths:
        alone = decoder.extend(cache, ids[list(path)], len(prompt))
        assert np.abs(logits[path[-1]] - alone).max() < 1e-4


@needs_torch
def test_a_decoder_within_a_model_that_sees(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wrapped"
    folder.mkdir()
    config = json.loads((tiny / "gemma3" / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": config}))
    weights = (tiny / "gemma3" / "model.safetensors").read_bytes()
    length = int.from_bytes(weights[:8], "little")
    header = weights[8 : 8 + length].replace(b'"model.', b'"language_model.model.')
    (folder / "model.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header + weights[8 + length :]
    )
    ids = np.arange(1, 20)
    alone = logits_of(opened(open_source(tiny / "gemma3"), tmp_path), ids)
    assert np.array_equal(logits_of(opened(open_source(folder), tmp_path), ids), alone)


@pytest.mark.parametrize(
    "config, said",
    [
        ({"model_type": "mamba"}, 'family "mamba" are not known'),
        ({}, "does not say which family"),
        ({"model_type": "llama", "hidden_size": 64}, "does not fit its family"),
        (
            {
                "model_type": "llama",
                "hidden_size": 64,
                "num_attention_heads": 4,
                "rope_scaling": {"rope_type": "spiral"},
            },
            'stretches its positions by "spiral"',
        ),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, config: object, said: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=said):
        open_source(tmp_path)
