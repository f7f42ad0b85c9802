"""The local store of models: a folder per model, named by the digest of its content.

A model is written under a temporary name, flushed to disk, and renamed, so a reader sees all of it
or nothing, and processes that store the same model at once end with one copy. A variant (another
precision) is one more file beside it, or a folder of files, plus a small description, added in the
same way; nothing is ever rewritten, so no lock is needed.
"""

import errno
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from augursql.engine.repository.manifest import Manifest, Variant
from augursql.errors import ModelError, StorageError
from augursql.types import Monitor, SilentMonitor

MANIFEST = "manifest.json"
VARIANT_SUFFIX = ".variant.json"
SOURCE = "source"
_SCRATCH = ".tmp-"
_ABANDONED_S = 24 * 3600
_BLOCK = 1 << 24
_OCCUPIED = (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model in the store."""

    digest: str
    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """The path of one of its files. Raises ModelError when the model has no such file."""
        if name not in self.manifest.files:
            raise ModelError(
                f'The stored model "{self.manifest.source}" has no file {name}.',
                hint=f"Delete {self.path}; it is fetched again when needed.",
            )
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether it has that file."""
        return name in self.manifest.files

    def onnx(self, dtype: str) -> Path:
        """The ONNX file of a precision: an encoder's own is 'fp32', all others are variants.

        Raises ModelError where that variant was not made.
        """
        if dtype == "fp32" and self.manifest.kind == "encoder":
            return self.file("model.onnx")
        variant = self.manifest.variants.get(dtype)
        if variant is None or not variant.sha256:
            raise ModelError(f'The model "{self.manifest.source}" has no {dtype} variant.')
        return self.path / variant.file

    @property
    def weights(self) -> list[Path]:
        """The safetensors of a language model or an adapter; none where it has a graph."""
        names = sorted(n for n in self.manifest.files if n.endswith(".safetensors"))
        return [self.path / name for name in names]

    @property
    def graph(self) -> Path | None:
        """The ONNX file that a language model came with; None where it has safetensors."""
        return self.path / self.manifest.graph if self.manifest.graph else None

    def verify(self, dtype: str = "", monitor: Monitor | None = None) -> None:
        """Compare checksums: of the small files, and of the graph of `dtype` where one is given.

        SOURCE means the files that the model came with, which are an encoder's 'fp32'. Raises
        StorageError for a file that is not what was stored.
        """
        everything = dtype == SOURCE or (dtype == "fp32" and self.manifest.kind == "encoder")
        variant = self.manifest.variants.get(dtype)
        expected = {n: d for n, d in self.manifest.files.items() if everything or _small(n)}
        expected |= variant.files if variant is not None else {}
        for name, digest in expected.items():
            if checksum(self.path / name, monitor) != digest:
                raise StorageError(
                    f'{name} of the stored model "{self.manifest.source}" is damaged.',
                    hint=f"Delete {self.path}; it is fetched again when needed.",
                )


class Store:
    """The models below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        adopt: bool = False,
        monitor: Monitor | None = None,
    ) -> Artifact:
        """Copy every file below `folder` into the store; `manifest.files` is filled in here.

        `adopt` moves the folder, which then lies on the store's own disk: large models need no
        second copy. Raises StorageError when the store cannot be written.
        """
        with self.scratch() as scratch:
            staged = scratch / "model"
            try:
                if adopt:
                    os.rename(folder, staged)
                else:
                    shutil.copytree(folder, staged)
                names = sorted(p.relative_to(staged).as_posix() for p in _files(staged))
                hashes = {name: checksum(staged / name, monitor) for name in names}
                manifest = replace(manifest, files=hashes, variants={})
                (staged / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
                _flush(staged)
                return self._settle(staged, manifest)
            except OSError as error:
                raise self._unwritable(error) from error

    def get(self, digest: str) -> Artifact | None:
        """The model of that digest; None when there is none, or a part of it is missing."""
        path = self.root / digest
        try:
            manifest = Manifest.from_json((path / MANIFEST).read_text(encoding="utf-8"))
            variants = {
                p.name.removesuffix(VARIANT_SUFFIX): Variant.from_json(p.read_text("utf-8"))
                for p in sorted(path.glob(f"*{VARIANT_SUFFIX}"))
            }
        except (OSError, UnicodeDecodeError, ModelError):
            return None
        whole = all((path / name).is_file() for name in manifest.files)
        variants = {
            d: v for d, v in variants.items() if all((path / name).is_file() for name in v.files)
        }
        return Artifact(digest, path, manifest.with_variants(variants)) if whole else None

    def list(self) -> list[Artifact]:
        """Every model, newest first."""
        try:
            entries = [e for e in os.scandir(self.root) if not e.name.startswith(".")]
        except OSError:
            return []
        entries.sort(key=lambda e: (-e.stat().st_mtime_ns, e.name))
        found = (self.get(e.name) for e in entries if e.is_dir())
        return [artifact for artifact in found if artifact is not None]

    def find(
        self,
        source: str,
        revision: str | None = None,
        accepts: Callable[[Manifest], bool] = lambda _: True,
    ) -> Artifact | None:
        """The newest model of that source, of that revision when one is given, that is accepted."""
        for artifact in self.list():
            manifest = artifact.manifest
            if manifest.source == source and revision in (None, manifest.revision):
                if accepts(manifest):
                    return artifact
        return None

    def add_variant(
        self, artifact: Artifact, dtype: str, file: Path | None, cosine: float
    ) -> Artifact:
        """Keep `file` as the model's `dtype` variant; None records that it was tried and failed.

        Raises StorageError when the store cannot be written.
        """
        digest = checksum(file) if file is not None else ""
        # Named by content: two processes that make it at once cannot mix file and checksum.
        variant = Variant(f"model.{dtype}.{digest[:8]}.onnx" if digest else "", digest, cosine)
        with self.scratch() as scratch:
            try:
                if file is not None:
                    shutil.copyfile(file, scratch / variant.file)
                    _flush(scratch)
                    os.replace(scratch / variant.file, artifact.path / variant.file)
                return self._described(artifact, dtype, variant, scratch)
            except OSError as error:
                raise self._unwritable(error) from error

    def add_files(
        self, artifact: Artifact, dtype: str, folder: Path, cosine: float, graph: str = "model.onnx"
    ) -> Artifact:
        """Keep all files of `folder` as the model's `dtype` variant; `graph` is the ONNX file.

        Files keep their names, by which a graph finds its tensors. The folder is moved, and lies in
        a `scratch` of this store. Raises StorageError when the store cannot be written.
        """
        with self.scratch() as scratch:
            try:
                hashes = {p.relative_to(folder).as_posix(): checksum(p) for p in _files(folder)}
                inner = sha256(repr(sorted(hashes.items())).encode()).hexdigest()[:8]
                place = f"{dtype}.{inner}"
                others = {f"{place}/{name}": d for name, d in hashes.items() if name != graph}
                variant = Variant(f"{place}/{graph}", hashes[graph], cosine, others)
                _flush(folder)
                self._place(folder, artifact.path / place, hashes, scratch)
                return self._described(artifact, dtype, variant, scratch)
            except OSError as error:
                raise self._unwritable(error) from error

    def _place(self, folder: Path, target: Path, names: Iterable[str], scratch: Path) -> None:
        """Moves a variant's folder to its place, unless another process did, and runs it by now."""
        for attempt in (1, 2):
            try:
                os.rename(folder, target)
            except OSError as error:
                if error.errno not in _OCCUPIED:
                    raise
                if all((target / name).is_file() for name in names):
                    return
                if attempt == 2:
                    raise
                # An earlier copy that lost a file makes way.
                os.rename(target, scratch / "broken")
            else:
                return

    def _described(
        self, artifact: Artifact, dtype: str, variant: Variant, scratch: Path
    ) -> Artifact:
        """Write a variant's description, with which it begins to exist."""
        name = f"{dtype}{VARIANT_SUFFIX}"
        (scratch / name).write_text(variant.to_json(), encoding="utf-8")
        _flush(scratch)
        _flush_folder(artifact.path)
        os.replace(scratch / name, artifact.path / name)
        _flush_folder(artifact.path)
        variants = {**artifact.manifest.variants, dtype: variant}
        return replace(artifact, manifest=artifact.manifest.with_variants(variants))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder on the store's own disk, removed afterwards.

        Folders that a process which is gone left behind are removed first.
        Raises StorageError when the store cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._sweep()
            prefix = f"{_SCRATCH}{socket.gethostname()}-{os.getpid()}-"
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.root))
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _settle(self, staged: Path, manifest: Manifest) -> Artifact:
        target = self.root / manifest.digest
        for attempt in (1, 2):
            try:
                os.rename(staged, target)
                _flush_folder(self.root)
            except OSError as error:
                if error.errno not in _OCCUPIED:
                    raise
                # Another process was faster, or an earlier copy lost a file and makes way.
                if self.get(manifest.digest) is None and attempt == 1:
                    os.rename(target, staged.parent / "broken")
                    continue
            break
        artifact = self.get(manifest.digest)
        if artifact is None:
            raise StorageError(f"The model could not be stored in {target}.", hint=_HINT)
        return artifact

    def _sweep(self) -> None:
        for folder in self.root.glob(f"{_SCRATCH}*"):
            with suppress(OSError):
                if _abandoned(folder):
                    shutil.rmtree(folder, ignore_errors=True)

    def _unwritable(self, error: OSError) -> StorageError:
        why = error.strerror or str(error)
        return StorageError(f"The model store {self.root} cannot be written: {why}.", hint=_HINT)


def copy_out(artifact: Artifact, folder: Path) -> list[str]:
    """Copy a model into a folder that is new or empty, all of it or nothing; the files' names.

    Raises StorageError for a folder that holds something or cannot be written, and for a model that
    is damaged.
    """
    artifact.verify(SOURCE)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            hint = "Name a folder that does not exist yet."
            raise StorageError(f"{folder} is not an empty folder.", hint=hint)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder.parent) as scratch:
            staged = Path(scratch) / "model"
            shutil.copytree(artifact.path, staged)
            _flush(staged)
            if folder.exists():
                folder.rmdir()
            os.rename(staged, folder)
            _flush_folder(folder.parent)
    except OSError as error:
        raise StorageError(f"The model could not be copied: {error}.") from error
    return sorted(p.relative_to(folder).as_posix() for p in _files(folder))


_HINT = (
    "Free some space or choose another folder: SET augur_home = 'folder', "
    "or the environment variable AUGUR_HOME."
)


def _small(name: str) -> bool:
    return not (
        name.endswith((".onnx", ".safetensors")) or ".onnx_data" in name or ".onnx.data" in name
    )


def _abandoned(folder: Path) -> bool:
    host, _, process = folder.name.removeprefix(_SCRATCH).rpartition("-")[0].rpartition("-")
    knowable = host == socket.gethostname() and process.isdigit() and os.name != "nt"
    if not knowable:
        return time.time() - folder.stat().st_mtime > _ABANDONED_S
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file())


def checksum(path: Path, monitor: Monitor | None = None) -> str:
    """The SHA-256 of a file as hexadecimal digits, '' where there is none."""
    monitor, digest = monitor or SilentMonitor(), sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                monitor.check()
                digest.update(block)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _flush(folder: Path) -> None:
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there, and the rename is durable by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
