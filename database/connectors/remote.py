"""An attached source: its connections, its tables, and what is written to them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from augursql.database.connectors.columns import Described, described
from augursql.database.connectors.drivers import Target, connect
from augursql.errors import AugurError, SourceError
from augursql.masking import without

Name = tuple[str, str]  # schema and table; '' for a schema where the source has none

_NOT_SHOWN = ("information_schema", "pg_catalog")
# Small batches let a query stop early; a driver's own default may be a whole table.
_READING = {"postgresql": {"adbc.postgresql.batch_size_hint_bytes": str(1 << 20)}}


class Remote:
    """Connections to one source. Scans read at the same time, each on a connection of its own."""

    def __init__(self, target: Target, only_schema: str | None = None) -> None:
        self.target = target
        self._only_schema = only_schema
        self._first = connect(target)
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self.default_schema = self._current("adbc_current_db_schema")

    def names(self) -> list[Name]:
        """The tables and views of the source."""
        with self._told():
            objects = self._first.adbc_get_objects(
                depth="tables",
                catalog_filter=self._current("adbc_current_catalog") or None,
                db_schema_filter=self._only_schema,
            ).read_all()
        found = list[Name]()
        for catalog in objects.to_pylist():
            for schema in catalog["catalog_db_schemas"] or ():
                name = schema["db_schema_name"] or ""
                tables = schema["db_schema_tables"] or ()
                if name.lower() not in _NOT_SHOWN:
                    found += [(name, t["table_name"]) for t in tables if _has_rows(t["table_type"])]
        return found

    def describe(self, name: Name) -> Described:
        """A table's columns. Raises SourceError."""
        parts = tuple(part for part in name if part)
        with self._told(), self._first.cursor() as cursor:
            return described(cursor, parts, self.target.dialect)

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The batches of a query as the source sends them. Raises SourceError."""
        connection, whole = self._take(), False
        try:
            with (
                self._told(),
                connection.cursor(adbc_stmt_kwargs=_READING.get(self.target.driver)) as cursor,
            ):
                cursor.execute(sql)
                with cursor.fetch_record_batch() as reader:
                    yield from reader
                whole = True
        finally:
            # What was not read to its end may still be on its way.
            self._give_back(connection) if whole else connection.close()

    def write(self, name: Name, batches: pa.RecordBatchReader, mode: str) -> int:
        """Writes rows in one transaction; how many. `mode`: 'append', 'create' or 'replace'."""
        connection = self._take()
        try:
            with self._told("Types that ADBC cannot write, DuckDB's own extension may."):
                connection.adbc_connection.set_autocommit(False)
                with connection.cursor() as cursor:
                    rows = cursor.adbc_ingest(
                        name[1], batches, mode=mode, db_schema_name=name[0] or None
                    )
                connection.commit()
                return int(rows)
        finally:
            connection.close()

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            self._first.close()

    def _take(self) -> Any:
        with self._lock, self._told():
            if self._idle:
                return self._idle.pop()
            connection = self._first.adbc_clone()
            connection.adbc_connection.set_autocommit(True)
            return connection

    def _give_back(self, connection: Any) -> None:
        with self._lock:
            self._idle.append(connection)

    def _current(self, what: str) -> str:
        """The current catalog or schema, '' where a source has none."""
        try:
            return str(getattr(self._first, what))
        except self._first.Error:
            return ""

    @contextmanager
    def _told(self, hint: str = "") -> Iterator[None]:
        """Raises what a driver reports as a SourceError without the source's secrets."""
        try:
            yield
        except AugurError:
            raise
        except (self._first.Error, pa.ArrowException, OSError) as error:
            told = without(str(error).strip(), self.target.secrets)
            raise SourceError(f"The source reports: {told}", hint=hint) from None


def _has_rows(table_type: str) -> bool:
    return any(word in table_type.lower() for word in ("table", "view"))
