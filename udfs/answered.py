"""Answers as text become values: of any type that RETURNS knows, as Arrow columns."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from augursql.engine.generation.constraint import Constraint
from augursql.planner.returns import AnswerType

_ARROW: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "HUGEINT": pa.decimal128(38, 0),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "UHUGEINT": pa.decimal128(38, 0),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "ENUM": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
}
_FORMS = {
    "VARCHAR": "",
    "BOOLEAN": "Answer with true or false, and nothing else.",
    "DATE": 'Answer with a date in double quotes, "YYYY-MM-DD", and nothing else.',
    "TIMESTAMP": 'Answer with a time in double quotes, "YYYY-MM-DDTHH:MM:SSZ", and nothing else.',
    "STRUCT": "Answer with JSON of the type {type}, and nothing else; null where nothing is said.",
    "LIST": "Answer with a JSON list of the type {type}, and nothing else.",
    "ENUM": "Answer with one of {values}, and nothing else.",
}
_NUMBER = "Answer with a number, and nothing else."
# Read as they are; all others as JSON.
_PLAIN = ("VARCHAR", "ENUM")
_EXACT = Context(prec=38)
_LARGEST_FLOAT = 3.4028234663852886e38


class UnreadableAnswerError(Exception):
    """An answer that is no value of the type; the text says why. It stays in this room."""


def arrow_type(type_: AnswerType) -> pa.DataType:
    """How a column of this type goes to DuckDB."""
    if type_.kind == "DECIMAL":
        return pa.decimal128(*type_.digits)
    if type_.kind == "LIST" and type_.item is not None:
        return pa.list_(arrow_type(type_.item))
    if type_.kind == "STRUCT":
        return pa.struct([(name, arrow_type(field)) for name, field in type_.fields])
    return _ARROW[type_.kind]


def constraint_of(type_: AnswerType, pattern: str | None) -> Constraint | None:
    """What answers of this type have to look like; None where any text will do."""
    if pattern is not None:
        return Constraint("regex", pattern)
    if type_.is_text:
        return None
    if type_.labels is not None:
        return Constraint("choice", json.dumps(type_.labels, ensure_ascii=False))
    return Constraint("json", type_.json_text)


def form_of(type_: AnswerType, pattern: str | None) -> str:
    """The same, in words for the model."""
    if pattern is not None:
        return f"Answer with a text that matches {pattern}, and nothing else."
    values = ", ".join(type_.values)
    return _FORMS.get(type_.kind, _NUMBER).format(type=type_.sql, values=values)


def value_of(type_: AnswerType, text: str) -> Any:
    """The value of an answer. Raises UnreadableAnswerError."""
    if type_.kind in _PLAIN:
        return _value(type_, text)
    try:
        return _value(type_, json.loads(text, parse_float=Decimal))
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise UnreadableAnswerError(f"it is not of the type {type_.sql}.") from error


def fallback_of(type_: AnswerType, given: Any) -> Any:
    """The value that stands for answers that failed. Raises UnreadableAnswerError."""
    if given is None:
        return None
    text = str(given) if isinstance(given, str) else json.dumps(given)
    if type_.kind == "ENUM" and text not in type_.values:
        raise UnreadableAnswerError(f"it is not of the type {type_.sql}.")
    value = value_of(type_, json.dumps(text) if type_.kind in ("DATE", "TIMESTAMP") else text)
    try:
        column_of(type_, [value])
    except (pa.ArrowException, OverflowError) as error:
        raise UnreadableAnswerError(f"it does not fit into {type_.sql}.") from error
    return value


def column_of(type_: AnswerType, values: Sequence[Any]) -> pa.Array:
    """Values, None for NULL, as a column."""
    return pa.array(values, arrow_type(type_))


def labels_of(type_: AnswerType, labels: Sequence[str]) -> pa.Array:
    """Labels as text become values of the type."""
    return pa.array(labels, pa.string()).cast(arrow_type(type_))


def _value(type_: AnswerType, given: Any) -> Any:
    """A value as JSON has it, as Arrow takes it."""
    if given is None:
        return None
    match type_.kind:
        case "VARCHAR" | "ENUM":
            # A lone surrogate, which JSON may hold, is no text.
            return str(given).encode("utf-8", "replace").decode()
        case "BOOLEAN":
            return bool(given)
        case "STRUCT":
            return {name: _value(field, given.get(name)) for name, field in type_.fields}
        case "LIST" if type_.item is not None:
            return [_value(type_.item, item) for item in given]
        case "DECIMAL":
            return Decimal(given).quantize(Decimal(1).scaleb(-type_.digits[1]), context=_EXACT)
        case "DATE":
            return date.fromisoformat(given)
        case "TIMESTAMP":
            moment = datetime.fromisoformat(given)
            return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        case "FLOAT" | "DOUBLE":
            return _finite(float(given), _LARGEST_FLOAT if type_.kind == "FLOAT" else math.inf)
    whole = int(given)
    if whole != given:
        raise ValueError("it is not a whole number")
    return Decimal(whole) if type_.kind in ("HUGEINT", "UHUGEINT") else whole


def _finite(value: float, largest: float) -> float:
    if not math.isfinite(value) or abs(value) > largest:
        raise OverflowError("it is too large")
    return value
