"""Graphs of a stored language model: made when it is deployed, and kept as variants beside it."""

from pathlib import Path

from augursql.engine.generation.architecture import UnknownFamilyError
from augursql.engine.generation.chat import Chat
from augursql.engine.generation.conversation import Message
from augursql.engine.generation.families import open_source
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.repository.export import export_decoder
from augursql.engine.repository.store import SOURCE, Artifact, Store
from augursql.engine.repository.worker import WorkerError, run_worker
from augursql.errors import ModelError
from augursql.types import Monitor

DTYPES = ("int4", "int8", "fp32")
_TRIAL = (Message("user", "Hello."),)
_CONVERTER = "augursql.engine.generation.converter"
# What optimum's export leaves that is run; with an encoder the second is the decoder.
_EXPORTED = ("model.onnx", "decoder_model_merged.onnx", "encoder_model.onnx")


def prepare(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> tuple[Artifact, str]:
    """Makes a model ready when it is deployed: it can be spoken to, and has a graph (`with_graph`).

    Raises ModelError for a tokenizer or a template that does not serve, and as `with_graph`.
    """
    artifact.verify()
    Chat.from_folder(artifact.path).tokens([_TRIAL])
    return with_graph(artifact, store, options, monitor)


def with_graph(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> tuple[Artifact, str]:
    """Makes a graph of the model, if there is none yet, and checks it against the source.

    Returns the precision: that of the options, or where it is 'auto' the first of int8 and fp32
    that is near enough; families that are exported by optimum have fp32 alone. A model that came
    as an ONNX file runs as it is, and has no precision of ours: ''. Raises ModelError for a model
    that cannot be converted or is too far from its source, StorageError, and what `monitor.check`
    raises on a cancel.
    """
    if artifact.graph is not None:
        return artifact, ""
    if _is_ready(artifact, options.dtype):
        return artifact, options.dtype
    own = _is_ours(artifact)
    wanted = ["int8", "fp32"] if options.dtype == "auto" else [options.dtype]
    wanted = wanted if own else [dtype for dtype in wanted if dtype == "fp32"]
    if not wanted or not set(wanted) <= set(DTYPES):
        raise ModelError(
            f'"{artifact.manifest.source}" does not run in {options.dtype} on a CPU.',
            hint=f"Use auto, or one of {', '.join(DTYPES)}." if own else "Use auto, or fp32.",
        )
    for dtype in wanted:
        if dtype not in artifact.manifest.variants:
            artifact.verify(SOURCE, monitor)
            make = _converted if own else _exported
            artifact = make(artifact, store, dtype, options.threads, monitor)
        found = artifact.manifest.variants[dtype]
        if found.sha256:
            return artifact, dtype
    raise ModelError(
        f'"{artifact.manifest.source}" in {dtype} is too far from its source: the mean cosine '
        f"of its logits is {found.cosine:.4f}.",
        hint="Deploy it in another precision: CREATE OR REPLACE MODEL ... WITH (dtype = ...).",
    )


def _is_ready(artifact: Artifact, dtype: str) -> bool:
    """Whether the graph is there: then its source need not be looked at."""
    found = artifact.manifest.variants.get(dtype)
    return found is not None and bool(found.sha256)


def _is_ours(artifact: Artifact) -> bool:
    """Whether graphs of this family are written here."""
    try:
        open_source(artifact.path)
    except UnknownFamilyError:
        return False
    return True


def _converted(
    artifact: Artifact, store: Store, dtype: str, threads: int, monitor: Monitor
) -> Artifact:
    monitor.begin(f"Preparing {artifact.manifest.source} in {dtype}", None)
    try:
        with store.scratch() as scratch:
            request = {
                "folder": str(artifact.path),
                "target": str(scratch),
                "home": str(store.root.parent),
                "threads": threads,
                "dtype": dtype,
            }
            made = run_worker(_CONVERTER, request, monitor)
            cosine = float(made["cosine"])
            if not made["folder"]:
                return store.add_variant(artifact, dtype, None, cosine)
            return store.add_files(artifact, dtype, Path(scratch, made["folder"]), cosine)
    except WorkerError as error:
        raise ModelError(
            f'"{artifact.manifest.source}" could not be converted: {error.message}'
        ) from error
    finally:
        monitor.end()


def _exported(
    artifact: Artifact, store: Store, dtype: str, threads: int, monitor: Monitor
) -> Artifact:
    with store.scratch() as scratch:
        made = scratch / "exported"
        made.mkdir()
        export_decoder(artifact.path, made, monitor)
        for path in made.iterdir():
            if not path.name.startswith(_EXPORTED):
                path.unlink()
        graph = next(name for name in _EXPORTED if (made / name).is_file())
        # It is the source's own weights in its own precision: there is nothing to compare.
        return store.add_files(artifact, dtype, made, 1.0, graph)
