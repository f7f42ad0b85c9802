"""Values as DuckDB writes them.

Whole numbers, texts and the like are written here. Whatever has a form of its own (dates,
intervals, lists, structs, maps, 32-bit floats, ...) is written by DuckDB itself, from the rows that
were fetched: so it looks the same as in DuckDB's shell, and as it is when it is cast to VARCHAR.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any

import duckdb

from augursql.database.result import Result

Row = Sequence[str | None]
CHUNK = 10_000

_WHOLE = "TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|HUGEINT|UHUGEINT"
# BIT, UHUGEINT and times with an offset are here because Arrow has no such types.
_SIMPLE = re.compile(
    rf'(?:{_WHOLE}|DOUBLE|VARCHAR|JSON|BOOLEAN|UUID|BIT|TIME WITH TIME ZONE|"NULL"'
    r"|DECIMAL\(\d+,\d+\)|ENUM\((?:[^\[\]]|'[^']*')*\))"
)
_NUMBER = re.compile(rf"(?:{_WHOLE}|DOUBLE|FLOAT|BIGNUM|DECIMAL\(\d+,\d+\))")
_FRACTION = re.compile(r"(\.\d*?)0+(?=[+-])")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows on their way to the screen: they come in chunks and can be read once."""

    names: Sequence[str]
    types: Sequence[str]
    chunks: Iterator[list[Row]]

    def rows(self) -> list[Row]:
        """All of them."""
        return [row for chunk in self.chunks for row in chunk]


def is_number(type_: str) -> bool:
    """Whether columns of this type are aligned to the right."""
    return _NUMBER.fullmatch(type_) is not None


def texts(
    connection: duckdb.DuckDBPyConnection,
    result: Result,
    types: Sequence[str],
    as_json: bool = False,
) -> Iterator[list[Row]]:
    """The rows of a result as text, in chunks; None is NULL.

    `as_json`: as JSON values, for instance '"a"' and '1.5'. They stream where all columns are of
    simple types.
    """
    if not all(_SIMPLE.fullmatch(type_) for type_ in types):
        yield from _by_duckdb(connection, result, types, as_json)
        return
    writers = [_json_writer(type_) if as_json else text for type_ in types]
    while rows := result.fetchmany(CHUNK):
        yield [
            [None if v is None else write(v) for write, v in zip(writers, row, strict=True)]
            for row in rows
        ]


def text(value: Any) -> str:
    """A value of a simple type, not NULL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, time):
        return _FRACTION.sub(r"\1", value.isoformat()).removesuffix(":00")
    return str(value)


def _json_writer(type_: str) -> Callable[[Any], str | None]:
    if type_ == "JSON":
        return str
    if type_ == "DOUBLE":
        return _json_number
    return text if is_number(type_) or type_ == "BOOLEAN" else _json_string


def _json_number(value: float) -> str | None:
    return repr(value) if math.isfinite(value) else None


def _json_string(value: Any) -> str:
    return json.dumps(text(value), ensure_ascii=False)


def _by_duckdb(
    connection: duckdb.DuckDBPyConnection, result: Result, types: Sequence[str], as_json: bool
) -> Iterator[list[Row]]:
    rows = result.arrow()
    rows = rows.rename_columns([f"c{position}" for position in range(len(types))])
    written = [
        _json_sql(f"c{position}", type_) if as_json else f"CAST(c{position} AS VARCHAR)"
        for position, type_ in enumerate(types)
    ]
    zones = {zone for field in rows.schema if (zone := getattr(field.type, "tz", None))}
    # A connection of its own: nothing of this shows in the user's transaction.
    other = connection.cursor()
    try:
        for zone in zones:
            other.execute(f"SET TimeZone = '{zone}'")
        other.register("shown", rows)
        other.execute(f"SELECT {', '.join(written)} FROM shown")
        while chunk := other.fetchmany(CHUNK):
            yield list(chunk)
    finally:
        other.close()


def _json_sql(column: str, type_: str) -> str:
    if type_ in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({column}) THEN CAST({column} AS VARCHAR) END"
    if type_ == "JSON" or is_number(type_):
        return f"CAST({column} AS VARCHAR)"
    return f"CAST(to_json({column}) AS VARCHAR)"
