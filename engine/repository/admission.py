"""The way of a source into the store: which of its files are wanted, whether it fits, and in."""

from augursql.engine.repository.adapter import admit_adapter, choose_adapter_files
from augursql.engine.repository.encoder import admit_encoder
from augursql.engine.repository.external import check_external
from augursql.engine.repository.language import admit_language_model, choose_language_files
from augursql.engine.repository.layout import Layout, choose_files
from augursql.engine.repository.manifest import Kind
from augursql.engine.repository.request import Request
from augursql.engine.repository.safetensors import count_parameters, tensors
from augursql.engine.repository.sizing import Size, check_fits, estimated_parameters
from augursql.engine.repository.source import Source
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError
from augursql.types import Monitor

_INSTEAD = {
    "encoder": "Its precision and device are settings: SET augur_dtype, SET augur_provider.",
    "adapter": "It runs in the precision of its base.",
}


def choose(source: Source, request: Request) -> Layout:
    """The wanted files of a source.

    Raises ModelError for a model that cannot be used, InvalidValueError as `check_request`, and
    NameNotFoundError for an ONNX file that it does not have.
    """
    kind, names = source.kind, set(source.sizes)
    check_request(source.name, kind, request)
    if kind == "encoder":
        return choose_files(source.name, names)
    if kind == "adapter":
        return choose_adapter_files(source.name, names)
    return choose_language_files(source.name, names, source.config, request)


def check_request(source: str, kind: Kind, request: Request) -> None:
    """Raises InvalidValueError for what a model of this kind cannot be asked for."""
    if kind != "adapter" and request.base is not None:
        raise InvalidValueError(
            f'"{source}" is no adapter: it is a model of its own.', hint="Leave out USING MODEL."
        )
    if kind == "adapter" and request.base is None:
        raise InvalidValueError(
            f'"{source}" is an adapter, which changes a language model.',
            hint="Name that model: CREATE MODEL name FROM 'adapter' USING MODEL base.",
        )
    if kind != "language" and (request.file or request.dtype != "auto"):
        option = "file" if request.file else "dtype"
        raise InvalidValueError(f'An {kind} has no option "{option}".', hint=_INSTEAD[kind])


def ensure_fits(
    source: Source, layout: Layout, request: Request, store: Store, there: int = 0
) -> None:
    """Raises ModelError for a language model that is too large for this machine.

    `there` bytes of its files are on the store's disk already.
    """
    if source.kind != "language":
        return
    large = layout.weights or (layout.graph, *layout.data)
    stored = sum(source.sizes[name] for name in large)
    files = [source.folder / n for n in layout.weights if n.endswith(".safetensors")]
    parameters = source.parameters
    if not parameters and all(file.is_file() for file in files):
        parameters = count_parameters(tensors(files))
    stored_as = source.config.get("torch_dtype") or source.config.get("dtype")
    parameters = parameters or estimated_parameters(stored, stored_as)
    size = Size(parameters, stored, bool(layout.graph))
    check_fits(source.name, size, request, store.root, there)


def admit(
    source: Source, layout: Layout, request: Request, store: Store, monitor: Monitor
) -> Artifact:
    """Bring the chosen files of a source into the store's form, and add them.

    Raises ModelError, InvalidValueError and StorageError.
    """
    for name in layout.names:
        if name.endswith(".onnx"):
            check_external(source.folder / name)
    if source.kind == "adapter":
        return admit_adapter(source, layout, request.base, store, monitor)
    if source.kind == "language":
        return admit_language_model(source, layout, request, store, monitor)
    identity = (source.name, source.revision)
    return admit_encoder(source.folder, layout, identity, store, monitor)
