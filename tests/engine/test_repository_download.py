"""Language models from a hub: pinned, resumed, checked, and never half there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.engine.repository import download as downloading
from augursql.engine.repository import sizing
from augursql.engine.repository.machine import Machine
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.request import Request
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, NameNotFoundError, StorageError
from augursql.types import SilentMonitor
from tests.hub import COMMIT, Hub, served
from tests.language_models import write_adapter, write_language_model

QUIET = SilentMonitor()
OTHER = "f" * 40
MB = 1 << 20
# The hub's client writes in blocks of ten megabytes.
SIZE, STOP, KEPT = 25 * MB, 22 * MB, 20 * MB


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.folders["org/lm"] = write_language_model(tmp_path / "served", graphs=True)
    with served(hub, monkeypatch, tmp_path):
        yield hub


def got(store: Store, repo: str = "org/lm", **request: object) -> Artifact:
    asked = Request(**request)  # type: ignore[arg-type]
    return obtain(repo, store, offline=False, monitor=QUIET, request=asked)


def nothing_left(store: Store) -> bool:
    """No model, and no half of one but the download, which is not listed."""
    return store.list() == [] and not list(store.root.glob(".tmp-*"))


def downloads(store: Store) -> list[Path]:
    return [p for p in store.root.glob(".download-*") if p.is_dir()]


def test_only_wanted_files_of_a_commit(store: Store, hub: Hub) -> None:
    artifact = got(store)
    assert (artifact.manifest.source, artifact.manifest.revision) == ("org/lm", COMMIT)
    assert "model.safetensors" in hub.fetched
    assert not any("onnx" in name or name.endswith(".bin") for name in hub.fetched)
    assert downloads(store) == []
    hub.asked.clear()
    assert got(store) == artifact
    assert hub.asked == []
    assert got(store, dtype="q4").manifest.graph == "onnx/model_q4.onnx"
    assert [name for name in hub.fetched if "onnx" in name] == ["onnx/model_q4.onnx"]


@pytest.mark.parametrize("name", ["../model_q8.onnx", "/model_q8.onnx", "..\\model_q8.onnx"])
def test_names_that_lead_out_of_the_folder_are_not_files(store: Store, hub: Hub, name: str) -> None:
    hub.invented = [name]
    with pytest.raises(NameNotFoundError, match="no ONNX file"):
        got(store, file=name)
    assert not any("q8" in asked for asked in hub.asked)


def test_a_revision_is_pinned(store: Store, hub: Hub) -> None:
    hub.tags["v1"] = OTHER
    tagged = got(store, revision="v1")
    assert tagged.manifest.revision == OTHER
    hub.asked.clear()
    assert got(store, revision=OTHER) == tagged
    assert hub.asked == []
    assert got(store, revision="v1") == tagged
    assert not any("resolve" in path for path in hub.asked)
    assert got(store, revision="main").manifest.revision == COMMIT
    with pytest.raises(ModelError, match='no revision "v9"'):
        got(store, revision="v9")


def test_an_interrupted_download_goes_on(store: Store, hub: Hub, tmp_path: Path) -> None:
    hub.folders["org/lm"] = write_language_model(tmp_path / "large", padding=SIZE)
    hub.stop_after = STOP
    with pytest.raises(ModelError, match="cannot be reached"):
        got(store)
    assert nothing_left(store) and len(downloads(store)) == 1
    hub.sent.clear()
    assert got(store).weights[0].stat().st_size > SIZE
    assert hub.sent["model.safetensors"] < SIZE - KEPT + MB
    assert downloads(store) == []


def children(process: int) -> list[str]:
    listed = Path(f"/proc/{process}/task").glob("*/children")
    return [child for file in listed for child in file.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are listed in /proc")
def test_a_killed_process_leaves_what_it_had(store: Store, hub: Hub, tmp_path: Path) -> None:
    hub.folders["org/lm"] = write_language_model(tmp_path / "large", padding=SIZE)
    hub.stop_after, hub.stalls = STOP, True
    script = (
        "from pathlib import Path; from augursql.engine.repository.obtain import obtain; "
        "from augursql.engine.repository.store import Store; from augursql.types import *; "
        f"obtain('org/lm', Store(Path({str(store.root)!r})), offline=False, "
        "monitor=SilentMonitor())"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size >= KEPT for p in store.root.rglob("*.incomplete")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert workers
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    hub.sent.clear()
    artifact = got(store)
    assert artifact.weights[0].stat().st_size > SIZE
    assert hub.sent["model.safetensors"] < SIZE - KEPT + MB
    artifact.verify("source")


def test_a_file_that_is_not_the_hubs(store: Store, hub: Hub) -> None:
    hub.corrupt = "model.safetensors"
    with pytest.raises(ModelError, match=r"model\.safetensors of the model .* arrived damaged"):
        got(store)
    assert nothing_left(store)
    assert not list(store.root.rglob("model.safetensors"))
    hub.corrupt = ""
    hub.sent.clear()
    assert got(store).manifest.kind == "language"
    assert "tokenizer.json" not in hub.sent  # what arrived well is kept


def test_a_part_that_is_longer_than_its_file(store: Store, hub: Hub, tmp_path: Path) -> None:
    hub.folders["org/lm"] = write_language_model(tmp_path / "large", padding=SIZE)
    hub.stop_after = STOP
    with pytest.raises(ModelError):
        got(store)
    (part,) = [p for p in store.root.rglob("*.incomplete") if p.stat().st_size]
    with part.open("ab") as file:
        file.write(bytes(SIZE))
    with pytest.raises(ModelError, match="arrived damaged"):
        got(store)
    assert nothing_left(store)
    assert got(store).weights[0].stat().st_size > SIZE


def test_refusals(store: Store, hub: Hub) -> None:
    with pytest.raises(ModelError, match='no model "org/none"'):
        got(store, "org/none")
    hub.gated.add("org/lm")
    with pytest.raises(ModelError, match="behind a licence") as caught:
        got(store)
    assert "HF_TOKEN" in caught.value.hint
    hub.gated.clear()
    with pytest.raises(NameNotFoundError, match="no ONNX file"):
        got(store, file="onnx/nothing.onnx")
    assert nothing_left(store)


def test_no_network(store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be reached"):
        got(store)
    assert nothing_left(store)


def test_what_does_not_fit_is_refused_before_the_download(
    store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.parameters = 7_000_000_000
    machine = Machine(total=8 << 30, available=6 << 30)
    monkeypatch.setattr(sizing, "free_disk", lambda _: 1 << 40)
    with pytest.raises(ModelError, match=r"needs 8\.2 GB of memory in int8") as caught:
        got(store, dtype="int8", machine=machine)
    assert "WITH (dtype = 'int4')" in caught.value.hint
    monkeypatch.setattr(sizing, "free_disk", lambda _: 1 << 30)
    with pytest.raises(ModelError, match="of disk in int4, and 1.0 GB are free"):
        got(store, machine=machine)
    assert "model.safetensors" not in hub.fetched
    assert nothing_left(store)


def test_a_full_disk(
    store: Store, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "huggingface_hub.py").write_text(
        "import errno\n"
        "class HfApi:\n"
        "    def model_info(self, *args, **options):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(fake))
    with pytest.raises(StorageError, match="disk is full") as caught:
        got(store)
    assert "augur_home" in caught.value.hint
    assert nothing_left(store)


def test_old_downloads_are_swept(store: Store, hub: Hub) -> None:
    old, young = store.root / ".download-org-old-1", store.root / ".download-org-young-1"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"part")
    long_ago = time.time() - downloading.KEPT_S - 60
    for path in (old / "part", old):
        os.utime(path, (long_ago, long_ago))
    got(store)
    assert not old.exists() and young.exists()


def test_an_adapter_from_the_hub(store: Store, hub: Hub, tmp_path: Path) -> None:
    hub.folders["org/lora"] = write_adapter(tmp_path / "lora")
    adapter = got(store, "org/lora", base=got(store))
    assert (adapter.manifest.kind, adapter.manifest.source) == ("adapter", "org/lora")
