"""Models from local files: a folder in the hub's layout, or an ONNX file beside its tokenizer."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from augursql.engine.repository.admission import admit, choose, ensure_fits
from augursql.engine.repository.kinds import kind_of
from augursql.engine.repository.layout import Layout, choose_files
from augursql.engine.repository.profile import read_object
from augursql.engine.repository.request import Request
from augursql.engine.repository.source import Source, file_names
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError, ModelError
from augursql.types import Monitor


def from_path(path: Path, request: Request, store: Store, monitor: Monitor) -> Artifact:
    """The model in a folder or of an ONNX file; stored at first sight, and again when it changed.

    Raises ModelError, InvalidValueError and StorageError.
    """
    path = path.resolve()
    if request.revision:
        raise InvalidValueError(
            f'{path} has no revision "{request.revision}": it is on this machine, not on a hub.',
            hint='Leave out the option "revision".',
        )
    home = path if path.is_dir() else _home_of_language_model(path)
    if home is not None:
        if home != path:
            request = replace(request, file=path.relative_to(home).as_posix())
        source = Source.of_folder(home, str(home))
        layout = choose(source, request)
    else:
        source, layout = Source.of_folder(path.parent, str(path)), _beside(path)
    source = replace(source, revision=_fingerprint(source.folder, layout))
    stored = store.find(source.name, source.revision, request.accepts)
    if stored is not None:
        return stored
    ensure_fits(source, layout, request, store)
    return admit(source, layout, request, store, monitor)


def _home_of_language_model(file: Path) -> Path | None:
    """The folder of the language model that an ONNX file belongs to, None for an encoder's file."""
    for folder in (file.parent, file.parent.parent):
        config = folder / "config.json"
        if config.is_file():
            kind = kind_of(read_object(config), file_names(folder))
            return folder if kind == "language" else None
    return None


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


def _fingerprint(folder: Path, layout: Layout) -> str:
    # Sizes and times, because hashing gigabytes at every start would be felt.
    digest = sha256()
    for name in layout.names:
        state = (folder / name).stat()
        digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
