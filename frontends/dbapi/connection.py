"""A connection: PEP 249 over one session."""

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from augursql.database.result import Result
from augursql.database.session import Session
from augursql.database.state import Notice, Parameters
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.cursor import Cursor
from augursql.frontends.dbapi.errors import InterfaceError, mapped
from augursql.frontends.dbapi.transaction import Transaction
from augursql.frontends.progress import Bar
from augursql.types import Monitor


class Connection:
    """An open database. As in DuckDB each statement commits by itself, unless `begin()` was called
    or `autocommit` is False.

    Threads may share it: one at a time runs a statement or fetches rows, the others wait.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self,
        path: str | os.PathLike[str] = ":memory:",
        *,
        read_only: bool = False,
        config: dict[str, Any] | None = None,
        settings: dict[str, object] | None = None,
        monitor: Monitor | None = None,
        autocommit: bool = True,
    ) -> None:
        with mapped():
            self._session = Session(
                os.fspath(path),
                read_only=read_only,
                config=config,
                settings=settings,
                monitor=monitor or Bar(lambda: self._session.settings.progress),
            )
        # Runs when the connection is dropped, at exit at the latest: DuckDB 2.0 complains of
        # functions on a connection that nobody closed.
        self._close = weakref.finalize(self, _close, self._session, os.getpid())
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._transaction = Transaction(self._session, autocommit)
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._streaming: weakref.ref[Cursor] | None = None

    def cursor(self) -> Cursor:
        """A cursor; all cursors of a connection share its transaction."""
        with self.using():
            made = Cursor(self)
            self._cursors.add(made)
            return made

    def execute(self, operation: str, parameters: Parameters = None) -> Cursor:
        """A new cursor that has executed the statement."""
        return self.cursor().execute(operation, parameters)

    def executemany(self, operation: str, seq_of_parameters: Iterable[Any]) -> Cursor:
        """A new cursor that has executed the statement once for each set of parameters."""
        return self.cursor().executemany(operation, seq_of_parameters)

    @property
    def notices(self) -> Sequence[Notice]:
        """What the last statement has to say beside its result, warnings included."""
        return tuple(self._open().notices)

    @property
    def messages(self) -> list[tuple[type[Exception], Exception]]:
        """The notices as PEP 249 wants them."""
        return [(errors.Warning, errors.Warning(notice.text)) for notice in self.notices]

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself. False: the first statement begins a
        transaction, which lasts until `commit` or `rollback`."""
        return self._transaction.autocommit

    @autocommit.setter
    def autocommit(self, wanted: bool) -> None:
        with self.using():
            self._make_way()
            self._transaction.autocommit = wanted

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        with self.using():
            self._make_way()
            return self._transaction.is_open()

    def begin(self) -> None:
        """Starts a transaction."""
        with self.using():
            self._make_way()
            self._transaction.begin()

    def commit(self) -> None:
        """Commits the transaction; without one it does nothing."""
        with self.using():
            self._make_way()
            self._transaction.commit()

    def rollback(self) -> None:
        """Rolls the transaction back; without one it does nothing."""
        with self.using():
            self._make_way()
            self._transaction.rollback()

    def interrupt(self) -> None:
        """Cancels the running statement, within a second; safe from another thread."""
        self._open().interrupt()

    cancel = interrupt

    def register(self, name: str, data: Any) -> "Connection":
        """Makes a DataFrame or Arrow table readable as a view of that name."""
        with self.using():
            self._make_way()
            self._session.connection.register(name, data)
        return self

    def unregister(self, name: str) -> "Connection":
        """Forgets what was registered under that name."""
        with self.using():
            self._make_way()
            self._session.connection.unregister(name)
        return self

    def close(self) -> None:
        """Closes the connection; what was not committed is rolled back."""
        with self.using():
            for cursor in list(self._cursors):
                cursor.close()
            self._close()

    def __reduce__(self) -> str:
        raise TypeError(
            "A connection cannot be copied or sent elsewhere: open one there with "
            "augursql.connect()."
        )

    def __enter__(self) -> "Connection":
        self._open()
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if not self._close.alive:
            return
        try:
            if not self.autocommit:
                self.rollback() if kind else self.commit()
        finally:
            self.close()

    @contextmanager
    def using(self) -> Iterator[None]:
        """What everything runs in that touches the session: one thread at a time."""
        with self._lock, mapped():
            self._open()
            yield

    def run(self, cursor: Cursor, operation: str, parameters: Parameters) -> Result:
        """Runs a text for a cursor, which streams its rows from now on."""
        self._make_way()
        with self._transaction.around(operation):
            result = self._session.execute(operation, parameters)
        self._streaming = weakref.ref(cursor)
        return result

    def run_many(self, operation: str, sets: Sequence[Any]) -> int:
        """Runs a statement with each set of parameters, in one transaction."""
        self._make_way()
        with self._transaction.around(operation), self._transaction.whole():
            changed = self._session.execute_many(operation, sets)
            if changed is not None:
                return changed
            counts = [self._run_one(operation, parameters) for parameters in sets]
            return -1 if -1 in counts else sum(counts)

    def _run_one(self, operation: str, parameters: Parameters) -> int:
        result = self._session.execute(operation, parameters)
        if result.gives_rows:
            result.fetchall()
        return result.changed()

    def keep(self, result: Result) -> Result:
        return self._session.keep(result)

    def _open(self) -> Session:
        if not self._close.alive:
            raise InterfaceError("The connection is closed.")
        if self._process != os.getpid():
            raise InterfaceError(
                "The connection belongs to another process: open one of your own after a fork."
            )
        return self._session

    def _make_way(self) -> None:
        """Has the rows read that a cursor has not fetched yet."""
        before = self._streaming() if self._streaming is not None else None
        if before is not None:
            before.detach()
        self._streaming = None


def _close(session: Session, process: int) -> None:
    """Closes the session, unless this is a fork of its process, whose file it must not touch."""
    if process == os.getpid():
        session.close()
