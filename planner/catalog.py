"""What the planner asks the database about names, and what it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """An index: its id and version, the columns that were indexed, all columns with their types."""

    id: int
    name: str
    version: int
    text_columns: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    model: str
    rows: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model: `kind` is 'encoder', 'language' or 'adapter' (of a language model); `dimensions`
    are those of an encoder's vectors, 0 for the others.
    """

    name: str
    kind: str
    dimensions: int

    @property
    def speaks(self) -> bool:
        """Whether it answers prompts."""
        return self.kind != "encoder"


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column of a table or query: its type, and its distinct values as text, sorted, without
    NULL; None where there are too many.
    """

    name: str
    type: str
    values: tuple[str, ...] | None


class Catalog(Protocol):
    """What the planner asks the database. Names come in any case."""

    def index(self, name: str) -> IndexInfo | None: ...

    def index_names(self) -> Sequence[str]: ...

    def model(self, name: str) -> ModelInfo | None: ...

    def model_names(self) -> Sequence[str]: ...

    def language_names(self) -> Sequence[str]:
        """Of the names of models, those of language models and of their adapters."""
        ...

    def default_encoder(self) -> str: ...

    def labels(self, index: IndexInfo, target: str) -> Sequence[str] | None:
        """The values of a target that can be predicted, as text; None where it is estimated."""
        ...

    def column(self, source: str, name: str, most: int) -> ColumnInfo | None:
        """A column of a table, or of a plain query in brackets, with its values where there are
        `most` at most; None where that cannot be told.
        """
        ...

    def query_columns(self, sql: str) -> Sequence[str] | None:
        """The columns of a plain query; None where they cannot be told before it runs."""
        ...

    def prompt(self, name: str, version: int | None) -> str | None:
        """The template of a stored prompt, its last one without a version."""
        ...

    def prompt_names(self) -> Sequence[str]: ...
