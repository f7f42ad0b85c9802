"""The two sides that are compared: our connection and DuckDB's own, asked in the same way."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

import augursql
from augursql.frontends.dbapi import errors as pep249
from augursql.frontends.dbapi.cursor import Cursor

CONFIG = {
    # No extension is fetched: what a test gets must not depend on the network.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_ACKNOWLEDGED = ((("Count", "BIGINT"),), (("Success", "BOOLEAN"),))
_SHOWN = 5
_MEASURED = re.compile(r"[\d.]+\s*(µs|ms|s|[kMGT]i?B)\b|[\W\d_]")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):.*", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a statement gave: columns and rows (as digests, in order and sorted), or an error."""

    columns: tuple[tuple[str, str], ...] = ()
    count: int = 0
    in_order: str = ""
    sorted: str = ""
    shown: tuple[str, ...] = ()
    error: tuple[str, str] | None = None


class Connection(Protocol):
    """What is asked of a connection of either side."""

    def execute(self, query: str) -> Any: ...

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Side:
    """A way to a database: `connect(path, read_only)`."""

    name: str
    connect: Callable[[str, bool], Connection]


def _ours(path: str, read_only: bool) -> Connection:
    return augursql.connect(path, read_only=read_only, config=dict(CONFIG))


def _theirs(path: str, read_only: bool) -> Connection:
    return duckdb.connect(path, read_only=read_only, config=dict(CONFIG))


OURS, THEIRS = Side("ours", _ours), Side("duckdb", _theirs)


def ask(connection: Connection, sql: str) -> Answer:
    """Runs a statement and reads all of its rows. Errors of any kind are answers."""
    try:
        cursor = connection.execute(sql)
        while isinstance(cursor, Cursor) and cursor.nextset():
            pass  # DuckDB gives the last result of a text, and no other.
        description = (cursor and cursor.description) or ()
        rows = [repr(row) for row in cursor.fetchall()] if description else []
    except Exception as error:
        return Answer(error=told(error))
    columns = tuple((str(column[0]), str(column[1])) for column in description)
    if columns in _ACKNOWLEDGED:
        columns = ()  # Ours is told as PEP 249 has it.
    if isinstance(cursor, Cursor) and not description and cursor.rowcount >= 0:
        rows = [repr((cursor.rowcount,))]
    if "txid_current" in sql.lower():
        rows = ["a transaction" for _ in rows]
    if rows and "analyzed_plan" in rows[0]:
        rows = [_MEASURED.sub("", row) for row in rows]
    shown = tuple(row[:200] for row in rows[:_SHOWN])
    return Answer(columns, len(rows), _digest(rows), _digest(sorted(rows)), shown)


def told(error: BaseException) -> tuple[str, str]:
    """An error's class and message, without what `compare` forgives."""
    wrapped = isinstance(error, pep249.Error) and error.__cause__ is not None
    kind = type(error.__cause__) if wrapped else type(error)
    if kind is duckdb.OutOfMemoryException:
        return kind.__name__, ""
    return kind.__name__, _TRACEBACK.sub("", str(error))


def _digest(rows: list[str]) -> str:
    return hashlib.sha1("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()
