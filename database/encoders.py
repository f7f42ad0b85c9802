"""The encoders of a session: a name becomes a loaded model, once."""

from pathlib import Path

from augursql.database.catalog import Catalog, IndexRow, ModelRow
from augursql.database.memory import Memory
from augursql.database.watch import Watch
from augursql.engine.inference.encoder import Encoder, EncoderOptions, load_encoder
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.obtain import ALIASES, obtain
from augursql.engine.repository.store import Artifact, Store, copy_out
from augursql.errors import ModelError, NameNotFoundError, candidates
from augursql.settings import Settings

DEFAULT = "minilm"


class Encoders:
    """Loads encoders lazily and shares each among the calls of the session."""

    def __init__(self, catalog: Catalog, watch: Watch, memory: Memory) -> None:
        self._catalog = catalog
        self._watch = watch
        self._loaded: dict[tuple[str, EncoderOptions], Encoder] = memory.encoders
        self._artifacts: dict[str, Artifact] = memory.artifacts
        self._lock = memory.lock

    def names(self) -> list[str]:
        """The default encoder and the deployed ones."""
        return sorted({DEFAULT, *(model.name for model in self._catalog.models())})

    def manifest(self, name: str, settings: Settings) -> Manifest:
        """What is known of a model before it is loaded. Fetches it if it is not here yet."""
        return self._artifact(name, settings).manifest

    def known(self, name: str, settings: Settings) -> Manifest | None:
        """The manifest of a model that is on this machine; fetches nothing."""
        row = self._catalog.model(name)
        source = row.source if row is not None else ALIASES.get(name.lower(), name)
        found = Store(settings.store).find(source)
        return None if found is None else found.manifest

    def deploy(self, name: str, source: str, settings: Settings) -> ModelRow:
        """Brings `source` to this machine, loads it once as a check, and describes it."""
        artifact = self._obtained(source, settings)
        encoder = self._load(artifact, settings, None)
        manifest = artifact.manifest
        return ModelRow(
            name, manifest.source, manifest.revision, artifact.digest, encoder.dimensions
        )

    def export(self, name: str, folder: Path, settings: Settings) -> list[str]:
        """Copies a model's files into a new folder, and returns their names.

        Raises StorageError; then there is nothing in the folder.
        """
        return copy_out(self._artifact(name, settings), folder)

    def encoder(self, name: str | None, settings: Settings) -> Encoder:
        """The encoder of that name, or the session's default one."""
        return self._load(self._artifact(name or settings.encoder, settings), settings, None)

    def of_index(self, index: IndexRow, settings: Settings) -> Encoder:
        """The encoder that made an index's vectors, in the same precision where that runs here.

        Raises ModelError if the model's files are gone and what its name gives now is another.
        """
        store = Store(settings.store)
        artifact = store.get(index.digest) or self._artifact(index.model, settings)
        if artifact.digest != index.digest:
            raise ModelError(
                f'The index "{index.name}" was made with another version of "{index.model}".',
                hint=f"Make it again: CREATE OR REPLACE INDEX {index.name} ON ...",
            )
        return self._load(artifact, settings, index.dtype)

    def _artifact(self, name: str, settings: Settings) -> Artifact:
        row = self._catalog.model(name)
        if row is None and name.lower() != DEFAULT:
            raise NameNotFoundError(
                f'There is no model "{name}".',
                hint=f"{candidates(name, self.names())} "
                f"Deploy one with CREATE MODEL {name} FROM 'hub id or folder'.",
            )
        if row is None:
            return self._obtained(DEFAULT, settings)
        found = self._artifacts.get(row.digest) or Store(settings.store).get(row.digest)
        found = found or self._obtained(row.source, settings)
        if found.digest != row.digest:
            raise ModelError(
                f'The files of model "{name}" are gone, and "{row.source}" has others now.',
                hint=f"Deploy it again: CREATE OR REPLACE MODEL {name} FROM '{row.source}'.",
            )
        self._artifacts[row.digest] = found
        return found

    def _obtained(self, source: str, settings: Settings) -> Artifact:
        with self._lock:
            found = self._artifacts.get(source)
            if found is None:
                store = Store(settings.store)
                found = obtain(source, store, offline=settings.offline, monitor=self._watch)
                self._artifacts[source] = found
            return found

    def _load(self, artifact: Artifact, settings: Settings, dtype: str | None) -> Encoder:
        options = EncoderOptions(
            provider=settings.provider,
            dtype=dtype or settings.dtype,
            threads=settings.threads,
            batch_tokens=settings.batch_tokens,
        )
        key = (artifact.digest, options)
        with self._lock:
            if key not in self._loaded:
                store = Store(settings.store)
                self._loaded[key] = load_encoder(artifact, store, options, self._watch)
            return self._loaded[key]
