"""What is asked of another database: a condition and columns, as its own SQL.

A condition is made only of what every database understands alike. What a source would judge
otherwise than DuckDB does is left out: the rows that come back are filtered again here, so that
they may be too many, and never too few.
"""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlglot import exp

Value = bool | int | float | str | Decimal | datetime.date
Operator = Literal["=", "<>", "<", "<=", ">", ">="]

_COMPARISONS: dict[Operator, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_OPPOSITES: dict[Operator, Operator] = {
    "=": "<>",
    "<>": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
# Where the order of strings, and what is equal, can be had as DuckDB has it: byte by byte.
_BYTEWISE = {"postgres": "C", "sqlite": "BINARY"}


@dataclass(frozen=True, slots=True)
class Compare:
    column: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    column: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Among:
    """column IN (values)"""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Both:
    left: "Condition"
    right: "Condition"


@dataclass(frozen=True, slots=True)
class Either:
    left: "Condition"
    right: "Condition"


@dataclass(frozen=True, slots=True)
class Negated:
    inner: "Condition"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that cannot be said to the source."""


Condition = Compare | IsNull | Among | Both | Either | Negated | Unknown


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source; `as_type`: what it is cast to there, '' for not at all."""

    name: str
    as_type: str = ""


@dataclass(frozen=True, slots=True)
class RemoteTable:
    """A table's name in its source, outer parts first, and its columns."""

    parts: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def select_sql(
    table: RemoteTable,
    columns: Sequence[str],
    condition: Condition,
    dialect: str,
    some: bool = True,
) -> str:
    """A query for these columns (none: for all) of the rows that may fulfil the condition.

    `dialect` is sqlglot's name of the source's. Without `some` it asks for no row.
    """
    read = [_read(table.column(name), dialect, aliased=True) for name in columns]
    query = exp.Select().from_(_table(table)).select(*(read or [exp.Star()]))
    allowed = _weaker(condition, table, dialect) if some else exp.condition("1 = 0")
    return (query if allowed is None else query.where(allowed)).sql(dialect=dialect, identify=True)


def _table(table: RemoteTable) -> exp.Table:
    names = [exp.to_identifier(part, quoted=True) for part in reversed(table.parts)]
    return exp.Table(**dict(zip(("this", "db", "catalog"), names, strict=False)))


def _read(column: Column, dialect: str, aliased: bool = False) -> exp.Expr:
    read: exp.Expr = exp.column(exp.to_identifier(column.name, quoted=True))
    if not column.as_type:
        return read
    read = exp.cast(read, column.as_type, dialect=dialect)
    return exp.alias_(read, column.name, quoted=True) if aliased else read


def _weaker(condition: Condition, table: RemoteTable, dialect: str) -> exp.Expr | None:
    """SQL that is true wherever the condition is, if not only there; None: of everything."""
    match condition:
        case Both(left, right):
            found = [_weaker(side, table, dialect) for side in (left, right)]
            known = [side for side in found if side is not None]
            return exp.and_(*known) if known else None
        case Either(left, right):
            one, other = _weaker(left, table, dialect), _weaker(right, table, dialect)
            return None if one is None or other is None else exp.or_(one, other)
        case Negated(inner):
            opposite = _opposite(inner)
            return None if opposite is None else _weaker(opposite, table, dialect)
        case Compare(name, operator, value):
            sides = _sides(table.column(name), value, dialect, exact=operator != "=")
            if sides is None:
                return None
            return _COMPARISONS[operator](this=sides[0], expression=sides[1])
        case IsNull(name, negated):
            isnull = exp.Is(this=_read(table.column(name), dialect), expression=exp.Null())
            return exp.not_(isnull) if negated else isnull
        case Among(name, values):
            pairs = [_sides(table.column(name), value, dialect) for value in values]
            listed = [pair[1] for pair in pairs if pair is not None]
            if not values or len(listed) < len(values):
                return None
            return exp.In(this=_read(table.column(name), dialect), expressions=listed)
    return None


def _opposite(condition: Condition) -> Condition | None:
    """What is true where the condition is false; where it is NULL, both are."""
    match condition:
        case Compare(column, operator, value):
            # Of NaN, which is greater than every number here, not every source thinks so.
            if isinstance(value, float) and operator not in ("=", "<>"):
                return None
            return Compare(column, _OPPOSITES[operator], value)
        case IsNull(column, negated):
            return IsNull(column, not negated)
        case Among(column, values) if values:
            opposite: Condition = Compare(column, "<>", values[0])
            for value in values[1:]:
                opposite = Both(opposite, Compare(column, "<>", value))
            return Either(IsNull(column), opposite)  # Arrow's is_in is false of NULL.
        case Negated(inner):
            return inner
        case Both(left, right):
            one, other = _opposite(left), _opposite(right)
            return None if one is None or other is None else Either(one, other)
        case Either(left, right):
            one, other = _opposite(left), _opposite(right)
            return None if one is None or other is None else Both(one, other)
    return None


def _sides(
    column: Column, value: Value, dialect: str, exact: bool = False
) -> tuple[exp.Expr, exp.Expr] | None:
    """Column and value as they are compared; None where the source might find fewer rows.

    Equal for DuckDB is equal under every collation. `exact` asks for no more than that.
    """
    read, literal = _read(column, dialect), _literal(value, dialect)
    if literal is None:
        return None
    if isinstance(value, str) and exact:
        if dialect not in _BYTEWISE:
            return None
        collation = exp.to_identifier(_BYTEWISE[dialect], quoted=dialect == "postgres")
        read = exp.Collate(this=exp.Paren(this=read), expression=collation)
    return read, literal


def _literal(value: Value, dialect: str) -> exp.Expr | None:
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, float):
        # NaN has no literal, and is compared in a way of its own everywhere.
        return exp.Literal.number(repr(value)) if math.isfinite(value) else None
    if isinstance(value, int | Decimal):
        return exp.Literal.number(format(value, "f") if isinstance(value, Decimal) else str(value))
    if isinstance(value, str):
        # Without a dialect nobody knows which of them a string must escape.
        unsafe = "\0" if dialect else "\0'\\"
        return None if set(unsafe) & set(value) else exp.Literal.string(value)
    if isinstance(value, datetime.datetime):
        type_ = "timestamp" if value.tzinfo is None else "timestamptz"
        return _cast(value.isoformat(sep=" "), type_)
    return _cast(value.isoformat(), "date")


def _cast(text: str, type_: str) -> exp.Expr:
    """A typed constant, with the type as DuckDB names it."""
    return exp.cast(exp.Literal.string(text), type_, dialect="duckdb")
