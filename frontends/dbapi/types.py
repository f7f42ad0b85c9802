"""PEP 249's type objects, which columns' types compare with, and its constructors of values."""

import datetime
from collections.abc import Iterable

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
DateFromTicks = datetime.date.fromtimestamp
TimestampFromTicks = datetime.datetime.fromtimestamp
Binary = bytes


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802  PEP 249 gives the name
    """The local time of day, `ticks` seconds after the epoch."""
    return datetime.datetime.fromtimestamp(ticks).time()


class TypeObject:
    """Equal to every type of DuckDB's of its group: `description[0][1] == augursql.NUMBER`."""

    def __init__(self, name: str, types: Iterable[str]) -> None:
        self._name = name
        self._types = frozenset(types)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TypeObject):
            return self is other
        return getattr(other, "id", None) in self._types

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"augursql.{self._name}"


STRING = TypeObject("STRING", ("varchar", "enum", "uuid"))
BINARY = TypeObject("BINARY", ("blob", "bit"))
NUMBER = TypeObject(
    "NUMBER",
    (
        *("tinyint", "smallint", "integer", "bigint", "hugeint", "bignum"),
        *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
        *("float", "double", "decimal"),
    ),
)
DATETIME = TypeObject(
    "DATETIME",
    (
        *("date", "time", "time_ns", "time with time zone", "interval"),
        *("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"),
    ),
)
# DuckDB's rowid is a BIGINT: no type is a row's own.
ROWID = TypeObject("ROWID", ())
