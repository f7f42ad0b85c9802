"""A connection's transaction: DuckDB's autocommit, or the implicit one that PEP 249 asks for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql.database.session import Session
from augursql.frontends.dbapi.errors import ProgrammingError

_CONTROL = r"(begin|start|commit|end|rollback|abort)\b"
_BEGINS_OR_ENDS = re.compile(rf"\s*{_CONTROL}", re.IGNORECASE)
_MAY_BEGIN_OR_END = re.compile(rf"\b{_CONTROL}", re.IGNORECASE)


class Transaction:
    """Begins and ends transactions on a session."""

    def __init__(self, session: Session, autocommit: bool) -> None:
        self._session = session
        self._autocommit = True
        self._known: bool | None = None
        self.autocommit = autocommit

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, wanted: bool) -> None:
        if wanted == self._autocommit:
            return
        if self.is_open():
            raise ProgrammingError(
                "A transaction is open: commit or roll it back before autocommit changes."
            )
        if not wanted:
            self._session.register()
        self._autocommit = wanted
        self._known = None if wanted else False

    def is_open(self) -> bool:
        """Whether a transaction is open, begun by `begin`, BEGIN or implicitly."""
        if self._known is None:
            known = self._session.in_transaction()
            self._known = None if self._autocommit else known
            return known
        return self._known

    @contextmanager
    def around(self, sql: str) -> Iterator[None]:
        """What a statement runs in: without autocommit it begins a transaction where none is."""
        if self._autocommit:
            yield
            return
        if not _BEGINS_OR_ENDS.match(sql) and not self.is_open():
            self.begin()
        try:
            yield
        finally:
            if _MAY_BEGIN_OR_END.search(sql):
                self._known = None

    def begin(self) -> None:
        self._session.execute("BEGIN")
        self._known = None if self._autocommit else True

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Commits what the block wrote or nothing of it; joins a transaction that is open."""
        if not self._autocommit or self.is_open():
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def _end(self, statement: str) -> None:
        """Ends the transaction; without one there is nothing to do."""
        if self._known is False:
            return
        self._known = None
        try:
            self._session.execute(statement)
        except duckdb.TransactionException as error:
            if "no transaction is active" not in str(error):
                raise
        self._known = None if self._autocommit else False
