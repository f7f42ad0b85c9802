"""Aggregates as scalar functions over a list, which DuckDB gathers.

    summarize_agg(review ORDER BY id USING MODEL llm) FILTER (WHERE stars > 3)
    summarize_agg(texts := list(review ORDER BY id) FILTER (WHERE stars > 3) USING MODEL llm)

So DISTINCT, ORDER BY, FILTER and OVER are DuckDB's own.
"""

from augursql.planner.lexer import Span
from augursql.planner.plan import Call

# What stands in the place of a part of a text: text, and other parts of it.
Replaced = tuple[Span, tuple[str | Span, ...]]


def is_gathered(call: Call) -> bool:
    """Whether the call has its texts as a list already, or needs none."""
    return all(name != "rows" for name, _ in call.places)


def gathering(call: Call) -> list[Replaced]:
    """What makes a list of the rows of a call that is not gathered."""
    (first, last), behind = call.place("rows"), call.place("behind")
    return [((first, first), ("texts := list(",)), ((last, last), (")", behind)), (behind, ())]
