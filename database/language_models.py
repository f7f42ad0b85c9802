"""The language models of a session: a name becomes a model that is loaded when it is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, cast

from augursql.database.artifacts import Artifacts
from augursql.database.catalog import Catalog, ModelRow
from augursql.database.memory import Memory
from augursql.database.shelf import LoadedModel, Need, Shelf
from augursql.database.watch import Watch
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.repository.machine import Machine, this_machine
from augursql.engine.repository.request import PRECISIONS
from augursql.engine.repository.sizing import Size, memory_needed, precision
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError
from augursql.settings import Settings
from augursql.types import Monitor
from augursql.udfs.language import LanguageModel

_SHARE_OF_MACHINE = 0.75
# The next number, when prompts are written or labels scored in another way: answers that the cache
# keeps are then asked anew.
_ANSWERS = 1


class Loader(Protocol):
    """What brings a language model into memory, such as `load`."""

    def __call__(
        self, artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
    ) -> LoadedModel: ...


class LanguageModels:
    """Finds language models and their adapters by name; equal ones are in memory once."""

    def __init__(
        self, catalog: Catalog, watch: Watch, memory: Memory, loader: Loader | None = None
    ) -> None:
        self._catalog = catalog
        self._artifacts = Artifacts(catalog, watch, memory)
        self._shelf = memory.language_models
        self._watch = watch
        self._load = loader or load
        self._machine: Machine = this_machine()

    def get(self, name: str, settings: Settings) -> "ServedModel":
        """The language model, or the adapter over its base, of that name; loads nothing yet.

        Raises NameNotFoundError, InvalidValueError for an encoder, ModelError, StorageError.
        """
        artifact, row = self._artifacts.of(name, settings), self._catalog.model(name)
        adapter = artifact if artifact.manifest.kind == "adapter" else None
        if adapter is not None and row is not None:
            row = self._catalog.model(row.base)
            artifact = self._artifacts.of(row.name if row is not None else "", settings)
        if row is None or artifact.manifest.kind != "language":
            raise InvalidValueError(
                f'"{name}" is {self._artifacts.what_is(name)}, which writes nothing.',
                hint=self._known(),
            )
        options = _options(row, settings)
        machine = self._machine
        dtype = options.dtype if options.dtype in PRECISIONS else "auto"
        chosen = precision(dtype, artifact.manifest.parameters, machine)
        need = Need(
            memory_needed(Size.of(artifact.manifest), chosen),
            settings.model_memory_mb << 20 or int(machine.total * _SHARE_OF_MACHINE),
        )
        store = Store(settings.store)
        return ServedModel(
            artifact,
            adapter,
            replace(options, dtype=chosen),
            _Source(self._shelf, self._load, store, need, self._watch),
        )

    def _known(self) -> str:
        names = sorted([*self._artifacts.names("language"), *self._artifacts.names("adapter")])
        if names:
            return f"Language models: {', '.join(names)}."
        return "Deploy one with CREATE MODEL name FROM 'hub id or folder'."


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a model is lent from, and how it comes there."""

    shelf: Shelf
    load: Loader
    store: Store
    need: Need
    monitor: Monitor


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A language model, perhaps with an adapter, that is in memory only while it is used: a
    `udfs.language.Served`."""

    artifact: Artifact
    attached: Artifact | None
    options: LanguageOptions
    source: _Source

    @property
    def name(self) -> str:
        return self.artifact.manifest.source

    @property
    def context(self) -> int:
        return self.artifact.manifest.max_tokens

    @property
    def producer(self) -> str:
        """What tells its answers from those of all other models: digests and precision."""
        adapter = f"+{self.adapter}" if self.adapter else ""
        return f"{self.artifact.digest}{adapter}/{self.options.dtype}/{_ANSWERS}"

    @property
    def adapter(self) -> str:
        """What the model is told with each call; '' without an adapter."""
        return self.attached.digest if self.attached is not None else ""

    @contextmanager
    def in_use(self) -> Iterator[LanguageModel]:
        """The loaded model, which stays in memory until the block ends; for one chunk of rows.

        Raises ModelError, StorageError, and InterruptedStatementError when it is cancelled.
        """
        source = self.source
        key = (self.artifact.digest, self.options)
        with source.shelf.lent(key, source.need, self._loaded, source.monitor.check) as model:
            if self.attached is not None:
                model.attach(self.attached)
            yield cast(LanguageModel, model)

    def _loaded(self) -> LoadedModel:
        source = self.source
        artifact = source.store.get(self.artifact.digest) or self.artifact
        return source.load(artifact, source.store, self.options, source.monitor)


def load(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> LoadedModel:
    """Brings a language model into memory. Raises ModelError, StorageError."""
    from augursql.engine.generation.loading import load_language_model

    return cast(LoadedModel, load_language_model(artifact, store, options, monitor))


def _options(row: ModelRow, settings: Settings) -> LanguageOptions:
    dtype = row.options.get("dtype", "auto")
    return LanguageOptions(settings.provider, dtype, settings.threads)
