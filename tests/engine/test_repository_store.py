"""The store: content-addressed, whole or absent, safe between processes."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from augursql.engine.repository.manifest import Manifest, Variant
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, StorageError

MANIFEST = Manifest(
    source="org/name",
    revision="abc",
    architecture="bert",
    dimensions=4,
    max_tokens=16,
    pooling="mean",
    normalize=True,
    license="mit",
)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"graph")
    (folder / "sub" / "config.json").write_text("{}")
    return folder


def test_a_model_is_found_by_digest_and_source(store: Store, content: Path) -> None:
    added = store.add(content, MANIFEST)
    assert Store(store.root).get(added.digest) == added
    assert store.find("org/name") == added
    assert store.find("org/name", "abc") == added
    assert store.find("org/name", "other") is None
    assert store.list() == [added]
    assert set(added.manifest.files) == {"model.onnx", "sub/config.json"}
    assert added.onnx("fp32").read_bytes() == b"graph"
    assert content.exists()


def test_nothing_there(store: Store) -> None:
    assert store.list() == []
    assert store.get("0" * 16) is None
    assert store.find("org/name") is None


def test_adding_twice_keeps_one(store: Store, content: Path) -> None:
    assert store.add(content, MANIFEST) == store.add(content, MANIFEST)
    assert len(store.list()) == 1
    assert not list(store.root.glob(".tmp-*"))


def test_several_threads_add_the_same(store: Store, content: Path) -> None:
    added: list[Artifact] = []
    threads = [
        threading.Thread(target=lambda: added.append(store.add(content, MANIFEST)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(added) == 8
    assert set(added_one.digest for added_one in added) == {store.list()[0].digest}


def test_a_model_that_lost_a_file_is_replaced(store: Store, content: Path) -> None:
    added = store.add(content, MANIFEST)
    added.file("model.onnx").unlink()
    assert store.get(added.digest) is None
    assert store.add(content, MANIFEST) == added
    assert store.get(added.digest) == added


def test_a_damaged_file_is_noticed(store: Store, content: Path) -> None:
    added = store.add(content, MANIFEST)
    added.verify("fp32")
    added.file("model.onnx").write_bytes(b"grapf")
    with pytest.raises(StorageError, match="damaged"):
        added.verify("fp32")


def test_variants_are_added_beside(store: Store, content: Path, tmp_path: Path) -> None:
    added = store.add(content, MANIFEST)
    file = tmp_path / "int8"
    file.write_bytes(b"small")
    after = store.add_variant(added, "int8", file, 0.995)
    after = store.add_variant(after, "fp16", None, 0.5)
    assert store.get(added.digest) == after
    assert after.onnx("int8").read_bytes() == b"small"
    assert after.manifest.variants["fp16"] == Variant("", "", 0.5)
    assert after.digest == added.digest
    with pytest.raises(ModelError, match="no fp16 variant"):
        after.onnx("fp16")
    after.onnx("int8").unlink()
    again = store.get(added.digest)
    assert again is not None and "int8" not in again.manifest.variants


def test_leftovers_of_dead_processes_are_removed(store: Store) -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    store.root.mkdir(parents=True)
    host = socket.gethostname()
    dead = store.root / f".tmp-{host}-{int(process.stdout)}-x"
    alive = store.root / f".tmp-{host}-{os.getpid()}-x"
    elsewhere = store.root / f".tmp-another-host-{int(process.stdout)}-x"
    for folder in (dead, alive, elsewhere):
        folder.mkdir()
    with store.scratch() as scratch:
        assert scratch.is_dir()
    assert not scratch.exists() and not dead.exists()
    assert alive.exists() and elsewhere.exists()


def test_an_unwritable_store_says_what_to_do(tmp_path: Path, content: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="AUGUR_HOME") as caught:
        Store(tmp_path / "file" / "models").add(content, MANIFEST)
    assert "SET augur_home" in caught.value.hint


def test_a_strange_folder_is_no_model(store: Store, content: Path) -> None:
    added = store.add(content, MANIFEST)
    (store.root / "notes").mkdir()
    (store.root / "ffff").mkdir()
    (store.root / "ffff" / "manifest.json").write_text("[1, 2")
    assert store.list() == [added]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"dimensions": "384"},
        {"normalize": 1},
        {"pooling": "max"},
        {"files": {"a": 1}},
        {"source": None},
    ],
)
def test_a_manifest_that_is_not_understood(change: dict[str, object]) -> None:
    fields = json.loads(MANIFEST.to_json()) | change
    with pytest.raises(ModelError, match="manifest cannot be read"):
        Manifest.from_json(json.dumps(fields))


def test_a_manifest_survives_unknown_fields() -> None:
    fields = json.loads(MANIFEST.to_json()) | {"later": True}
    assert Manifest.from_json(json.dumps(fields)) == MANIFEST
    for text in ("", "[]", "null", "{}"):
        with pytest.raises(ModelError):
            Manifest.from_json(text)
