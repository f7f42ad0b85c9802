"""A database served to DuckDB shells: one process, many clients."""

import logging
import os
import re
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from augursql.database.session import Session
from augursql.errors import InvalidValueError, StorageError
from augursql.frontends.quack.clients import Clients
from augursql.frontends.quack.extension import load
from augursql.frontends.quack.users import ANYBODY, User
from augursql.planner.lexer import literal, quoted
from augursql.udfs.rowwise import register_rowwise

PORT = 9494
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHORTEST_TOKEN = 4
LOOKS_EVERY = 1.0

# What bash reads inside of double quotes.
_IN_QUOTES, _BACKSLASH = re.compile(r'[\\$"`]'), r"\\\g<0>"
_TAKEN = ("memory", "system", "temp")

_log = logging.getLogger(__name__)


class Server:
    """Serves from `start` to `stop`. `token` is what clients connect with, unless there are users.

    Without `external_access` clients read and write no files and attach no databases.

    Raises UnsupportedError without Quack's extension, InvalidValueError for a host other than this
    machine without users, StorageError for a database that cannot be opened or a port in use.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = ":memory:",
        *,
        port: int = PORT,
        host: str = "localhost",
        token: str | None = None,
        users: list[User] | None = None,
        read_only: bool = False,
        external_access: bool = True,
        config: Mapping[str, Any] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        if host not in LOOPBACK and not users:
            raise InvalidValueError(
                f'Without users, the server is for this machine only, and "{host}" is more.',
                hint="Name users and their tokens in a file: augur serve --users FILE.",
            )
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise InvalidValueError(f"A token has {SHORTEST_TOKEN} characters or more.")
        path = os.fspath(path)
        self.host, self.port = host, _free_port(host, port)
        self.token = token or secrets.token_hex(16)
        self._users = list(users or ())
        self._mark = secrets.token_hex(8)
        self._connected: dict[str, User] = {}
        self._seen = set[str]()
        self._stopped, self._stopping = threading.Event(), threading.Lock()
        self._session = Session(
            path,
            read_only=read_only,
            config={"python_enable_replacements": False, **(config or {})},
            settings=settings,
        )
        try:
            load(self._session.connection)
            name = Path(path).stem if path != ":memory:" else "augur"
            self._name = _name(self._session.connection, name)
            if not external_access:  # Not before: extensions are files, too.
                self._session.connection.execute("SET enable_external_access = false")
            # A connection of its own: hooks, which run on Quack's threads, leave this one alone.
            self._own = self._session.beside()
        except BaseException:
            self._session.close()
            raise
        try:
            self._clients = Clients(self._session, self._user)
            self._start()
        except BaseException:
            self._own.close()
            self._session.close()
            raise
        self._looking = threading.Thread(target=self._look, name="augur-quack", daemon=True)
        self._looking.start()

    @property
    def uri(self) -> str:
        """What `ATTACH` takes: 'quack:localhost:9494'."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"quack:{host}:{self.port}"

    @property
    def line(self) -> str:
        """A command line that opens the DuckDB shell on the database."""
        token = literal("YOUR TOKEN" if self._users else self.token)
        attach = f"ATTACH '{self.uri}' AS {self._name} (TOKEN {token})"
        statements = f"{attach}; USE {self._name}"
        if "!" in statements:  # Between double quotes, bash may take it for its history.
            return f"duckdb -cmd {shlex.quote(statements)}"
        return f'duckdb -cmd "{_IN_QUOTES.sub(_BACKSLASH, statements)}"'

    def wait(self) -> None:
        """Returns when the server has stopped."""
        self._stopped.wait()

    def stop(self, patience: float = 5.0) -> None:
        """Lets what runs finish for `patience` seconds, cancels the rest, writes all and closes."""
        with self._stopping:
            if self._stopped.is_set():
                return
            self._clients.refuse()
            self._until_idle(patience)
            self._clients.cancel()
            self._until_idle(patience)
            connection = self._session.connection
            with suppress(duckdb.Error):
                connection.execute(f"CALL quack_stop({literal(self.uri)})").fetchall()
            self._stopped.set()
            self._looking.join()
            self._clients.close()
            self._own.close()
            try:
                connection.execute("CHECKPOINT")
            except duckdb.Error as error:
                # Nothing is lost: who opens the database next reads its log.
                _log.warning("the database could not be checkpointed: %s", error)
            self._session.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _start(self) -> None:
        connection = self._session.connection
        text, mark = "VARCHAR", self._mark  # Whoever knows their names may call them.
        register_rowwise(
            connection, f"augur_authenticate_{mark}", [text] * 3, "BOOLEAN", self._authenticate
        )
        register_rowwise(
            connection, f"augur_authorize_{mark}", [text] * 2, text, self._clients.relay
        )
        self._session.running.register(connection)
        self._session.running.alive = self._busy
        connection.execute(
            f"SET GLOBAL quack_authorization_function = 'augur_authorize_{mark}';"
            f"SET GLOBAL quack_authentication_function = 'augur_authenticate_{mark}'"
        )
        elsewhere = str(self.host not in LOOPBACK).lower()
        try:
            connection.execute(
                f"CALL quack_serve({literal(self.uri)}, token = {literal(self.token)}, "
                f"allow_other_hostname = {elsewhere})"
            ).fetchall()
        except duckdb.Error as error:
            raise _cannot_listen(self.host, self.port, error) from error

    def _authenticate(self, id: str, token: str, _: str) -> bool:
        if not self._users:
            return secrets.compare_digest(token.encode(), self.token.encode())
        user = next((user for user in self._users if user.owns(token)), None)
        if user is None:
            return False
        self._connected[id] = user
        return True

    def _user(self, id: str) -> User | None:
        """Who a connection belongs to; None where the server has users and this is none of them."""
        return self._connected.get(id) if self._users else ANYBODY

    def _busy(self) -> list[str]:
        """The clients of which a statement runs."""
        return [*self._clients.relaying, *(id for id, busy in self._present().items() if busy)]

    def _present(self) -> dict[str, bool]:
        """Quack's connections, and whether a statement of theirs runs."""
        cursor = self._own.connection.cursor()
        try:
            found = cursor.execute(
                "SELECT connection_id, state FROM quack_active_connections()"
            ).fetchall()
        finally:
            cursor.close()
        return {str(id): state == "active" for id, state in found}

    def _look(self) -> None:
        """Lets go of clients that have left, and has the idle ones write what they kept."""
        while not self._stopped.wait(LOOKS_EVERY):
            known, connected = self._clients.known(), list(self._connected)
            asked = time.monotonic()
            try:
                present = self._present()
                self._clients.settle(present, known, asked)
                # Who has connected, and not said a word yet, is not among those present.
                self._seen |= present.keys()
                for id in connected:
                    if id in self._seen and id not in present:
                        self._connected.pop(id, None)
                self._seen &= present.keys()
            except Exception:  # Of one look; the next one comes, whatever went wrong.
                _log.exception("what clients have left could not be settled")

    def _until_idle(self, patience: float) -> None:
        end = time.monotonic() + patience
        with suppress(duckdb.Error):
            while time.monotonic() < end and self._busy():
                time.sleep(0.05)


def _free_port(host: str, port: int) -> int:
    """The port, which may be 0 for any, if nobody listens there. Raises StorageError.

    Quack would share it with another server, and each would get some of the clients.
    """
    if not 0 <= port <= 65_535:
        raise InvalidValueError(f"There is no port {port}.", hint="Ports are 1 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0]) as listening:
            if port:  # A server that has just ended leaves its port waiting for a while.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
            return int(listening.getsockname()[1])
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: Exception) -> StorageError:
    return StorageError(
        f"The server cannot listen on {host}, port {port}: {error}",
        hint="Choose another with --quack; --quack 0 takes a free one.",
    )


def _name(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """A database's name as SQL, quoted where it has to be; the shell has some of its own."""
    name = f"augur_{name}" if name.lower() in _TAKEN else name
    reserved = connection.execute(
        "SELECT count(*) FROM duckdb_keywords() "
        "WHERE keyword_name = lower(?) AND keyword_category <> 'unreserved'",
        [name],
    ).fetchall()
    simple = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None
    return name if simple and reserved == [(0,)] else quoted(name)
