"""Names to things: what each call of a query refers to, and the type of what it gives back.

The planner asks through `Catalog`, which the database implements. Names are looked up as DuckDB
does, without regard to case. Errors carry the place of the name and list what exists.
"""

from augursql.errors import AugurError
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.catalog import Catalog
from augursql.planner.kinds import ASKING
from augursql.planner.names import named_index, named_model, nothing_trained, target_column
from augursql.planner.options import check_options
from augursql.planner.plan import Call, Query
from augursql.planner.result import result_type, target_type
from augursql.planner.speaking import bind_asking, bind_chosen, bind_prompt, bind_spoken
from augursql.planner.table import table_of


def bind(query: Query, catalog: Catalog) -> BoundQuery:
    """Resolves every call of the query.

    Raises NameNotFoundError for unknown indexes, models, targets and options, InvalidValueError for
    values and types that cannot be used, UnsupportedError for rungs that this version has not.
    """
    whole = query.whole or query.text
    calls = list[BoundCall]()
    for call in query.calls:
        wanted = call.kind == "predict" and call.model is not None and call.index is None
        source = table_of(query.sentence, call) if wanted and query.sentence is not None else None
        calls.append(bind_call(call, whole, catalog, source))
    return BoundQuery(query, tuple(calls))


def bind_call(call: Call, whole: str, catalog: Catalog, source: str | None = None) -> BoundCall:
    """Resolves one call in the text `whole`, as `bind` does.

    `source`: the table that its query reads, or a plain query in brackets, as SQL.
    """
    try:
        match call.kind:
            case "predict":
                return _predict(call, catalog, source)
            case "prompt":
                return bind_prompt(call, catalog)
            case kind if kind in ASKING:
                return bind_asking(call, catalog)
            case "search":
                index = named_index(call, catalog)
                return BoundCall(call, index, catalog.model(index.model), None, "TABLE")
            case _:
                return _with_model(call, catalog)
    except AugurError as error:
        raise error.located(call.span, whole) from error.__cause__


def _predict(call: Call, catalog: Catalog, source: str | None) -> BoundCall:
    if call.model is not None:
        return bind_spoken(call, catalog, source)
    if call.index is None:
        raise nothing_trained(call, catalog)
    index = named_index(call, catalog)
    check_options(call, speaks=False)
    target = target_type(target_column(call, index), call.place("target"))
    result = result_type(target, call.with_)
    return BoundCall(call, index, catalog.model(index.model), target, result)


def _with_model(call: Call, catalog: Catalog) -> BoundCall:
    """classify(), which either kind of model answers; embed() and similarity(), encoders alone."""
    name = call.model or catalog.default_encoder()
    chooses = call.kind == "classify"
    model = named_model(call, name, catalog, speaks=None if chooses else False)
    check_options(call, model.speaks)
    if chooses:
        return bind_chosen(call, model)
    result = f"FLOAT[{model.dimensions}]" if call.kind == "embed" else "DOUBLE"
    return BoundCall(call, None, model, None, result)
