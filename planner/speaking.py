"""Calls that a language model answers: which model, and whether it chooses a label or writes."""

import re
from collections.abc import Sequence

from augursql.errors import InvalidValueError, NameNotFoundError, candidates
from augursql.planner.bound import BoundCall
from augursql.planner.catalog import Catalog, ColumnInfo, IndexInfo, ModelInfo
from augursql.planner.kinds import JUDGING
from augursql.planner.names import default_language_model, named_index, named_model, target_column
from augursql.planner.options import check_options
from augursql.planner.plan import Call
from augursql.planner.result import prompt_type, result_type, target_type
from augursql.planner.returns import answer_type

MOST_LABELS = 100
YES_OR_NO = ("yes", "no")
MOST_INTEGERS = 50
_INTEGER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?")
_ESTIMATED = re.compile(r"FLOAT|DOUBLE|DECIMAL.*")


def bind_prompt(call: Call, catalog: Catalog) -> BoundCall:
    """prompt(): the model that is named, or the only one; a type that may be chosen from."""
    if call.stored is not None:
        stored_template(call, catalog)
    model = _asked_model(call, catalog)
    index = None if call.index is None else named_index(call, catalog)
    return _written(call, index, model)


def bind_asking(call: Call, catalog: Catalog) -> BoundCall:
    """Those in `kinds.ASKING`. Judgements are scored, all else is written."""
    model = _asked_model(call, catalog)
    if call.kind not in JUDGING:
        return _written(call, None, model)
    check_options(call, speaks=True)
    if call.kind == "rerank":
        return BoundCall(call, None, model, "DOUBLE", prompt_type("DOUBLE", call.with_), YES_OR_NO)
    result = result_type("BOOLEAN", call.with_)
    return BoundCall(call, None, model, "BOOLEAN", result, YES_OR_NO)


def bind_chosen(call: Call, model: ModelInfo) -> BoundCall:
    """classify(): its labels are known when it is called."""
    return BoundCall(call, None, model, "VARCHAR", result_type("VARCHAR", call.with_))


def bind_spoken(call: Call, catalog: Catalog, source: str | None) -> BoundCall:
    """predict() with a language model.

    With an index, labels and type are those of its column; else those of the option `labels`, or of
    the column of `source`. A number that is estimated and a free text are written by the model.
    """
    model = named_model(call, str(call.model), catalog, speaks=True)
    index = None if call.index is None else named_index(call, catalog)
    check_options(call, speaks=True)
    given = dict(call.options).get("labels")
    if isinstance(given, tuple):
        type_ = _type_of(given)
        labels: tuple[str, ...] | None = tuple(_text(label) for label in given)
        if index is not None:
            type_ = _predictable(call, index)
    elif index is not None:
        type_ = _predictable(call, index)
        found = catalog.labels(index, str(call.target))
        labels = None if found is None or len(found) > MOST_LABELS else tuple(found)
    else:
        type_, labels = _column(call, catalog, source)
    return BoundCall(call, index, model, type_, result_type(type_, call.with_), labels)


def stored_template(call: Call, catalog: Catalog) -> str:
    """The template of the stored prompt that a call names. Raises NameNotFoundError."""
    name, version = str(call.stored), call.stored_version
    found = catalog.prompt(name, version)
    if found is not None:
        return found
    if version is not None and catalog.prompt(name, None) is not None:
        raise NameNotFoundError(
            f'The prompt "{name}" has no version {version}.',
            hint=f"DESCRIBE PROMPT {name} lists them.",
            span=call.place("template"),
        )
    raise NameNotFoundError(
        f'There is no prompt "{name}".',
        hint=f"{candidates(name, catalog.prompt_names())} A template is written in quotes.",
        span=call.place("template"),
    )


def _asked_model(call: Call, catalog: Catalog) -> ModelInfo:
    if call.model is None:
        return default_language_model(call, catalog)
    return named_model(call, call.model, catalog, speaks=True)


def _written(call: Call, index: IndexInfo | None, model: ModelInfo) -> BoundCall:
    """A call with an answer of the type that it says, a text if it says none."""
    check_options(call, speaks=True)
    returns = call.returns or "VARCHAR"
    if call.matching is not None and returns != "VARCHAR":
        raise InvalidValueError(
            f"MATCHING is for texts: {returns} has a form of its own.", span=call.place("returns")
        )
    labels = answer_type(returns).labels
    return BoundCall(call, index, model, returns, prompt_type(returns, call.with_), labels)


def _predictable(call: Call, index: IndexInfo) -> str:
    return target_type(target_column(call, index), call.place("target"))


def _column(call: Call, catalog: Catalog, source: str | None) -> tuple[str, tuple[str, ...] | None]:
    """Type and labels of the target's column in the table that the query reads."""
    target = str(call.target)
    column = None if source is None else catalog.column(source, target, MOST_LABELS)
    if column is None:
        raise _no_labels(call, f'Nothing says what the values of "{target}" are.')
    type_ = target_type((column.name, column.type), call.place("target"))
    labels = _labels(column, type_)
    if labels == ():
        raise _no_labels(call, f'No row has a value of "{target}".')
    return type_, labels


def _labels(column: ColumnInfo, type_: str) -> tuple[str, ...] | None:
    declared = answer_type(type_).labels
    if declared is not None:
        return declared if len(declared) <= MOST_LABELS else None
    many = column.values is None or len(column.values) > MOST_INTEGERS
    empty = column.values == ()
    if _ESTIMATED.fullmatch(type_) or (_INTEGER.fullmatch(type_) and (many or empty)):
        return None
    return column.values


def _no_labels(call: Call, message: str) -> NameNotFoundError:
    return NameNotFoundError(
        message,
        hint="Say them: OPTIONS (labels = ['good', 'bad']); or USING INDEX; or select from a table "
        "that has this column.",
        span=call.place("target"),
    )


def _type_of(labels: Sequence[object]) -> str:
    if isinstance(labels[0], bool):
        return "BOOLEAN"
    return "INTEGER" if isinstance(labels[0], int) else "VARCHAR"


def _text(label: object) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
