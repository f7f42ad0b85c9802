"""The clients of a server: each has a session of its own on the server's database."""

import logging
import math
import re
import threading
from collections.abc import Callable, Collection
from contextlib import suppress

import duckdb

from augursql.database.session import Session
from augursql.errors import AugurError, UnsupportedError
from augursql.frontends.quack.permission import check_reading, check_server, check_types
from augursql.frontends.quack.progress import Progress
from augursql.frontends.quack.scans import check_scan
from augursql.frontends.quack.users import User
from augursql.planner.lexer import literal
from augursql.planner.scan import speaks_augur

# What Quack sends with each batch of rows to append; of its answer, only a refusal counts.
_APPENDS = re.compile(r"INSERT INTO \S+ VALUES \(NULL(?:, NULL)*\)")
_SPARE = 8

_log = logging.getLogger(__name__)


class Client:
    """One connection of a client, by Quack's id of it."""

    def __init__(self, id: str, user: User, session: Session, progress: Progress) -> None:
        self.id = id
        self.session = session
        self.progress = progress
        self.user = user
        self._lock = threading.Lock()

    @property
    def relaying(self) -> bool:
        """Whether its statement is still being planned or carried out by its session."""
        return self._lock.locked()

    def relay(self, sql: str) -> str:
        """What DuckDB runs on the client's connection in place of its text. Raises AugurError and
        duckdb.Error for what is wrong with it."""
        user, session = self.user, self.session
        check_server(sql)
        if user.read_only:
            check_reading(sql, user.name)
        with self._lock:
            if not speaks_augur(sql):
                check_scan(session.connection, sql)
            self.progress.begin("", None)
            session.running.begin(self.id, user.name, sql, session.interrupt, self.progress.told)
            given = session.relayed(sql)
            if user.read_only:
                check_types(session.connection, given, user.name)
            return given

    def finish(self, asked: float = math.inf) -> bool:
        """Called when the client ran nothing at a time of the monotonic clock; False where it does
        by now."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self.session.running.end(self.id, asked)
            with suppress(AugurError, duckdb.Error):
                self.session.finish()
            return True
        finally:
            self._lock.release()

    def close(self) -> None:
        """Ends what runs, and closes the session once it has."""
        self.session.interrupt()
        if self._lock.acquire(timeout=10):
            self.session.close()
        self.session.running.end(self.id)


class Clients:
    """Makes a client when its first statement comes, and lets go of it when it has gone.

    `user_of` tells who connected, by Quack's id of the connection; None: nobody who may.
    """

    def __init__(self, session: Session, user_of: Callable[[str], User | None]) -> None:
        self._session = session
        self._user_of = user_of
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._spare: list[Client] = []
        self._stopping = False

    def relay(self, id: str, sql: str) -> str | None:
        """What DuckDB runs for the client; where the text is wrong, a query that says so. None,
        which refuses, where Quack takes no other text."""
        try:
            if self._stopping:
                raise UnsupportedError("The server is stopping.", hint="Connect again later.")
            return self._client(id).relay(sql)
        except (AugurError, duckdb.Error) as error:
            told = str(error)
        except Exception:  # A client is not to see where in our files it happened.
            _log.exception("a statement could not be relayed")
            told = "AugurSQL failed at this statement; the server's log has the reason."
        return None if _APPENDS.fullmatch(sql) else error_sql(told)

    @property
    def relaying(self) -> list[str]:
        """The clients whose statements their sessions work on."""
        return [id for id, client in list(self._clients.items()) if client.relaying]

    def settle(self, present: dict[str, bool], known: Collection[str], asked: float) -> None:
        """Tells who is connected, and whether a statement of theirs runs; `known` are the clients
        that there were when this was `asked`."""
        with self._lock:
            gone = [id for id in known if id in self._clients and id not in present]
            leaving = [self._clients.pop(id) for id in gone]
            idle = [self._clients[id] for id in known if present.get(id) is False]
        for client in leaving:
            if client.finish() and len(self._spare) < _SPARE and client.session.as_new():
                self._spare.append(client)  # With its functions, which are never freed.
            else:
                threading.Thread(target=client.close, daemon=True).start()
        for client in idle:
            client.finish(asked)

    def known(self) -> list[str]:
        """The clients that there are."""
        return list(self._clients)

    def refuse(self) -> None:
        """From now on no statement begins."""
        self._stopping = True

    def cancel(self) -> None:
        """Cancels what runs."""
        for client in list(self._clients.values()):
            client.session.interrupt()

    def close(self) -> None:
        """Closes all sessions."""
        self.refuse()
        with self._lock:
            closing = [*self._clients.values(), *self._spare]
            self._clients, self._spare = {}, []
        for client in closing:
            client.close()

    def _client(self, id: str) -> Client:
        found = self._clients.get(id)
        if found is not None:
            return found
        user = self._user_of(id)
        if user is None:
            raise UnsupportedError("Who this is, is not known.", hint="Connect again.")
        try:
            spare = self._spare.pop()
        except IndexError:
            progress = Progress()
            session = self._session.beside(progress)
        else:
            session, progress = spare.session, spare.progress
        session.as_new(user.settings)
        with self._lock:
            return self._clients.setdefault(id, Client(id, user, session, progress))


def error_sql(text: str) -> str:
    """A query that fails with this text. DuckDB points into a text that it reads constants from:
    a value of a table has no such place."""
    return f"SELECT error(e.message) FROM (VALUES ({literal(text)})) e(message)"
