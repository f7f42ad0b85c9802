"""The statements that run on a server, and how to cancel one: `augur_running`, `augur_cancel`."""

import itertools
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import duckdb

from augursql.masking import masked
from augursql.udfs.rowwise import register_rowwise

COLUMNS = {
    "id": "BIGINT",
    "user": "VARCHAR",
    "statement": "VARCHAR",
    "seconds": "DOUBLE",
    "progress": "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class RunningStatement:
    """One statement of one client. `cancel` ends it; `progress` tells how far it is, in words."""

    id: int
    client: str
    user: str
    sql: str
    began: float
    cancel: Callable[[], None]
    progress: Callable[[], str]


class Running:
    """Shared by the sessions of a database; thread-safe. A client runs one statement at a time.

    `alive` tells which clients are busy, where someone knows.
    """

    def __init__(self) -> None:
        self.alive: Callable[[], Collection[str]] | None = None
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._statements: dict[str, RunningStatement] = {}

    def begin(
        self,
        client: str,
        user: str,
        sql: str,
        cancel: Callable[[], None],
        progress: Callable[[], str],
    ) -> None:
        """Notes a client's statement; the one before it has ended."""
        with self._lock:
            self._statements[client] = RunningStatement(
                next(self._ids), client, user, sql, time.monotonic(), cancel, progress
            )

    def end(self, client: str, before: float = math.inf) -> None:
        """The client's statement has ended, if it began before that time of the monotonic clock."""
        with self._lock:
            if client in self._statements and self._statements[client].began < before:
                del self._statements[client]

    def statements(self) -> list[RunningStatement]:
        """What runs now, the oldest first."""
        alive = self.alive() if self.alive is not None else None
        with self._lock:
            found = [s for s in self._statements.values() if alive is None or s.client in alive]
        return sorted(found, key=lambda statement: statement.id)

    def rows(self) -> list[tuple[int, str, str, float, str]]:
        """`statements` as rows of COLUMNS, without their secrets."""
        now = time.monotonic()
        return [
            (s.id, s.user, masked(s.sql), round(now - s.began, 1), s.progress())
            for s in self.statements()
        ]

    def cancel(self, number: int) -> bool:
        """Cancels a statement; False where none of that number runs."""
        for statement in self.statements():
            with self._lock:  # Its client may run the next one by now.
                if statement.id == number and self._statements.get(statement.client) == statement:
                    statement.cancel()
                    return True
        return False

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes `augur_cancel(id)` callable on every connection of the database."""
        register_rowwise(connection, "augur_cancel", ["BIGINT"], "BOOLEAN", self.cancel)
