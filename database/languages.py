"""The language models of a session, as the functions that ask them want them."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from augursql.database.catalog import Catalog
from augursql.database.language_models import LanguageModels, ServedModel
from augursql.database.shelf import LoadedModel
from augursql.database.state import State
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.repository.store import Artifact, Store
from augursql.settings import Settings
from augursql.types import Monitor
from augursql.udfs.language import LanguageModel


@dataclass(frozen=True, slots=True)
class Served:
    """A `udfs.language.Served`: what is known of a model while it is not in memory."""

    model: ServedModel

    @property
    def name(self) -> str:
        return self.model.artifact.manifest.source

    @property
    def context(self) -> int:
        return self.model.artifact.manifest.max_tokens

    @property
    def producer(self) -> str:
        return self.model.producer

    @property
    def adapter(self) -> str:
        return self.model.adapter_digest

    def in_use(self) -> AbstractContextManager[LanguageModel]:
        return cast(AbstractContextManager[LanguageModel], self.model.in_use())


class Languages:
    """Finds language models, and adapters over them, by name; loads nothing."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self._models = LanguageModels(catalog, state.watch, state.memory, load)

    def get(self, name: str, settings: Settings) -> Served:
        """Raises NameNotFoundError, InvalidValueError for an encoder, ModelError, StorageError."""
        return Served(self._models.model(name, settings))


def load(
    artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor
) -> LoadedModel:
    """Brings a language model into memory. Raises ModelError, StorageError."""
    from augursql.engine.generation.loading import load_language_model

    return cast(LoadedModel, load_language_model(artifact, store, options, monitor))
