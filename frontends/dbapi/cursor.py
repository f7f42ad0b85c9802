"""A cursor: one statement at a time, and its rows."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from augursql.database.result import Result
from augursql.database.state import Parameters
from augursql.frontends.dbapi.errors import InterfaceError, ProgrammingError, mapped

if TYPE_CHECKING:
    import pandas
    import pyarrow

Row = tuple[Any, ...]
Execute = Callable[["Cursor", str, Parameters], Result]


class Cursor:
    """PEP 249's cursor. Rows stream; when another cursor of the connection executes, the rows that
    are left are read into memory first, so each result stays whole and is computed once."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._result: Result | None = None
        self._buffer: list[Row] | None = None
        self._description: list[Row] | None = None
        self._closed = False
        self.arraysize = 1

    @property
    def description(self) -> list[Row] | None:
        """(name, type, None, None, None, None, None) per column; None without rows."""
        return self._description

    @property
    def rowcount(self) -> int:
        """-1: DuckDB tells the number of rows only at their end."""
        return -1

    def execute(self, operation: str, parameters: Parameters = None) -> "Cursor":
        """Runs a statement of DuckDB's or ours; parameters by `?`, `$1` or `$name`."""
        self._check_open()
        self._result = self._buffer = self._description = None
        with mapped():
            result = self._execute(self, operation, parameters)
            self._result, self._description = result, result.description
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> "Cursor":
        """Runs a statement once for each set of parameters."""
        for parameters in seq_of_parameters:
            self.execute(operation, parameters)
            self.detach()
        return self

    def fetchone(self) -> Row | None:
        if self._buffer is not None:
            return self._buffer.pop(0) if self._buffer else None
        with mapped():
            return self._rows().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        count = self.arraysize if size is None else size
        if self._buffer is not None:
            taken, self._buffer = self._buffer[:count], self._buffer[count:]
            return taken
        with mapped():
            return self._rows().fetchmany(count)

    def fetchall(self) -> list[Row]:
        if self._buffer is not None:
            taken, self._buffer = self._buffer, []
            return taken
        with mapped():
            return self._rows().fetchall()

    def fetch_arrow(self) -> "pyarrow.Table":
        """All rows as a pyarrow.Table."""
        with mapped():
            return self._whole().arrow()

    def fetch_df(self) -> "pandas.DataFrame":
        """All rows as a pandas.DataFrame (extra `[pandas]`)."""
        with mapped():
            return self._whole().df()

    arrow = fetch_arrow
    df = fetch_df

    def detach(self) -> None:
        """Reads what is left into memory: the connection is about to run something else."""
        if self._result is not None and self._buffer is None:
            with mapped():
                self._buffer = self._result.fetchall() if self._description else []

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing, as PEP 249 allows."""

    def close(self) -> None:
        self._closed = True
        self._result = self._buffer = self._description = None

    def __iter__(self) -> Iterator[Row]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _rows(self) -> Result:
        self._check_open()
        if self._result is None or self._description is None:
            raise ProgrammingError("There are no rows to fetch: execute a query first.")
        return self._result

    def _whole(self) -> Result:
        if self._buffer is not None:
            raise ProgrammingError(
                "Another statement ran on this connection since: fetch this result as Arrow or "
                "DataFrame before, or use a second connection."
            )
        return self._rows()

    def _check_open(self) -> None:
        if self._closed:
            raise InterfaceError("The cursor is closed.")
