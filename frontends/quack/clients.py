"""The clients of a server: each has a session of its own on the server's database."""

import threading
from collections.abc import Callable
from contextlib import suppress

import duckdb

from augursql.database.session import Session
from augursql.errors import AugurError, UnsupportedError
from augursql.frontends.quack.permission import check_reading, check_server, check_types
from augursql.frontends.quack.scans import check_scan
from augursql.frontends.quack.users import User
from augursql.masking import masked
from augursql.planner.lexer import literal
from augursql.planner.scan import speaks_augur


class Progress:
    """A Monitor that keeps the numbers, for who asks."""

    def __init__(self) -> None:
        self._label, self._total, self._done = "", 0, 0
        self._lock = threading.Lock()

    def begin(self, label: str, total: int | None) -> None:
        with self._lock:
            self._label, self._total, self._done = label, total or 0, 0

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count

    def end(self) -> None:
        """What is shown stays until the next statement begins."""

    def check(self) -> None:
        return None

    def told(self) -> str:
        """How far it is: 'embedding 1,024 of 4,096 texts'."""
        with self._lock:
            of = f" of {self._total:,}" if self._total else ""
            return f"{self._label} {self._done:,}{of} texts".strip() if self._done else ""


class Client:
    """One connection of a client, by Quack's id of it."""

    def __init__(self, id: str, user: User | None, session: Session, progress: Progress) -> None:
        self._id = id
        self._user = user
        self._session = session
        self._progress = progress
        self._lock = threading.Lock()

    def relay(self, sql: str) -> str:
        """What DuckDB runs on the client's connection in place of its text. Raises AugurError and
        duckdb.Error for what is wrong with it."""
        user = self._user
        check_server(sql)
        if user is not None and user.read_only:
            check_reading(sql, user.name)
        if not speaks_augur(sql):
            check_scan(self._session.connection, sql)
        with self._lock:
            self._progress.begin("", None)
            name = user.name if user is not None else ""
            self._session.running.begin(
                self._id, name, masked(sql), self._session.interrupt, self._progress.told
            )
            given = self._session.relayed(sql)
        if user is not None and user.read_only:
            check_types(self._session.connection, given, user.name)
        return given

    def finish(self) -> None:
        """Called now and then while the client runs nothing."""
        if self._lock.acquire(blocking=False):
            try:
                self._session.running.end(self._id)
                with suppress(AugurError, duckdb.Error):
                    self._session.finish()
            finally:
                self._lock.release()

    def cancel(self) -> None:
        """Ends what the client runs, if that is ours."""
        self._session.interrupt()

    def close(self) -> None:
        self._session.running.end(self._id)
        with self._lock:
            self._session.close()


class Clients:
    """Makes a client when its first statement comes, and lets go of it when it has gone.

    `user_of` tells who connected, by Quack's id of the connection.
    """

    def __init__(self, session: Session, user_of: Callable[[str], User | None]) -> None:
        self._session = session
        self._user_of = user_of
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._stopping = False

    def relay(self, id: str, sql: str) -> str:
        """What DuckDB runs for the client; where the text is wrong, a query that says so."""
        try:
            if self._stopping:
                raise UnsupportedError("The server is stopping.", hint="Connect again later.")
            return self._client(id).relay(sql)
        except (AugurError, duckdb.Error) as error:
            return error_sql(str(error))

    def settle(self, present: dict[str, bool]) -> None:
        """Tells who is still connected, and whether a statement of theirs runs."""
        with self._lock:
            gone = [id for id in self._clients if id not in present]
            closing = [self._clients.pop(id) for id in gone]
            idle = [client for id, client in self._clients.items() if not present[id]]
        for client in closing:
            client.close()
        for client in idle:
            client.finish()

    def refuse(self) -> None:
        """From now on no statement begins."""
        self._stopping = True

    def cancel(self) -> None:
        """Cancels what runs."""
        for client in list(self._clients.values()):
            client.cancel()

    def close(self) -> None:
        self.refuse()
        self.settle({})

    def _client(self, id: str) -> Client:
        with self._lock:
            if id not in self._clients:
                user, progress = self._user_of(id), Progress()
                settings = user.settings if user is not None else {}
                session = self._session.beside(progress, settings)
                self._clients[id] = Client(id, user, session, progress)
            return self._clients[id]


def error_sql(text: str) -> str:
    """A query that fails with this text. DuckDB points into a text that it reads constants from:
    a value of a table has no such place."""
    return f"SELECT error(e.message) FROM (VALUES ({literal(text)})) e(message)"
