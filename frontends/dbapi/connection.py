"""A connection: PEP 249 over one session."""

import weakref
from collections.abc import Sequence
from typing import Any

import duckdb

from augursql.database.result import Result
from augursql.database.session import Session
from augursql.database.state import Notice, Parameters
from augursql.frontends.dbapi.cursor import Cursor
from augursql.frontends.dbapi.errors import InterfaceError, mapped
from augursql.frontends.progress import Bar
from augursql.types import Monitor


class Connection:
    """An open database. As in DuckDB each statement commits by itself unless `begin()` was called.

    Not for use by several threads at once, except `interrupt`.
    """

    def __init__(
        self,
        path: str = ":memory:",
        *,
        read_only: bool = False,
        config: dict[str, Any] | None = None,
        settings: dict[str, object] | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        with mapped():
            self._session = Session(
                path,
                read_only=read_only,
                config=config,
                settings=settings,
                monitor=monitor or Bar(lambda: self._session.settings.progress),
            )
        # Runs when the connection is dropped, at exit at the latest: DuckDB 2.0 complains of
        # functions on a connection that nobody closed.
        self._close = weakref.finalize(self, self._session.close)
        self._streaming: weakref.ref[Cursor] | None = None

    def cursor(self) -> Cursor:
        """A cursor; all cursors of a connection share its transaction."""
        self._open()
        return Cursor(self._run)

    def execute(self, operation: str, parameters: Parameters = None) -> Cursor:
        """A new cursor that has executed the statement."""
        return self.cursor().execute(operation, parameters)

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> Cursor:
        """A new cursor that has executed the statement once for each set of parameters."""
        return self.cursor().executemany(operation, seq_of_parameters)

    @property
    def notices(self) -> Sequence[Notice]:
        """What the last statement has to say beside its result, warnings included."""
        return tuple(self._open().notices)

    def begin(self) -> None:
        """Starts a transaction."""
        self.execute("BEGIN")

    def commit(self) -> None:
        """Commits the transaction; without one it does nothing."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Rolls the transaction back; without one it does nothing."""
        self._end("ROLLBACK")

    def interrupt(self) -> None:
        """Cancels the running statement, within a second; safe from another thread."""
        self._open().interrupt()

    def register(self, name: str, data: Any) -> "Connection":
        """Makes a DataFrame or Arrow table readable as a view of that name."""
        with mapped():
            self._open().connection.register(name, data)
        return self

    def close(self) -> None:
        """Closes the connection; twice is once."""
        self._close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _open(self) -> Session:
        if not self._close.alive:
            raise InterfaceError("The connection is closed.")
        return self._session

    def _run(self, cursor: Cursor, operation: str, parameters: Parameters) -> Result:
        session = self._open()
        before = self._streaming() if self._streaming is not None else None
        if before is not None and before is not cursor:
            before.detach()
        result = session.execute(operation, parameters)
        self._streaming = weakref.ref(cursor)
        return result

    def _end(self, statement: str) -> None:
        session = self._open()
        before = self._streaming() if self._streaming is not None else None
        if before is not None:
            before.detach()
        with mapped():
            try:
                session.execute(statement)
            except duckdb.TransactionException as error:
                if "no transaction is active" not in str(error):
                    raise
