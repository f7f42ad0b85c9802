from collections.abc import Callable, Sequence

import pytest

from augursql.planner.bind import bind
from augursql.planner.bound import BoundQuery
from augursql.planner.catalog import Catalog, ColumnInfo, IndexInfo, ModelInfo
from augursql.planner.parse import parse
from augursql.planner.plan import Query

COLUMNS = (
    ("hotel", "VARCHAR"),
    ("review", "VARCHAR"),
    ("Rating", "INTEGER"),
    ("price", "DECIMAL(8,2)"),
    ("mood", "ENUM('good', 'bad')"),
    ("written", "DATE"),
    ("tags", "VARCHAR[]"),
)


class FakeCatalog:
    """Two indexes, two encoders, a language model with an adapter, a stored prompt."""

    indexes = {
        "hotels": IndexInfo(1, "Hotels", 3, ("review",), COLUMNS, "minilm", 100),
        "pairs": IndexInfo(2, "pairs", 1, ("Title", "review"), COLUMNS, "minilm", 100),
    }
    models = {
        "minilm": ModelInfo("minilm", "encoder", 384),
        "tiny": ModelInfo("tiny", "encoder", 3),
        "llm": ModelInfo("llm", "language", 0),
        "polite": ModelInfo("polite", "adapter", 0),
    }
    stored = {"greet": ["Hello {guest}", "Dear {guest}, {t.mood}"]}

    def index(self, name: str) -> IndexInfo | None:
        return self.indexes.get(name.lower())

    def index_names(self) -> Sequence[str]:
        return [index.name for index in self.indexes.values()]

    def model(self, name: str) -> ModelInfo | None:
        return self.models.get(name.lower())

    def model_names(self) -> Sequence[str]:
        return list(self.models)

    def default_encoder(self) -> str:
        return "minilm"

    def labels(self, index: IndexInfo, target: str) -> Sequence[str] | None:
        return {"rating": ["1", "5"], "mood": ["good", "it's bad"]}.get(target.lower())

    def language_names(self) -> Sequence[str]:
        return [model.name for model in self.models.values() if model.speaks]

    def column(self, source: str, name: str, most: int) -> ColumnInfo | None:
        """The columns of `reviews`, and of queries that read it."""
        values = {"sentiment": ("bad", "good"), "rating": ("1", "2", "5"), "nothing": ()}
        types = {"rating": "INTEGER", "price": "DOUBLE", "mood": "ENUM('so', 'la')", "b": "BOOLEAN"}
        key = name.lower()
        if "reviews" not in source or key == "unknown":
            return None
        return ColumnInfo(name, types.get(key, "VARCHAR"), values.get(key))

    def prompt(self, name: str, version: int | None) -> str | None:
        templates = self.stored.get(name.lower(), [])
        number = len(templates) if version is None else version
        return templates[number - 1] if 1 <= number <= len(templates) else None

    def prompt_names(self) -> Sequence[str]:
        return list(self.stored)

    def query_columns(self, sql: str) -> Sequence[str] | None:
        """Those of the one table `reviews`, whatever is asked of it."""
        return ["Review", "hotel", "rating"] if "reviews" in sql else None


@pytest.fixture
def catalog() -> Catalog:
    """What `FakeCatalog` knows."""
    return FakeCatalog()


@pytest.fixture
def bound() -> Callable[[str], BoundQuery]:
    """Parses and binds a text of one query."""

    def bound_query(text: str) -> BoundQuery:
        (query,) = parse(text)
        assert isinstance(query, Query)
        return bind(query, FakeCatalog())

    return bound_query
