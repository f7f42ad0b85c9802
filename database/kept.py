"""Results held in memory, so that the connection can run something else; none is computed twice."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import duckdb

from augursql.database.result import Guard, Result, Row
from augursql.database.state import Parameters, State
from augursql.errors import UnsupportedError
from augursql.planner.lexer import literal, quoted

# Arrow has no room for these, or DuckDB does not read back what it wrote.
_ONLY_AS_ROWS = re.compile(r"UHUGEINT|TUPLE|VARIANT|\bBIT\b|(?<!TIMESTAMP )\bTIME WITH TIME ZONE")
_ZONE = re.compile(r"tz=([\w/+:-]+)")


class Rows(Result):
    """Rows as Python has them, for what cannot be held as Arrow."""

    def __init__(self, described: list[Row] | None, rows: list[Row]) -> None:
        super().__init__(None, nullcontext)
        self._described = described
        self._rows = rows
        self._at = 0
        self.held = len(rows)

    @property
    def description(self) -> list[Row] | None:
        return self._described

    def fetchone(self) -> Row | None:
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int) -> list[Row]:
        taken = self._rows[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def fetchall(self) -> list[Row]:
        return self.fetchmany(len(self._rows))

    def arrow(self) -> Any:
        if self._at == len(self._rows):
            return None
        raise UnsupportedError(
            "Another statement ran on this connection, and the rows left of this result are held "
            "as Python's values.",
            hint="Fetch as Arrow or DataFrame before the next statement, or use a second "
            "connection.",
        )

    def reader(self, rows: int) -> Any:
        return self.arrow()

    def df(self) -> Any:
        return self.arrow()

    def close(self) -> None:
        self._rows = []


class Table(Result):
    """Rows as Arrow, which DuckDB reads again on `connection`; that belongs to the result."""

    def __init__(
        self, described: list[Row], held: Any, connection: duckdb.DuckDBPyConnection
    ) -> None:
        super().__init__(connection, nullcontext)
        self._described = described
        self.held = held.num_rows
        zone = _ZONE.search(str(held.schema))
        if zone is not None:
            connection.execute(f"SET TimeZone = {literal(zone[1])}")
        # A result may have a name twice; what is read may not.
        places = [f"c{number}" for number in range(len(described))]
        connection.register("held", held.rename_columns(places))
        columns = ", ".join(
            f"{place}::{column[1]} AS {quoted(column[0])}"
            for place, column in zip(places, described, strict=True)
        )
        connection.execute(f"SELECT {columns} FROM held")

    @property
    def description(self) -> list[Row] | None:
        return self._described

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def kept(result: Result, duplicate: Callable[[], duckdb.DuckDBPyConnection]) -> Result:
    """Reads all that is left of a result into memory.

    `duplicate` opens another connection to the same database. What comes back is fetched as the
    result would have been, at any later time.
    """
    if isinstance(result, Rows | Table):
        return result
    described = result.description or []
    only_as_rows = any(_ONLY_AS_ROWS.search(str(column[1])) for column in described)
    if result.divisible and not only_as_rows:
        held = result.arrow()
        if held is not None:
            return Table(described, held, duplicate())
    return Rows(described, result.fetchall())


def run_each(state: State, sql: str, parameters: Parameters, running: Guard) -> Result:
    """Runs a text of DuckDB's: each statement once, the parameters with the last.

    The result is the last one's, and has those before it.
    """
    with running():
        statements = state.connection.extract_statements(sql)
        if statements:
            state.execute(statements[0], parameters if len(statements) == 1 else None)
    result = Result(state.connection if statements else None, running, state.ran)
    earlier = list[Result]()
    for statement in statements[1:]:
        keep(result, earlier, state.connection)
        with running():
            state.execute(statement, parameters if statement is statements[-1] else None)
        result = Result(state.connection, running, state.ran)
    result.earlier = earlier
    return result


def keep(result: Result, among: list[Result], connection: duckdb.DuckDBPyConnection) -> None:
    """Adds a result and those before it, if they give rows; another statement follows."""
    among += result.earlier
    if result.gives_rows:
        among.append(kept(result, connection.cursor))
    elif result.description is not None:
        result.fetchall()
