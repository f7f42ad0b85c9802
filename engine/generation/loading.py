"""From a stored language model to one that runs here."""

from pathlib import Path

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.config import read_config
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.model import Identity, LanguageModel
from augursql.engine.generation.opening import open_decoding
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.generation.preparing import with_graph
from augursql.engine.generation.wardrobe import Wardrobe
from augursql.engine.repository.store import SOURCE, Artifact, Store
from augursql.engine.runtime.sessions import load_runtime
from augursql.errors import ModelError
from augursql.types import Monitor

CACHE_BYTES = 1 << 30


def load_language_model(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> LanguageModel:
    """Loads a language model; a graph in its precision is made first, if there is none yet.

    It runs on the CPU, whatever the provider: no GPU road has been tried yet. Raises as
    `with_graph`, and ModelError for a config.json without a vocabulary.
    """
    artifact, dtype = with_graph(artifact, store, options, monitor)
    artifact.verify(dtype or SOURCE, monitor)
    runtime = load_runtime(store.root.parent, "cpu", options.threads)
    config = artifact.path / "config.json"

    def opened(graph: Path) -> Decoding:
        monitor.begin(f"Loading {artifact.manifest.source}", None)
        try:
            return open_decoding(runtime, graph, config)
        finally:
            monitor.end()

    graph = artifact.onnx(dtype) if dtype else artifact.path / artifact.manifest.graph
    wardrobe = Wardrobe(artifact.path, graph, opened)
    chat = Chat.from_folder(artifact.path)
    vocabulary = read_config(artifact.path).get("vocab_size")
    if not isinstance(vocabulary, int):
        raise ModelError(f"The config.json of {artifact.manifest.source} has no vocab_size.")
    identity = Identity(
        artifact.manifest.source,
        dtype or artifact.manifest.graph,
        artifact.manifest.max_tokens,
        vocabulary,
    )
    files = artifact.manifest.variants[dtype].files if dtype else artifact.manifest.files
    size = sum((artifact.path / name).stat().st_size for name in files)
    return LanguageModel(identity, chat, wardrobe, size, CACHE_BYTES)
