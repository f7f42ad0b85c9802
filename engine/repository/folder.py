"""Models from local files: a folder in the hub's layout, or an ONNX file beside its tokenizer."""

import shutil
from hashlib import sha256
from pathlib import Path

from augursql.engine.repository.export import convert_tokenizer, export
from augursql.engine.repository.layout import Layout, choose_files
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.profile import output_dimensions, read_profile
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, StorageError
from augursql.types import Monitor


def file_names(folder: Path) -> list[str]:
    """The files of a model's folder, one level of subfolders included."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return [p.relative_to(folder).as_posix() for p in found if p.is_file()]


def from_path(path: Path, store: Store, monitor: Monitor) -> Artifact:
    """The model in a folder or of an ONNX file; stored at first sight, and again when it changed.

    Raises ModelError and StorageError.
    """
    path = path.resolve()
    if path.is_dir():
        folder, layout = path, choose_files(str(path), file_names(path))
    else:
        folder, layout = path.parent, _beside(path)
    revision = _fingerprint(folder, layout)
    stored = store.find(str(path), revision)
    return stored or admit(folder, layout, (str(path), revision), store, monitor)


def admit(
    folder: Path,
    layout: Layout,
    identity: tuple[str, str],
    store: Store,
    monitor: Monitor,
    *,
    extra: str = "export",
) -> Artifact:
    """Bring the chosen files of `folder` into the store's form, exported if need be, and add them.

    `identity` is (source, revision). Raises ModelError and StorageError.
    """
    with store.scratch() as scratch:
        target = scratch / "content"
        target.mkdir()
        try:
            _assemble(folder, layout, target, monitor, extra)
        except OSError as error:
            raise StorageError(f"The model's files could not be copied: {error}.") from error
        profile = read_profile(target)
        manifest = Manifest(
            source=identity[0],
            revision=identity[1],
            architecture=profile.architecture,
            dimensions=output_dimensions(target / "model.onnx", target),
            max_tokens=profile.max_tokens,
            pooling=profile.pooling,
            normalize=profile.normalize,
            license=profile.license,
        )
        return store.add(target, manifest)


def _beside(path: Path) -> Layout:
    if not (path.parent / "tokenizer.json").is_file():
        raise ModelError(
            f"There is no tokenizer.json beside {path}.",
            hint="An ONNX file needs the tokenizer.json of its model in the same folder.",
        )
    names = file_names(path.parent)
    layout = choose_files(str(path), [*names, "model.onnx"])
    data = tuple(n for n in names if n in (path.name + "_data", path.name + ".data"))
    return Layout(path.name, data, (), layout.tokenizer, layout.texts)


def _assemble(folder: Path, layout: Layout, target: Path, monitor: Monitor, extra: str) -> None:
    if layout.weights or layout.converts_tokenizer:
        # The export sees the chosen files alone: no pickle and no code is within its reach.
        with_weights = target.parent / "weights"
        _copy(folder, with_weights, [*layout.texts, *layout.tokenizer, *layout.weights])
        made = target.parent / "made"
        made.mkdir()
        if layout.weights:
            export(with_weights, made, monitor, extra=extra)
        else:
            convert_tokenizer(with_weights, made, monitor)
        _copy(made, target, [n for n in file_names(made) if _wanted(n)])
    _copy(folder, target, layout.texts)
    if not layout.converts_tokenizer:
        _copy(folder, target, layout.tokenizer)
    if layout.graph:
        shutil.copyfile(folder / layout.graph, target / "model.onnx")
        for name in layout.data:
            shutil.copyfile(folder / name, target / Path(name).name)


def _wanted(name: str) -> bool:
    return name in ("tokenizer.json", "config.json") or name.startswith("model.onnx")


def _copy(folder: Path, target: Path, names: list[str] | tuple[str, ...]) -> None:
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)


def _fingerprint(folder: Path, layout: Layout) -> str:
    # Sizes and times, because hashing gigabytes at every start would be felt.
    digest = sha256()
    for name in layout.names:
        state = (folder / name).stat()
        digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
