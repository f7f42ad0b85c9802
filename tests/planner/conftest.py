from collections.abc import Callable, Sequence

import pytest

from augursql.planner.bind import BoundQuery, Catalog, IndexInfo, ModelInfo, bind
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
    """Two indexes and two encoders."""

    indexes = {
        "hotels": IndexInfo(1, "Hotels", 3, ("review",), COLUMNS, "minilm", 100),
        "pairs": IndexInfo(2, "pairs", 1, ("Title", "review"), COLUMNS, "minilm", 100),
    }
    models = {
        "minilm": ModelInfo("minilm", "encoder", 384),
        "tiny": ModelInfo("tiny", "encoder", 3),
    }

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

    def query_columns(self, sql: str) -> Sequence[str] | None:
        """Those of the one table `reviews`, whatever is asked of it."""
        return ["Review", "hotel", "rating"] if "reviews" in sql else None


@pytest.fixture
def catalog() -> Catalog:
    """Two indexes and two encoders."""
    return FakeCatalog()


@pytest.fixture
def bound() -> Callable[[str], BoundQuery]:
    """Parses and binds a text of one query."""

    def bound_query(text: str) -> BoundQuery:
        (query,) = parse(text)
        assert isinstance(query, Query)
        return bind(query, FakeCatalog())

    return bound_query
