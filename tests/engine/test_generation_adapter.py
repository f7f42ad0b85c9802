"""LoRA adapters: a graph with an adapter writes what the merged weights write."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from augursql.engine.generation.adapted import without_adapter, write_adapted
from augursql.engine.generation.adapter import read_adapter
from augursql.engine.generation.decoder import CacheShape, Decoder
from augursql.engine.generation.families import open_source
from augursql.engine.generation.graph import write_decoder
from augursql.engine.generation.graphfile import DATA, GraphFile
from augursql.engine.generation.products import Precision, Recipe
from augursql.engine.runtime.sessions import load_runtime
from augursql.errors import ModelError
from augursql.types import SilentMonitor
from tests.engine.decoders import logits_of, needs_torch, opened, written

RANK = 4
LLAMA = ("self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.down_proj")
# shape -> the modules of a layer that its adapter changes
SHAPES = {
    "llama": LLAMA,
    "llama-narrow-heads": (*LLAMA, "mlp.gate_proj"),
    "granite": LLAMA,
    "phi3": ("self_attn.qkv_proj", "mlp.gate_up_proj", "mlp.down_proj"),
    "gpt2": ("attn.c_attn", "attn.c_proj", "mlp.c_fc"),
    "falcon-40b": ("self_attention.query_key_value", "mlp.dense_4h_to_h"),
}


def write_adapter(base: Path, folder: Path, modules: tuple[str, ...], *, rslora: bool) -> Path:
    """An adapter in PEFT's format, with another rank for each kind of module."""
    folder.mkdir()
    random, weights = np.random.default_rng(5), {}
    for name, weight in load_file(base / "model.safetensors").items():
        module = name.removesuffix(".weight")
        # The first layer stays as it is.
        if module.endswith(modules) and ".0." not in name:
            shape = weight.shape[::-1] if "c_" in name else weight.shape
            rank = RANK + len(weights) % 3
            a, b = random.normal(size=(rank, shape[1])), random.normal(size=(shape[0], rank))
            weights[f"base_model.model.{module}.lora_A.weight"] = (a / 6).astype(np.float32)
            weights[f"base_model.model.{module}.lora_B.weight"] = (b / 6).astype(np.float32)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "use_rslora": rslora}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def merged(base: Path, adapter: Path, folder: Path, *, rslora: bool) -> Path:
    """The base with W + scale * B A in place of W."""
    folder.mkdir()
    shutil.copy(base / "config.json", folder)
    weights, added = (load_file(next(f.glob("*model.safetensors"))) for f in (base, adapter))
    for name in [name for name in added if "lora_A" in name]:
        a, b = added[name], added[name.replace("lora_A", "lora_B")]
        delta = b @ a * (8 / (np.sqrt(len(a)) if rslora else len(a)))
        place = name.removeprefix("base_model.model.").replace(".lora_A", "")
        weights[place] = weights[place] + (delta.T if "c_" in place else delta).astype(np.float32)
    save_file(weights, folder / "model.safetensors")
    return folder


def adapted(base: Path, folder: Path, precision: Precision = "fp32") -> Path:
    folder.mkdir()
    with GraphFile(folder) as graph:
        write_decoder(open_source(base), graph, Recipe(precision), SilentMonitor())
    before = (folder / DATA).stat().st_mtime_ns
    made = write_adapted(folder)
    assert (folder / DATA).stat().st_mtime_ns == before
    return made


@needs_torch
@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_adapter_writes_what_merged_weights_write(
    tiny_decoders: Path, tmp_path: Path, shape: str, rslora: bool
) -> None:
    base = tiny_decoders / shape
    adapter = write_adapter(base, tmp_path / "adapter", SHAPES[shape], rslora=rslora)
    source = open_source(merged(base, adapter, tmp_path / "merged", rslora=rslora))
    prompts = [pair["prompt"] for pair in json.loads((base / "answers.json").read_text())]
    expected = written(opened(source, tmp_path), prompts, 12)

    graph, sizes = adapted(base, tmp_path / "graph"), source.architecture
    session = load_runtime(tmp_path, "cpu", 1).open(graph)
    shape_ = CacheShape(len(sizes.layers), sizes.kv_heads, sizes.head_size)
    nothing = without_adapter(graph.parent)
    decoder = Decoder(session, shape_, nothing | read_adapter(adapter, base))
    assert written(decoder, prompts, 12) == expected

    plain = written(opened(open_source(base), tmp_path), prompts, 12)
    assert plain != expected
    assert written(Decoder(session, shape_, nothing), prompts, 12) == plain


@needs_torch
@pytest.mark.parametrize("precision", ["int8", "int4_blocks"])
def test_a_small_graph_without_an_adapter_is_the_plain_one(
    tiny_decoders: Path, tmp_path: Path, precision: Precision
) -> None:
    source, ids = open_source(tiny_decoders / "llama"), np.arange(1, 30)
    graph, sizes = adapted(tiny_decoders / "llama", tmp_path / "graph", precision), source
    session = load_runtime(tmp_path, "cpu", 1).open(graph)
    shape = sizes.architecture
    cache = CacheShape(len(shape.layers), shape.kv_heads, shape.head_size)
    found = logits_of(Decoder(session, cache, without_adapter(graph.parent)), ids)
    assert np.abs(found - logits_of(opened(source, tmp_path, precision), ids)).max() < 1e-4


@needs_torch
def test_an_adapter_of_another_model_is_refused(tiny_decoders: Path, tmp_path: Path) -> None:
    base = tiny_decoders / "llama"
    adapter = write_adapter(base, tmp_path / "adapter", LLAMA, rslora=False)
    with pytest.raises(ModelError, match="the base has no mlp.down_proj in layer 1"):
        read_adapter(adapter, tiny_decoders / "falcon-40b")
