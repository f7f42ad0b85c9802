"""The encoders of a session: a name becomes a loaded model, once."""

from augursql.database.artifacts import Artifacts
from augursql.database.catalog import Catalog, IndexRow
from augursql.database.memory import Memory
from augursql.database.watch import Watch
from augursql.engine.inference.encoder import Encoder, EncoderOptions, load_encoder
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError, ModelError
from augursql.settings import Settings


class Encoders:
    """Loads encoders lazily and shares each among the calls of the session."""

    def __init__(self, catalog: Catalog, watch: Watch, memory: Memory) -> None:
        self.artifacts = Artifacts(catalog, watch, memory)
        self._watch = watch
        self._loaded: dict[tuple[str, EncoderOptions], Encoder] = memory.encoders
        self._lock = memory.lock

    def encoder(self, name: str | None, settings: Settings) -> Encoder:
        """The encoder of that name, or the session's default one.

        Raises InvalidValueError for a model of another kind.
        """
        name = name or settings.encoder
        artifact = self.artifacts.of(name, settings)
        if artifact.manifest.kind != "encoder":
            what = self.artifacts.what_is(name)
            raise InvalidValueError(
                f'"{name}" is {what}, which makes no vectors.', hint=self.artifacts.encoders()
            )
        return self.load(artifact, settings)

    def of_index(self, index: IndexRow, settings: Settings) -> Encoder:
        """The encoder that made an index's vectors, in the same precision where that runs here.

        Raises ModelError if the model's files are gone and what its name gives now is another.
        """
        store = Store(settings.store)
        artifact = store.get(index.digest) or self.artifacts.of(index.model, settings)
        if artifact.digest != index.digest:
            raise ModelError(
                f'The index "{index.name}" was made with another version of "{index.model}".',
                hint=f"Make it again: CREATE OR REPLACE INDEX {index.name} ON ...",
            )
        return self.load(artifact, settings, index.dtype)

    def load(self, artifact: Artifact, settings: Settings, dtype: str | None = None) -> Encoder:
        """The encoder with these files, loaded where it is not yet. Raises ModelError."""
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
