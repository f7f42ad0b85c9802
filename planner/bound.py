"""Calls whose names are known: what a query's calls refer to, and the types of their answers."""

from dataclasses import dataclass

from augursql.planner.catalog import IndexInfo, ModelInfo
from augursql.planner.plan import Call, Query


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call and what it refers to. `result_type` is DuckDB's text; 'TABLE' for search().

    `model` answers it; where that is a language model, `index` gives its examples, and `labels`,
    as text, are what it chooses among; None where it writes its answer.
    """

    call: Call
    index: IndexInfo | None
    model: ModelInfo | None
    target_type: str | None
    result_type: str
    labels: tuple[str, ...] | None = None

    @property
    def speaks(self) -> bool:
        """Whether a language model answers it."""
        return self.model is not None and self.model.speaks


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query and its calls, bound, in the order of `query.calls`."""

    query: Query
    calls: tuple[BoundCall, ...]
