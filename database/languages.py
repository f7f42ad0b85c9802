"""The seam to the language models that are deployed."""

from collections.abc import Sequence
from typing import Protocol

from augursql.database.catalog import Catalog
from augursql.database.state import State
from augursql.errors import NameNotFoundError
from augursql.settings import Settings
from augursql.udfs.language import LanguageModel


class LanguageModels(Protocol):
    """Names become loaded models, once for all sessions. Names come in any case."""

    def names(self) -> Sequence[str]:
        """The deployed language models and their adapters."""
        ...

    def kind(self, name: str) -> str | None:
        """'language' or 'adapter'; None for any other name. Loads nothing."""
        ...

    def get(self, name: str, settings: Settings) -> LanguageModel:
        """The model; for an adapter, the model that it adapts, with the adapter in memory.

        Raises NameNotFoundError, ModelError.
        """
        ...

    def adapter(self, name: str, settings: Settings) -> str:
        """What the model knows an adapter by, another for other weights; '' for a model itself."""
        ...


class NoLanguageModels:
    """None is deployed."""

    def names(self) -> Sequence[str]:
        return ()

    def kind(self, name: str) -> str | None:
        return None

    def get(self, name: str, settings: Settings) -> LanguageModel:
        raise NameNotFoundError(f'There is no language model "{name}".')

    def adapter(self, name: str, settings: Settings) -> str:
        return ""


def language_models(state: State, catalog: Catalog) -> LanguageModels:
    """Those of a session."""
    return NoLanguageModels()
