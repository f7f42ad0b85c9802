"""From what a user names to a model in the store: folders, files, a hub, an installed package."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from augursql.engine.repository.bundled import bundled_folder
from augursql.engine.repository.obtain import MINILM, obtain
from augursql.engine.repository.store import Store
from augursql.errors import InterruptedStatementError, ModelError, NameNotFoundError
from augursql.settings import initial
from augursql.types import SilentMonitor
from tests.hub import COMMIT, Hub, served

QUIET = SilentMonitor()


def test_a_folder(store: Store, model_folder: Path) -> None:
    found = obtain(str(model_folder), store, offline=True, monitor=QUIET)
    manifest = found.manifest
    assert (manifest.source, manifest.architecture) == (str(model_folder), "tiny")
    assert (manifest.dimensions, manifest.max_tokens) == (32, 64)
    assert (manifest.pooling, manifest.normalize, manifest.license) == ("mean", True, "mit")
    assert found.onnx("fp32").is_file()
    assert not any(name.endswith((".py", ".bin")) for name in manifest.files)
    assert obtain(str(model_folder), store, offline=True, monitor=QUIET) == found


def test_a_changed_folder_is_stored_again(store: Store, model_folder: Path) -> None:
    first = obtain(str(model_folder), store, offline=True, monitor=QUIET)
    (model_folder / "sentence_bert_config.json").write_text('{"max_seq_length": 9}')
    second = obtain(str(model_folder), store, offline=True, monitor=QUIET)
    assert (first.manifest.max_tokens, second.manifest.max_tokens) == (64, 9)


def test_a_folder_that_is_gone_is_still_in_the_store(store: Store, model_folder: Path) -> None:
    first = obtain(str(model_folder), store, offline=True, monitor=QUIET)
    shutil.rmtree(model_folder)
    assert obtain(str(model_folder), store, offline=True, monitor=QUIET) == first


def test_an_onnx_file_with_its_tokenizer(store: Store, model_folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    file = alone / "mine.onnx"
    shutil.copy(model_folder / "onnx" / "model.onnx", file)
    with pytest.raises(ModelError, match=r"no tokenizer\.json beside"):
        obtain(str(file), store, offline=True, monitor=QUIET)
    shutil.copy(model_folder / "tokenizer.json", alone)
    manifest = obtain(str(file), store, offline=True, monitor=QUIET).manifest
    assert (manifest.source, manifest.pooling, manifest.normalize) == (str(file), "mean", True)
    assert manifest.max_tokens == 8192


def test_pickles_are_refused(store: Store, model_folder: Path) -> None:
    shutil.rmtree(model_folder / "onnx")
    with pytest.raises(ModelError, match="only pickled weights"):
        obtain(str(model_folder), store, offline=True, monitor=QUIET)


def test_a_folder_without_a_model(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither"):
        obtain(str(tmp_path), store, offline=True, monitor=QUIET)


def test_a_file_that_is_no_graph(store: Store, model_folder: Path) -> None:
    (model_folder / "onnx" / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        obtain(str(model_folder), store, offline=True, monitor=QUIET)


def test_an_unknown_name_has_candidates(store: Store) -> None:
    with pytest.raises(NameNotFoundError, match='Did you mean "minilm"'):
        obtain("minilmm", store, offline=True, monitor=QUIET)


def test_offline_says_the_two_ways(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augursql.engine.repository.obtain.bundled_folder", lambda: None)
    with pytest.raises(ModelError) as caught:
        obtain("minilm", store, offline=True, monitor=QUIET)
    assert "augur_offline" in caught.value.message
    assert "augursql[bundled]" in caught.value.hint
    assert "CREATE MODEL name FROM 'folder'" in caught.value.hint


def test_bundled_weights_must_be_the_hubs(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr("augursql.engine.repository.obtain.bundled_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="are not those of"):
        obtain("minilm", store, offline=True, monitor=QUIET)


@pytest.fixture
def hub(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.folders["org/tiny"] = model_folder
    with served(hub, monkeypatch, tmp_path):
        yield hub


def test_a_hub_id(store: Store, hub: Hub) -> None:
    found = obtain("org/tiny", store, offline=False, monitor=QUIET)
    assert (found.manifest.source, found.manifest.revision) == ("org/tiny", COMMIT)
    assert found.manifest.pooling == "mean"
    fetched = [path for path in hub.asked if "/resolve/" in path]
    assert any(path.endswith("onnx/model.onnx") for path in fetched)
    assert not any(path.endswith((".py", ".bin")) for path in fetched)
    hub.asked.clear()
    assert obtain("org/tiny", store, offline=False, monitor=QUIET) == found
    assert hub.asked == []


def test_a_hub_id_that_does_not_exist(store: Store, hub: Hub) -> None:
    with pytest.raises(ModelError, match='has no model "org/other"'):
        obtain("org/other", store, offline=False, monitor=QUIET)


def test_offline_asks_nobody(store: Store, hub: Hub) -> None:
    with pytest.raises(ModelError, match="augur_offline"):
        obtain("org/tiny", store, offline=True, monitor=QUIET)
    assert hub.asked == []


def test_no_network(store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        obtain("org/tiny", store, offline=False, monitor=QUIET)
    assert "Connect once" in caught.value.hint


def test_the_hub_clients_own_cache_serves_offline(
    store: Store, hub: Hub, model_folder: Path, tmp_path: Path
) -> None:
    cached = tmp_path / "cache" / "hub" / "models--org--tiny"
    shutil.copytree(model_folder, cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    found = obtain("org/tiny", store, offline=True, monitor=QUIET)
    assert (found.manifest.source, found.manifest.revision) == ("org/tiny", COMMIT)


def test_cancelling_ends_the_download(
    store: Store, hub: Hub, counting: Callable[..., object]
) -> None:
    with pytest.raises(InterruptedStatementError):
        obtain("org/tiny", store, offline=False, monitor=counting(0))  # type: ignore[arg-type]
    assert store.list() == []


@pytest.mark.skipif(bundled_folder() is None, reason="augursql[bundled] is not installed")
def test_the_default_model_from_the_installed_package() -> None:
    store = Store(initial({}).store)
    found = obtain("minilm", store, offline=True, monitor=QUIET)
    assert found.manifest.source == MINILM
    assert (found.manifest.dimensions, found.manifest.max_tokens) == (384, 256)
    assert (found.manifest.pooling, found.manifest.normalize) == ("mean", True)
