"""Graphs that optimum made, and those of the hub, write what transformers writes."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from augursql.engine.generation.conversation import Message
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.families import open_source
from augursql.engine.generation.graph import write_decoder
from augursql.engine.generation.graphfile import GRAPH, GraphFile
from augursql.engine.generation.loading import load_language_model
from augursql.engine.generation.opening import open_decoding
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.generation.preparing import prepare
from augursql.engine.generation.products import Recipe
from augursql.engine.generation.sampling import Sampling
from augursql.engine.repository.export import export_decoder
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Store
from augursql.engine.runtime.sessions import load_runtime
from augursql.errors import ModelError
from augursql.types import SilentMonitor
from tests.engine.decoders import written

EXPORTED = {"bloom": GRAPH, "llama": GRAPH, "t5": "decoder_model_merged.onnx"}
QUIET = SilentMonitor()
KINDS = [*EXPORTED, "hub"]
pytestmark = pytest.mark.skipif(
    not all(find_spec(name) for name in ("torch", "transformers", "optimum")),
    reason="augursql[export] is not installed",
)


@pytest.fixture(scope="module")
def graphs(tiny_decoders: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By kind the graph; exported side by side, because each process spends seconds on imports."""
    root = tmp_path_factory.mktemp("exported")

    def one(name: str) -> Path:
        export_decoder(tiny_decoders / name, root / name / "onnx", SilentMonitor())
        return root / name / "onnx" / EXPORTED[name]

    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(EXPORTED, pool.map(one, EXPORTED), strict=True))
    return {**found, "hub": hub_graph(tiny_decoders / "llama", root)}


def hub_graph(folder: Path, root: Path) -> Path:
    """A graph as onnxruntime-genai makes them for the hub: attention counts the mask's ones."""
    (target := root / "hub").mkdir()
    with GraphFile(target) as written_here:
        write_decoder(open_source(folder), written_here, Recipe("fp32"), SilentMonitor())
    model = onnx.load(target / GRAPH)
    nodes = [each for each in model.graph.node]
    for node in nodes:
        names = [name.replace("past.", "past_key_values.") for name in node.input]
        node.input[:] = ["" if name == "attention_bias" else name for name in names]
        node.output[:] = ["hub.logits" if name == "logits" else name for name in node.output]
    constants = {"one": [1], "minus": [-1], "zero": 0, "step": 1, "words": [96]}
    for name, value in constants.items():
        tensor = numpy_helper.from_array(np.array(value, np.int64), f"hub.{name}")
        model.graph.initializer.append(tensor)
    make = helper.make_node
    before = [
        make("ReduceSum", ["attention_mask", "hub.one"], ["count"], keepdims=0),
        make("Add", ["count", "hub.minus"], ["last64"]),
        make("Cast", ["last64"], ["last"], to=6),
        make("Shape", ["attention_mask"], ["total64"], start=1, end=2),
        make("Cast", ["total64"], ["total"], to=6),
        make("Size", ["input_ids"], ["tokens"]),
        make("Range", ["hub.zero", "tokens", "hub.step"], ["rows"]),
        make("Shape", ["input_ids"], ["sizes"]),
        make("Concat", ["sizes", "hub.words"], ["shape"], axis=0),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*before, *nodes, make("Reshape", ["hub.logits", "shape"], ["logits"])])
    _change_interface(model)
    onnx.save(model, str(target / "model_fp32.onnx"))
    return target / "model_fp32.onnx"


def _change_interface(model: Any) -> None:
    kept = [v for v in model.graph.input if v.name in ("input_ids", "position_ids")]
    past = [v for v in model.graph.input if v.name.startswith("past.")]
    for value in past:
        value.name = value.name.replace("past.", "past_key_values.")
        value.type.tensor_type.shape.dim[2].dim_param = "before"
    mask = helper.make_tensor_value_info("attention_mask", onnx.TensorProto.INT64, ["b", "total"])
    del model.graph.input[:]
    model.graph.input.extend([*kept, mask, *past])
    for value in model.graph.output:
        if value.name != "logits":
            value.type.tensor_type.shape.dim[2].dim_param = "after"
        else:
            del value.type.tensor_type.shape.dim[:]
            for size in ("b", "s", "words"):
                value.type.tensor_type.shape.dim.add(dim_param=size)


def model_of(kind: str) -> str:
    return "llama" if kind == "hub" else kind


def expected_of(folder: Path) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts, and what transformers writes."""
    pairs = json.loads((folder / "answers.json").read_text())
    return [pair["prompt"] for pair in pairs], [pair["answer"] for pair in pairs]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def decoder(kind: str, tiny_decoders: Path, graphs: dict[str, Path], tmp_path: Path) -> Decoding:
    config = tiny_decoders / model_of(kind) / "config.json"
    return open_decoding(load_runtime(tmp_path, "cpu", 1), graphs[kind], config)


def test_greedy_answers_equal_those_of_transformers(
    decoder: Decoding, kind: str, tiny_decoders: Path
) -> None:
    prompts, answers = expected_of(tiny_decoders / model_of(kind))
    assert written(decoder, prompts, len(answers[0])) == answers


def test_rows_leave_and_enter(decoder: Decoding, kind: str, tiny_decoders: Path) -> None:
    prompts, answers = expected_of(tiny_decoders / model_of(kind))
    trunk, cache = decoder.cache(1, 96), decoder.cache(2, 96)
    lengths, seats, found = np.zeros(2, np.int64), [0, 1], [list[int]() for _ in prompts]

    def enter(seat: int, row: int) -> None:
        logits = decoder.extend(trunk, np.array(prompts[row]), 0)
        found[row].append(int(logits.argmax()))
        cache.copy(seat, trunk, 0, len(prompts[row]))
        seats[seat], lengths[seat] = row, len(prompts[row])

    def step(count: int) -> None:
        last = np.array([found[row][-1] for row in seats[:count]])
        logits = decoder.step(cache, last, lengths[:count])
        for row, values in zip(seats[:count], logits, strict=True):
            found[row].append(int(values.argmax()))
        lengths[:count] += 1

    enter(0, 2)
    enter(1, 1)
    for count in (2, 2, 2, 1, 1):
        step(count)
    cache.copy(1, cache, 0, int(lengths[0]))  # the first row changes its seat
    seats[1], lengths[1] = 2, lengths[0]
    enter(0, 3)
    for count in (2, 2, 2):
        step(count)
    assert [len(tokens) for tokens in found] == [0, 4, 9, 4]
    assert all(f == answer[: len(f)] for f, answer in zip(found, answers, strict=True))


def test_a_tree_gives_what_its_paths_give(decoder: Decoding) -> None:
    prompt = np.random.default_rng(1).integers(1, 96, 30)
    ids, depths = np.array([5, 6, 7, 8, 9, 10, 11, 12]), np.array([1, 2, 3, 1, 2, 2, 1, 2])
    parents = [-1, 0, 1, -1, 3, 3, -1, 6]
    attends = np.eye(8, dtype=bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            attends[node] |= attends[parent]
    cache = decoder.cache(1, 64)
    decoder.extend(cache, prompt, 0)
    pieces = (range(5), range(5, 8))
    found = [decoder.branch(cache, ids, depths, attends, 30, piece) for piece in pieces]
    logits = np.concatenate(found)
    for node in range(8):
        cache = decoder.cache(1, 64)
        decoder.extend(cache, prompt, 0)
        for place, token in enumerate(ids[np.flatnonzero(attends[node])]):
            alone = decoder.step(cache, np.array([token]), np.array([30 + place]))
        assert np.abs(logits[node] - alone[0]).max() < 1e-4


def test_a_prompt_is_read_from_where_it_changes(decoder: Decoding) -> None:
    first, second = np.arange(1, 40), np.concatenate([np.arange(1, 20), np.arange(60, 70)])
    cache = decoder.cache(1, 64)
    decoder.extend(cache, first, 0)
    changed = decoder.extend(cache, second[19:], 19)
    alone = decoder.extend(decoder.cache(1, 64), second, 0)
    assert np.abs(changed - alone).max() < 1e-4


def test_graphs_of_other_kinds_are_refused(graphs: dict[str, Path], tmp_path: Path) -> None:
    runtime = load_runtime(tmp_path, "cpu", 1)
    folder = graphs["t5"].parent
    for name, said in (
        ("encoder_model.onnx", "no decoder with a cache"),
        ("decoder_model.onnx", "lacks its encoder"),
    ):
        with pytest.raises(ModelError, match=said):
            open_decoding(runtime, folder / name, tmp_path / "config.json")


@pytest.mark.parametrize("name", ["bloom", "t5"])
def test_what_is_not_written_here_is_exported_when_it_is_prepared(
    name: str, tiny_decoders: Path, tmp_path: Path
) -> None:
    folder, store = tmp_path / name, Store(tmp_path / "home" / "models")
    shutil.copytree(tiny_decoders / name, folder)
    words = {word: n for n, word in enumerate(["</s>", *(f"w{n}" for n in range(80))])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="</s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    artifact = obtain(str(folder), store, offline=True, monitor=QUIET)
    with pytest.raises(ModelError, match="does not run in int8"):
        prepare(artifact, store, LanguageOptions(dtype="int8"), QUIET)
    model = load_language_model(artifact, store, LanguageOptions(), QUIET)
    assert model.dtype == "fp32"
    rows = [(Message("user", text),) for text in ("w3 w4", "w5 w6 w7 w8 w9", "w1")]
    labels = ["w3 w4", "w3 w5", "w8"]
    together = model.score(rows, labels, QUIET).probabilities
    written_ = model.generate(rows, Sampling(max_tokens=6), None, QUIET)
    for place, row in enumerate(rows):
        alone = model.score([row], labels, QUIET).probabilities[0]
        np.testing.assert_allclose(together[place], alone, rtol=1e-4)
        (one,) = model.generate([row], Sampling(max_tokens=6), None, QUIET)
        assert one.text == written_[place].text
