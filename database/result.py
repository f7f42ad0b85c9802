"""What a statement gave: rows that DuckDB still produces while they are fetched, or none."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import duckdb

Guard = Callable[[], AbstractContextManager[None]]


class Result:
    """The rows of one statement, read through the connection that runs it.

    They stream: predictions of rows that nobody has fetched yet may still have to be made, so
    each fetch runs under the session's guard, which turns errors and Ctrl-C into ours.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection | None, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """PEP 249's description: (name, type, None, None, None, None, None) per column."""
        return None if self._connection is None else self._connection.description

    def fetchone(self) -> tuple[Any, ...] | None:
        if self._connection is None:
            return None
        with self._guard():
            return self._connection.fetchone()

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with self._guard():
            return self._connection.fetchmany(size)

    def fetchall(self) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with self._guard():
            return self._connection.fetchall()

    def arrow(self) -> Any:
        """The remaining rows as a pyarrow.Table; None where the statement gives no rows."""
        if self._connection is None:
            return None
        # DuckDB 2.0 advises against Arrow from an executed statement, because it copies the rows
        # once; its other way would run the statement, and the models, a second time.
        with self._guard(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            return self._connection.to_arrow_table()

    def df(self) -> Any:
        """The remaining rows as a pandas.DataFrame; None where the statement gives no rows."""
        if self._connection is None:
            return None
        with self._guard():
            return self._connection.df()
