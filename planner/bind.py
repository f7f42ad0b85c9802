"""Names to things: what each call of a query refers to, and the type of what it gives back.

The planner asks through `Catalog`, which the database implements. Names are looked up as DuckDB
does, without regard to case. Errors carry the place of the name and list what exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from augursql.errors import (
    AugurError,
    InvalidValueError,
    NameNotFoundError,
    UnsupportedError,
    candidates,
)
from augursql.planner.plan import Call, Query, Scalar
from augursql.planner.result import result_type, target_type

MOST_NEIGHBOURS = 1_000
OPTIONS: dict[str, tuple[str, ...] | None] = {
    "strategy": ("vote", "head", "auto"),
    "class_weight": ("auto", "none", "balanced"),
    "seed": None,
}


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


KINDS = {"encoder": "an encoder", "language": "a language model", "adapter": "an adapter"}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model: `kind` is one of KINDS; `dimensions` are those of an encoder's vectors."""

    name: str
    kind: str
    dimensions: int


class Catalog(Protocol):
    """What the planner asks the database. Names come in any case."""

    def index(self, name: str) -> IndexInfo | None: ...

    def index_names(self) -> Sequence[str]: ...

    def model(self, name: str) -> ModelInfo | None: ...

    def model_names(self) -> Sequence[str]: ...

    def default_encoder(self) -> str: ...

    def labels(self, index: IndexInfo, target: str) -> Sequence[str] | None:
        """The values of a target that can be predicted, as text; None where it is estimated."""
        ...

    def query_columns(self, sql: str) -> Sequence[str] | None:
        """The columns of a plain query; None where they cannot be told before it runs."""
        ...


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call and what it refers to. `result_type` is DuckDB's text; 'TABLE' for search()."""

    call: Call
    index: IndexInfo | None
    model: ModelInfo | None
    target_type: str | None
    result_type: str


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query and its calls, bound, in the order of `query.calls`."""

    query: Query
    calls: tuple[BoundCall, ...]


def bind(query: Query, catalog: Catalog) -> BoundQuery:
    """Resolves every call of the query.

    Raises NameNotFoundError for unknown indexes, models, targets and options, InvalidValueError for
    values and types that cannot be used, UnsupportedError for rungs that this version has not.
    """
    whole = query.whole or query.text
    return BoundQuery(query, tuple(bind_call(call, whole, catalog) for call in query.calls))


def bind_call(call: Call, whole: str, catalog: Catalog) -> BoundCall:
    """Resolves one call in the text `whole`, as `bind` does."""
    try:
        match call.kind:
            case "predict":
                return _predict(call, catalog)
            case "prompt":
                return _prompt(call, catalog)
            case "search":
                index = _index(call, catalog)
                _check_top(call)
                return BoundCall(call, index, catalog.model(index.model), None, "TABLE")
            case _:
                return _with_encoder(call, catalog)
    except AugurError as error:
        raise error.located(call.span, whole) from error.__cause__


def _predict(call: Call, catalog: Catalog) -> BoundCall:
    if call.model is not None:
        raise _no_predictor(call, catalog)
    if call.index is None:
        raise _nothing_trained(call, catalog)
    index = _index(call, catalog)
    _check_top(call)
    _check_options(call)
    column = next((c for c in index.columns if c[0].lower() == str(call.target).lower()), None)
    if column is None:
        raise NameNotFoundError(
            f'The index "{index.name}" has no column "{call.target}" to predict.',
            hint=candidates(str(call.target), [name for name, _ in index.columns]),
            span=call.place("target"),
        )
    target = target_type(column, call.place("target"))
    result = result_type(target, call.with_)
    return BoundCall(call, index, catalog.model(index.model), target, result)


def _prompt(call: Call, catalog: Catalog) -> BoundCall:
    """Checks the names of a prompt. No language model can be there to answer it."""
    if call.index is not None:
        _index(call, catalog)
    _check_top(call)
    raise _no_language_model(call, catalog)


def _with_encoder(call: Call, catalog: Catalog) -> BoundCall:
    name = call.model or catalog.default_encoder()
    model = catalog.model(name)
    if model is None:
        raise NameNotFoundError(
            f'There is no model "{name}".',
            hint=candidates(name, catalog.model_names()),
            span=call.place("model"),
        )
    if model.kind != "encoder":
        raise InvalidValueError(
            f'"{name}" is {KINDS[model.kind]}, and {call.kind}() needs an encoder.',
            hint=_models(catalog),
            span=call.place("model"),
        )
    if call.version is not None:
        raise UnsupportedError(
            f'The encoder "{name}" has no versions.',
            hint="Leave out VERSION.",
            span=call.place("version"),
        )
    if call.kind == "classify":
        return BoundCall(call, None, model, "VARCHAR", result_type("VARCHAR", call.with_))
    result = f"FLOAT[{model.dimensions}]" if call.kind == "embed" else "DOUBLE"
    return BoundCall(call, None, model, None, result)


def _index(call: Call, catalog: Catalog) -> IndexInfo:
    name = str(call.index)
    index = catalog.index(name)
    if index is None:
        raise NameNotFoundError(
            f'There is no index "{name}".',
            hint=candidates(name, catalog.index_names()),
            span=call.place("index"),
        )
    return index


def _no_predictor(call: Call, catalog: Catalog) -> AugurError:
    return UnsupportedError(
        f"{_what_is(call, catalog)} This version has neither trained predictors nor language "
        "models.",
        hint=f"Predict from the labelled rows of an index: predict('{call.target}', ... "
        f"USING INDEX name). {_models(catalog)}",
        span=call.place("model"),
    )


def _no_language_model(call: Call, catalog: Catalog) -> AugurError:
    known = "" if call.model is None else f"{_what_is(call, catalog)} "
    return UnsupportedError(
        f"{known}A prompt needs a language model, and none can be deployed in this version.",
        hint=_models(catalog),
        span=call.place("model"),
    )


def _what_is(call: Call, catalog: Catalog) -> str:
    model = catalog.model(str(call.model))
    if model is not None:
        return f'"{call.model}" is {KINDS[model.kind]}.'
    return f'There is no model "{call.model}".'


def _models(catalog: Catalog) -> str:
    names = ", ".join(f'"{name}"' for name in catalog.model_names())
    return f"Models: {names}."


def _nothing_trained(call: Call, catalog: Catalog) -> AugurError:
    target = str(call.target)
    able = [
        name
        for name in catalog.index_names()
        if (index := catalog.index(name)) is not None
        and any(column.lower() == target.lower() for column, _ in index.columns)
    ]
    listed = ", ".join(f"USING INDEX {name}" for name in able)
    none = "There is no index with such a column; CREATE INDEX ... USING HNSW makes one."
    return NameNotFoundError(
        f'No predictor is trained for "{target}".',
        hint=f"Say which labelled rows to learn from: {listed}." if able else none,
        span=call.place("target"),
    )


def _check_top(call: Call) -> None:
    if call.top is not None and not 1 <= call.top <= MOST_NEIGHBOURS:
        raise InvalidValueError(
            f"From 1 to {MOST_NEIGHBOURS:,} rows can be asked for, not {call.top:,}.",
            span=call.place("top"),
        )


def _check_options(call: Call) -> None:
    for name, value in call.options:
        if name not in OPTIONS:
            raise NameNotFoundError(
                f'predict() has no option "{name}".',
                hint=candidates(name, OPTIONS),
                span=call.place(f"option:{name}"),
            )
        _check_option(call, name, value)


def _check_option(call: Call, name: str, value: Scalar) -> None:
    choices = OPTIONS[name]
    place = call.place(f"option:{name}")
    if choices is None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidValueError(f"{name} is a whole number from 0.", span=place)
    elif not isinstance(value, str) or value.lower() not in choices:
        raise InvalidValueError(f"{name} is one of {', '.join(choices)}.", span=place)
