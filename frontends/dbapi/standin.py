"""What passes for DuckDB's own connection, for clients that know no other."""

import weakref
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from augursql.database.result import Result, Row
from augursql.database.session import Session
from augursql.database.state import Parameters
from augursql.planner.scan import speaks_augur


class StandIn:
    """A DuckDBPyConnection whose statements go through a session, which it owns.

    `execute`, and `sql` of a text of ours, give the connection itself, as DuckDB's `execute` does;
    `sql` of plain SQL gives DuckDB's relation. Everything else is DuckDB's own. Errors are those of
    AugurError and duckdb.Error.
    """

    close: Callable[[], object]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._result: Result | None = None
        # Also when it is dropped: DuckDB 2.0 complains of functions on a connection left open.
        self.close = weakref.finalize(self, session.close)

    @property
    def session(self) -> Session:
        return self._session

    def execute(self, query: Any, parameters: Parameters = None) -> "StandIn":
        self._result = self._session.execute(str(query), parameters)
        return self

    def sql(self, query: str, **options: Any) -> Any:
        if speaks_augur(query):
            return self.execute(query)
        return self._session.connection.sql(query, **options)

    @property
    def description(self) -> list[Row] | None:
        return None if self._result is None else self._result.description

    def fetchone(self) -> Row | None:
        return self._rows().fetchone()

    def fetchmany(self, size: int = 1) -> list[Row]:
        return self._rows().fetchmany(size)

    def fetchall(self) -> list[Row]:
        return self._rows().fetchall()

    def to_arrow_table(self, batch_size: int = 1_000_000) -> Any:
        return self._rows().arrow()

    def to_arrow_reader(self, rows_per_batch: int = 1_000_000) -> Any:
        return self._rows().reader(rows_per_batch)

    def df(self, **options: Any) -> Any:
        return self._rows().df()

    fetch_arrow_table = to_arrow_table
    fetch_record_batch = to_arrow_reader
    fetchdf = fetch_df = to_df = df

    def interrupt(self) -> None:
        """Cancels the running statement; safe from another thread."""
        self._session.interrupt()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session.connection, name)

    def _rows(self) -> Result:
        return self._result if self._result is not None else Result(None, nullcontext)
