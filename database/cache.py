"""The prediction cache: what models have computed, in the table `augur.cache`, for later sessions.

It is read and written through a second connection, in transactions of its own: so what a statement
has computed outlives the statement, also when that is killed or rolled back. A database in memory
has none; for one that was opened read-only it lies in a file beside it. Whatever goes wrong here,
statements go on without it.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np

from augursql.database.cachetable import CacheTable, Prefixes, Row, prefixes_of
from augursql.database.catalog import Catalog, first_line, quoted
from augursql.database.transactions import in_transaction
from augursql.settings import Settings
from augursql.udfs.stored import Stored

SECONDS_BETWEEN_WRITES = 1.0
MOST_PENDING = 8_192
# Statements of one text each, in a loop, do not wait for the disk each time.
FEW_PENDING = 32
# A write that fails for want of space makes DuckDB close the whole database.
LEAST_FREE_BYTES = 256_000_000
# How exactly the last use is known: a cache that is only read is hardly ever written.
USED_WITHIN_S = 3_600


class Cache:
    """A `udfs.stored.Store` in a database; thread-safe. `tell` takes a line for the user.

    `begin` is called before a statement and `flush` after it, on the session's thread.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        tell: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._tell = tell
        self._lock = threading.Lock()
        self._usable = catalog.file is not None
        self._table: CacheTable | None = None
        self._exists = self._may_create = self._looked = self._disk_full = False
        self._rows = 0
        self._known: dict[str, Prefixes] = {}
        self._capacity = 0
        self._pending: list[Row] = []
        self._used: set[tuple[str, bytes]] = set()
        self._written_at = 0.0

    def begin(self, settings: Settings) -> None:
        """Gets ready for a statement with these settings."""
        self._capacity = settings.cache_mb * 1_000_000
        if not self._usable or settings.cache == "off":
            return
        with self._lock, self._safely():
            self._looked = False
            if self._table is None:
                self._table = self._opened()
            if not self._exists:
                # Inside the user's transaction, creating the schema here would stand in the way of
                # a CREATE INDEX there.
                inside = not self._catalog.read_only and in_transaction(self._connection)
                self._may_create = not inside

    def get_many(self, producer: str, keys: Sequence[bytes]) -> Stored:
        """What is known of distinct `keys`, in any order. No query where nothing is."""
        found = Stored()
        with self._lock, self._safely():
            if self._table is not None:
                self._look(self._table)
                asked = self._perhaps_known(self._table, producer, keys) if self._rows else []
                if asked:
                    found, old = self._table.fetch(producer, asked, USED_WITHIN_S)
                    self._used.update((producer, key) for key in old)
        return found

    def put_many(self, producer: str, stored: Stored) -> None:
        """Keeps results; while a statement runs they are written within about a second."""
        with self._lock, self._safely():
            if self._table is not None and self._capacity:
                columns = (stored.keys, stored.values, stored.tokens, stored.truncated)
                self._pending += [(producer, *row) for row in zip(*columns, strict=True)]
                self._write_if_due(self._table)

    def flush(self) -> None:
        """Writes what a statement has left: all but a few rows right after another write."""
        if not self._pending and not self._used:
            return
        with self._lock, self._safely():
            if self._table is not None:
                self._write_if_due(self._table, FEW_PENDING)
                used, self._used = self._used, set()
                if used:
                    self._table.touch(list(used))

    def close(self) -> None:
        """Writes what is left, and lets go of the database."""
        with self._lock:
            if self._table is not None:
                with self._safely():
                    self._write(self._table)
            if self._table is not None:
                self._table.close()
                self._table = None

    def _opened(self) -> CacheTable | None:
        """The table on a second connection, or in the side file; None where it cannot be had."""
        database = self._catalog.database
        kind, encrypted = self._connection.execute(
            "SELECT type, encrypted FROM duckdb_databases() WHERE database_name = ?", [database]
        ).fetchall()[0]
        if kind == "duckdb" and not self._catalog.read_only:
            return CacheTable(self._connection.cursor(), f"{quoted(database)}.augur")
        # What is encrypted does not go into a plain file beside it.
        side = None if encrypted or kind != "duckdb" else self._side_file()
        if side is None:
            self._usable = False
            return None
        return CacheTable(side, '"cache".augur')

    def _side_file(self) -> duckdb.DuckDBPyConnection | None:
        """A connection to the side file; None where it is another process's or cannot be."""
        folder = Path(f"{self._catalog.file}.augur")
        file = folder / "cache.duckdb"
        try:
            folder.mkdir(exist_ok=True)
        except OSError:
            return None
        if not os.access(file if file.exists() else folder, os.W_OK):
            return None
        config: dict[str, str] = {"storage_compatibility_version": "v1.5.0", "threads": "1"}
        try:
            return duckdb.connect(str(file), config=dict(config))
        except duckdb.IOException as error:
            if "lock" in str(error):
                return None
            raise

    def _look(self, table: CacheTable) -> None:
        """Once in a statement: is the table there, and has it changed since it was read?"""
        if self._looked:
            return
        rows = table.rows()
        self._exists, self._looked = rows is not None, True
        if rows != self._rows:
            self._known.clear()
            self._rows = rows or 0

    def _perhaps_known(
        self, table: CacheTable, producer: str, keys: Sequence[bytes]
    ) -> list[bytes]:
        """The keys whose first 8 bytes are in the table: almost surely those that are."""
        known = self._known.get(producer)
        if known is None:
            known = self._known[producer] = table.prefixes(producer)
        if not len(known):
            return []
        asked = prefixes_of(keys)
        places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        return [keys[i] for i in np.flatnonzero(known[places] == asked).tolist()]

    def _write_if_due(self, table: CacheTable, most: int = MOST_PENDING) -> None:
        due = time.monotonic() - self._written_at > SECONDS_BETWEEN_WRITES
        if due or len(self._pending) >= most:
            self._write(table)

    def _write(self, table: CacheTable) -> None:
        self._look(table)
        if not self._pending or not (self._exists or self._may_create):
            self._pending = self._pending[-MOST_PENDING:]
            return
        if self._no_space():
            self._pending.clear()
            return
        if not self._exists:
            table.create()
            self._exists = True
        table.insert(self._pending)
        self._pending.clear()
        self._written_at = time.monotonic()
        table.evict(self._capacity)

    def _no_space(self) -> bool:
        """Whether the disk is nearly full; told once."""
        free = shutil.disk_usage(Path(str(self._catalog.file)).parent).free
        if free < LEAST_FREE_BYTES and not self._disk_full:
            needed = LEAST_FREE_BYTES // 1_000_000
            self._disk_full = True
            self._tell(f"The prediction cache is not written: under {needed} MB of disk are free.")
        return free < LEAST_FREE_BYTES

    @contextmanager
    def _safely(self) -> Iterator[None]:
        """No statement fails because of its cache."""
        try:
            yield
        except duckdb.TransactionException:
            # Another transaction has changed the same, or the user's is to be rolled back: later.
            self._pending = self._pending[-MOST_PENDING:]
        except (duckdb.Error, OSError) as error:
            self._usable, self._table = False, None
            self._pending.clear()
            self._tell(f"This session goes on without its prediction cache: {first_line(error)}")
