"""Language models from folders: what they are, which files are wanted, what fits, variants."""

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from augursql.engine.repository import sizing
from augursql.engine.repository import store as repository_store
from augursql.engine.repository.kinds import context_of, kind_of
from augursql.engine.repository.machine import Machine, this_machine
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.request import Request
from augursql.engine.repository.sizing import precision
from augursql.engine.repository.store import SOURCE, Artifact, Store, copy_out
from augursql.errors import (
    AugurError,
    InterruptedStatementError,
    InvalidValueError,
    ModelError,
    NameNotFoundError,
    StorageError,
)
from augursql.types import SilentMonitor
from tests.language_models import GRAPHS, PARAMETERS, write_language_model

QUIET = SilentMonitor()
GB = 1 << 30


def got(folder: Path, store: Store, **request: object) -> Artifact:
    asked = Request(**request)  # type: ignore[arg-type]
    return obtain(str(folder), store, offline=True, monitor=QUIET, request=asked)


@pytest.mark.parametrize(
    ("config", "names", "kind"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, [], "language"),
        ({"architectures": ["GPT2LMHeadModel"]}, [], "language"),
        ({"architectures": ["T5ForConditionalGeneration"]}, [], "language"),
        ({"model_type": "qwen3"}, [], "language"),
        ({"architectures": ["BertModel"], "model_type": "bert"}, [], "encoder"),
        ({"architectures": ["T5EncoderModel"], "model_type": "t5"}, [], "encoder"),
        ({"architectures": ["Qwen3ForCausalLM"]}, ["modules.json"], "encoder"),
        ({}, ["adapter_config.json", "adapter_model.safetensors"], "adapter"),
        ({}, ["model.onnx"], "encoder"),
    ],
)
def test_kinds(config: dict[str, object], names: list[str], kind: str) -> None:
    assert kind_of(config, names) == kind


def test_the_context_is_told_by_the_configuration() -> None:
    assert context_of({"n_positions": 1024}) == 1024
    assert context_of({"text_config": {"max_position_embeddings": 99}}) == 99
    assert context_of({"max_position_embeddings": 8192, "n_ctx": 5}) == 8192


def test_a_language_model_is_stored_as_it_is(store: Store, tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "lm")
    artifact = got(folder, store)
    manifest = artifact.manifest
    assert (manifest.kind, manifest.architecture, manifest.license) == (
        "language",
        "llama",
        "apache-2.0",
    )
    assert (manifest.max_tokens, manifest.parameters, manifest.graph) == (128, PARAMETERS, "")
    assert manifest.weight_bytes == (folder / "model.safetensors").stat().st_size
    assert set(manifest.files) == {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "README.md",
        "model.safetensors",
    }
    assert [f.read_bytes() for f in artifact.weights] == [
        (folder / "model.safetensors").read_bytes()
    ]
    assert got(folder, store) == artifact
    assert Store(store.root).get(artifact.digest) == artifact
    shutil.rmtree(folder)
    assert got(folder, store) == artifact


def test_weights_in_parts(store: Store, tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "lm", shards=3)
    artifact = got(folder, store)
    assert (len(artifact.weights), artifact.manifest.parameters) == (3, PARAMETERS)
    assert artifact.has("model.safetensors.index.json")
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(ModelError, match="2 of 3 parts"):
        got(folder, store)


def test_safetensors_are_preferred_and_onnx_files_can_be_named(
    store: Store, tmp_path: Path
) -> None:
    folder = write_language_model(tmp_path / "lm", graphs=True)
    assert got(folder, store).manifest.graph == ""
    assert got(folder, store, dtype="int4").manifest.graph == ""
    named = got(folder, store, dtype="q4f16")
    assert named.manifest.graph == "onnx/model_q4f16.onnx"
    assert named.graph is not None and b"onnx/model_q4f16" in named.graph.read_bytes()
    assert named.weights == []
    whole = got(folder, store, file="onnx/model.onnx")
    assert {n for n in whole.manifest.files if "onnx" in n} == {
        "onnx/model.onnx",
        "onnx/model.onnx_data",
    }
    assert whole.graph is not None
    assert whole.manifest.weight_bytes == 700 + whole.graph.stat().st_size
    assert got(folder, store).manifest.graph == ""
    by_path = obtain(
        str(folder / "onnx/model_q4.onnx"), store, offline=True, monitor=QUIET
    ).manifest
    assert (by_path.source, by_path.graph) == (str(folder), "onnx/model_q4.onnx")


def test_an_unknown_family_takes_its_onnx_files(store: Store, tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "lm", graphs=True, model_type="novel")
    assert got(folder, store).manifest.graph == "onnx/model_q4.onnx"
    assert got(folder, store, dtype="fp32").manifest.graph == "onnx/model.onnx"
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no ONNX file in int8") as caught:
        got(folder, store, dtype="int8")
    assert GRAPHS[1] in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "error", "message", "hint"),
    [
        ({"dtype": "q5"}, NameNotFoundError, '"q5" is no precision', "q4f16"),
        ({"file": "onnx/model_q8.onnx"}, NameNotFoundError, "no ONNX file", "model_q4.onnx"),
        ({"revision": "v1"}, InvalidValueError, "has no revision", "Leave out"),
    ],
)
def test_files_that_are_not_there(
    store: Store,
    tmp_path: Path,
    request_: dict[str, object],
    error: type[AugurError],
    message: str,
    hint: str,
) -> None:
    folder = write_language_model(tmp_path / "lm", graphs=True)
    with pytest.raises(error, match=message) as caught:
        got(folder, store, **request_)
    assert hint in caught.value.hint
    assert store.list() == []


def test_weights_that_are_not_supported(store: Store, tmp_path: Path) -> None:
    quantized = write_language_model(
        tmp_path / "gptq", quantization_config={"quant_method": "gptq"}
    )
    with pytest.raises(ModelError, match="quantised by gptq"):
        got(quantized, store)
    broken = write_language_model(tmp_path / "broken")
    content = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[:-100])
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        got(broken, store)
    pickled = write_language_model(tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="only pickled weights"):
        got(pickled, store)
    assert store.list() == []
    assert [p.name for p in store.root.glob(".tmp-*")] == []


def test_what_does_not_fit_is_refused_with_numbers(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_language_model(tmp_path / "lm")
    size = sizing.Size(3 * GB, 6 * GB, False)
    monkeypatch.setattr("augursql.engine.repository.admission.Size", lambda *_: size)
    machine = Machine(total=8 * GB, available=4 * GB)
    monkeypatch.setattr(sizing, "free_disk", lambda _: 99 * GB)
    with pytest.raises(
        ModelError, match=r"needs 13\.0 GB of memory in fp32, and 4\.0 GB"
    ) as caught:
        got(folder, store, dtype="fp32", machine=machine)
    assert "int4 would fit: WITH (dtype = 'int4')" in caught.value.hint
    with pytest.raises(ModelError, match="in int4") as caught:
        got(folder, store, dtype="int4", machine=Machine(total=8 * GB, available=2 * GB))
    assert "No precision of it fits" in caught.value.hint
    monkeypatch.setattr(sizing, "free_disk", lambda _: 8 * GB)
    with pytest.raises(ModelError, match=r"needs 9\.3 GB of disk in int8, and 8\.0 GB") as caught:
        got(folder, store, dtype="int8")
    assert "int4 would fit" in caught.value.hint
    assert store.list() == []
    assert got(folder, store, dtype="int4", machine=machine).manifest.kind == "language"


def test_auto_is_a_precision_for_the_machine() -> None:
    assert precision("auto", 3 * GB, Machine(total=8 * GB)) == "int4"
    assert precision("auto", 1 * GB, Machine(total=8 * GB)) == "int8"
    assert precision("fp32", 1, Machine()) == "fp32"


def test_memory_is_bounded_by_the_control_group(tmp_path: Path) -> None:
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\n")
    (proc / "self/cgroup").write_text("0::/box/inner\n")
    assert this_machine(proc, cgroup) == Machine(8 * GB, 6 * GB)
    (cgroup / "box/inner").mkdir(parents=True)
    (cgroup / "box/memory.max").write_text(f"{4 * GB}\n")
    (cgroup / "box/memory.current").write_text(f"{2 * GB}\n")
    (cgroup / "box/memory.stat").write_text(f"anon 5\ninactive_file {GB}\n")
    (cgroup / "box/inner/memory.max").write_text("max\n")
    assert this_machine(proc, cgroup) == Machine(4 * GB, 3 * GB)


def test_this_machine_has_memory() -> None:
    machine = this_machine()
    assert 0 < machine.available <= machine.total


def test_cancelling_ends_the_copy(
    store: Store, tmp_path: Path, counting: Callable[..., object]
) -> None:
    folder = write_language_model(tmp_path / "lm")
    with pytest.raises(InterruptedStatementError):
        obtain(str(folder), store, offline=True, monitor=counting(0))  # type: ignore[arg-type]
    assert store.list() == []


def test_variants_of_several_files(store: Store, tmp_path: Path) -> None:
    artifact = got(write_language_model(tmp_path / "lm"), store)

    def made() -> Artifact:
        with store.scratch() as scratch:
            folder = scratch / "int4"
            folder.mkdir()
            (folder / "model.onnx").write_bytes(b"graph")
            (folder / "model.onnx.data").write_bytes(b"tensors")
            return store.add_files(artifact, "int4", folder, 0.99)

    after = made()
    assert store.get(artifact.digest) == after == made()
    graph = after.onnx("int4")
    assert (graph.read_bytes(), graph.with_name("model.onnx.data").read_bytes()) == (
        b"graph",
        b"tensors",
    )
    with pytest.raises(ModelError, match="no fp32 variant"):
        after.onnx("fp32")
    after.verify("int4")
    after.verify(SOURCE)
    graph.with_name("model.onnx.data").write_bytes(b"tensorz")
    with pytest.raises(StorageError, match="damaged"):
        after.verify("int4")
    graph.with_name("model.onnx.data").unlink()
    without = store.get(artifact.digest)
    assert without is not None and without.manifest.variants == {}
    made().verify("int4")


def test_a_variant_that_two_make_at_once_is_there_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = got(write_language_model(tmp_path / "lm"), store)
    together, flush = threading.Barrier(2, timeout=10), repository_store._flush

    def flushed(folder: Path) -> None:
        flush(folder)
        if folder.name == "made":  # before the folder is moved, whoever looked first
            together.wait()

    monkeypatch.setattr(repository_store, "_flush", flushed)

    def work(_: int) -> Artifact:
        with store.scratch() as scratch:
            folder = scratch / "made"
            folder.mkdir()
            (folder / "model.onnx").write_bytes(b"graph")
            return store.add_files(artifact, "int4", folder, 0.99)

    with ThreadPoolExecutor() as threads:
        first, second = threads.map(work, range(2))
    assert first == second == store.get(artifact.digest)
    first.verify("int4")


def test_a_damaged_source_is_noticed(store: Store, tmp_path: Path) -> None:
    artifact = got(write_language_model(tmp_path / "lm"), store)
    content = artifact.weights[0].read_bytes()
    artifact.weights[0].write_bytes(content[:-1] + b"?")
    artifact.verify()
    with pytest.raises(StorageError, match="damaged"):
        artifact.verify(SOURCE)
    with pytest.raises(StorageError, match="damaged"):
        copy_out(artifact, tmp_path / "out")


def test_manifests_of_encoders_stay_what_they_were(store: Store, artifact: Artifact) -> None:
    written = json.loads((artifact.path / "manifest.json").read_text())
    assert written["format"] == 1 and "kind" not in written
    assert Manifest.from_json(json.dumps(written)).kind == "encoder"


def test_older_versions_refuse_a_language_model(store: Store, tmp_path: Path) -> None:
    artifact = got(write_language_model(tmp_path / "lm"), store)
    written = json.loads((artifact.path / "manifest.json").read_text())
    assert written["format"] == 2
    with pytest.raises(ModelError, match="parameters"):
        Manifest.from_json(json.dumps(written | {"parameters": "many"}))
