"""Every family of decoders writes what transformers writes, token for token."""

import json
from pathlib import Path

import numpy as np
import pytest

from augursql.engine.generation.config import read_config
from augursql.engine.generation.families import FAMILIES, open_source, source_of
from augursql.engine.generation.products import Precision
from augursql.engine.generation.weights import Floats, Tensors
from augursql.engine.repository.kinds import FAMILIES as DEPLOYED
from augursql.errors import ModelError
from tests.engine.decoders import SHAPES, logits_of, needs_torch, opened, written


class Calm(Tensors):
    """The same model with smaller weights: a trained one is not as touchy as a random one."""

    def read(self, name: str) -> Floats:
        values = super().read(name)
        return values * np.float32(0.4) if values.ndim == 2 else values


@needs_torch
@pytest.mark.parametrize("shape", SHAPES)
def test_greedy_answers_equal_those_of_transformers(
    tiny_decoders: Path, tmp_path: Path, shape: str
) -> None:
    expected = json.loads((tiny_decoders / shape / "answers.json").read_text())
    answers = [pair["answer"] for pair in expected]
    decoder = opened(open_source(tiny_decoders / shape), tmp_path)
    assert written(decoder, [pair["prompt"] for pair in expected], len(answers[0])) == answers


def test_every_family_is_tested() -> None:
    tested = {shape.partition("-")[0].replace("gemma3", "gemma3_text") for shape in SHAPES}
    assert tested == set(FAMILIES)
    assert tested | {"gemma3", "t5"} == DEPLOYED


@needs_torch
@pytest.mark.parametrize("precision, least", [("int8", 0.99), ("int4_blocks", 0.9)])
@pytest.mark.parametrize("shape", ["llama", "gemma3", "phi3", "gpt2", "falcon-40b"])
def test_small_precisions_are_near(
    tiny_decoders: Path, tmp_path: Path, shape: str, precision: Precision, least: float
) -> None:
    ids = np.random.default_rng(0).integers(1, 96, 40)
    config = read_config(tiny_decoders / shape)
    source = source_of(config, Calm([tiny_decoders / shape / "model.safetensors"]))
    exact = logits_of(opened(source, tmp_path), ids)
    near = logits_of(opened(source, tmp_path, precision), ids)
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(near, axis=1)
    assert ((exact * near).sum(axis=1) / lengths).mean() > least


@needs_torch
@pytest.mark.parametrize("shape", ["llama", "mistral", "gemma2", "gemma3", "falcon-rw", "gpt2"])
def test_a_tree_gives_what_its_paths_give(tiny_decoders: Path, tmp_path: Path, shape: str) -> None:
    decoder = opened(open_source(tiny_decoders / shape), tmp_path)
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
def test_a_decoder_within_a_model_that_sees(tiny_decoders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wrapped"
    folder.mkdir()
    config = json.loads((tiny_decoders / "gemma3" / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": config}))
    weights = (tiny_decoders / "gemma3" / "model.safetensors").read_bytes()
    length = int.from_bytes(weights[:8], "little")
    header = weights[8 : 8 + length].replace(b'"model.', b'"language_model.model.')
    (folder / "model.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header + weights[8 + length :]
    )
    ids = np.arange(1, 20)
    alone = logits_of(opened(open_source(tiny_decoders / "gemma3"), tmp_path), ids)
    assert np.array_equal(logits_of(opened(open_source(folder), tmp_path), ids), alone)


@pytest.mark.parametrize(
    "config, said",
    [
        ({"model_type": "mamba"}, 'family "mamba" are not known'),
        ({}, "does not say which family"),
        ({"model_type": "llama", "hidden_size": 64}, "does not fit its family"),
        (
            {"model_type": "llama", "hidden_size": 64, "num_attention_heads": 0},
            "num_attention_heads is 0",
        ),
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
