"""From a stored language model to one that runs here, in a precision that is made at first use."""

from pathlib import Path

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.decoder import CacheShape
from augursql.engine.generation.model import Identity, LanguageModel
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.generation.wardrobe import Wardrobe
from augursql.engine.repository.store import SOURCE, Artifact, Store
from augursql.engine.repository.worker import WorkerError, run_worker
from augursql.engine.runtime.sessions import Runtime, Session, load_runtime
from augursql.errors import ModelError
from augursql.types import Monitor

CACHE_BYTES = 1 << 30
DTYPES = ("int4", "int8", "fp32")
_CONVERTER = "augursql.engine.generation.converter"


def prepare(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> tuple[Artifact, str]:
    """Makes a graph of the model, if there is none yet, and checks it against the source.

    Returns the precision: that of the options, or where it is 'auto' the first of int8 and fp32
    that is near enough. Raises ModelError for a model that cannot be converted or is too far from
    its source, StorageError, and what `monitor.check` raises on a cancel.
    """
    wanted = ("int8", "fp32") if options.dtype == "auto" else (options.dtype,)
    if not set(wanted) <= set(DTYPES):
        raise ModelError(
            f"Language models do not run in {options.dtype} on a CPU.",
            hint=f"Use auto, or one of {', '.join(DTYPES)}.",
        )
    artifact.verify()
    runtime = load_runtime(store.root.parent, "cpu", options.threads)
    for dtype in wanted:
        if dtype not in artifact.manifest.variants:
            artifact = _make(artifact, store, dtype, runtime, monitor)
        found = artifact.manifest.variants[dtype]
        if found.sha256:
            return artifact, dtype
    raise ModelError(
        f'"{artifact.manifest.source}" in {dtype} is too far from its source: the mean cosine '
        f"of its logits is {found.cosine:.4f}.",
        hint="Deploy it in another precision: CREATE OR REPLACE MODEL ... WITH (dtype = ...).",
    )


def load_language_model(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> LanguageModel:
    """Loads a language model; a graph in its precision is made first, if there is none yet.

    It runs on the CPU, whatever the provider: no GPU road has been tried yet. Raises as `prepare`.
    """
    artifact, dtype = prepare(artifact, store, options, monitor)
    runtime = load_runtime(store.root.parent, "cpu", options.threads)
    artifact.verify(dtype, monitor)

    def opened(graph: Path) -> tuple[Session, CacheShape]:
        monitor.begin(f"Loading {artifact.manifest.source}", None)
        try:
            session = runtime.open(graph, runtime.threads)
        finally:
            monitor.end()
        return session, _shape(session)

    wardrobe = Wardrobe(artifact.path, artifact.onnx(dtype), opened)
    identity = Identity(
        artifact.manifest.source,
        artifact.digest,
        dtype,
        artifact.manifest.max_tokens,
        wardrobe.worn("").decoder.vocabulary,
    )
    files = artifact.manifest.variants[dtype].files
    size = sum((artifact.path / name).stat().st_size for name in files)
    return LanguageModel(identity, Chat.from_folder(artifact.path), wardrobe, size, CACHE_BYTES)


def _make(
    artifact: Artifact, store: Store, dtype: str, runtime: Runtime, monitor: Monitor
) -> Artifact:
    artifact.verify(SOURCE, monitor)
    monitor.begin(f"Preparing {artifact.manifest.source} in {dtype}", None)
    try:
        with store.scratch() as scratch:
            request = {
                "folder": str(artifact.path),
                "target": str(scratch),
                "home": str(store.root.parent),
                "threads": runtime.threads,
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


def _shape(session: Session) -> CacheShape:
    """What a cache holds for a token."""
    keys = [sizes for name, sizes in session.input_sizes.items() if name.endswith(".key")]
    _, heads, _, size = keys[0]
    return CacheShape(len(keys), int(heads), int(size))
