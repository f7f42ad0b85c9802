"""Builds an index: embeds what is new, then writes the snapshot, all or nothing.

Embeddings are committed as they are made, by content hash, before the index exists. So a build that
was killed goes on from what it had, and REFRESH embeds only texts it has not seen.
"""

import time
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from augursql.database.catalog import Catalog, IndexRow, embeddings_table, first_line, quoted
from augursql.database.transactions import atomic
from augursql.engine.inference.encoder import Encoder
from augursql.errors import InterruptedStatementError, StorageError
from augursql.types import Monitor
from augursql.udfs.chunk import vectors_array

FIRST_BATCH = 512
LARGEST_BATCH = 8_192
SECONDS_BETWEEN_COMMITS = 4.0


@dataclass(frozen=True, slots=True)
class Source:
    """What is indexed: a table as SQL text, and the SQL expression of a row's document."""

    table: str
    document: str

    @property
    def rows(self) -> str:
        """The table's rows with their documents, as SQL text."""
        return f"(SELECT *, {self.document} AS __augur_text FROM {self.table})"

    @property
    def fingerprint(self) -> str:
        """An SQL query for a value that changes whenever a row does (up to hash collisions)."""
        return (
            "SELECT count(*)::VARCHAR || '-' || "
            "coalesce(sum(hash(__augur_row)::HUGEINT), 0)::VARCHAR "
            f"FROM {self.table} AS __augur_row"
        )


class IndexBuilder:
    """Writes indexes into one database."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, monitor: Monitor
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._monitor = monitor

    def build(
        self, index: IndexRow, source: Source, encoder: Encoder, replaced: IndexRow | None = None
    ) -> IndexRow:
        """Embeds and writes `index`; `replaced` is dropped in the same transaction.

        Raises StorageError when the database cannot be written; nothing of the index is left then
        but embeddings, which the next attempt uses; so, too, when a cancel comes while it writes.
        """
        store = embeddings_table(index.schema, index.digest, index.dtype)
        try:
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {store} "
                f"(hash BLOB NOT NULL, vector FLOAT[{index.dimensions}] NOT NULL)"
            )
            self._embed_missing(source, store, encoder)
            with atomic(self._connection):
                written = self._write(index, source, encoder, store)
                if replaced is not None and replaced.id != index.id:
                    self._catalog.drop_index(replaced)
                elif replaced is not None:
                    self._catalog.prune_embeddings(written)
                return written
        except duckdb.InterruptException:
            raise InterruptedStatementError("The statement was cancelled.") from None
        except duckdb.Error as error:
            raise StorageError(
                f'The index "{index.name}" could not be written: {first_line(error)}',
                hint="Nothing was changed; what was embedded is kept for the next attempt.",
            ) from error

    def _write(self, index: IndexRow, source: Source, encoder: Encoder, store: str) -> IndexRow:
        run = self._connection.execute
        # Rows may have come in while the others were embedded: inside the transaction no more do.
        self._embed_missing(source, store, encoder)
        run(
            f"CREATE OR REPLACE TABLE {index.entries_table} AS "
            "SELECT row_number() OVER (ORDER BY hash) - 1 AS entry, hash, text FROM "
            "(SELECT DISTINCT unhex(sha256(__augur_text))[1:16] AS hash, __augur_text AS text "
            f"FROM {source.rows} WHERE __augur_text IS NOT NULL)"
        )
        run(
            f"CREATE OR REPLACE TABLE {index.rows_table} AS "
            "SELECT row_number() OVER () - 1 AS __augur_row, e.entry AS __augur_entry, "
            f"t.* EXCLUDE (__augur_text) FROM {source.rows} AS t "
            f"LEFT JOIN {index.entries_table} AS e ON e.text = t.__augur_text"
        )
        rows, entries = (
            run(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in (index.rows_table, index.entries_table)
        )
        fingerprint = run(source.fingerprint).fetchall()[0][0]
        written = replace(index, rows=rows, entries=entries, fingerprint=fingerprint)
        self._catalog.put_index(written)
        return written

    def _embed_missing(self, source: Source, store: str, encoder: Encoder) -> None:
        # In the order of their hashes texts of all lengths are mixed, so that progress is even.
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE augur_missing AS "
            "SELECT row_number() OVER (ORDER BY hash) - 1 AS n, hash, text FROM "
            "(SELECT DISTINCT unhex(sha256(__augur_text))[1:16] AS hash, __augur_text AS text "
            f"FROM {source.rows} WHERE __augur_text IS NOT NULL) AS t "
            f"ANTI JOIN {store} AS s ON s.hash = t.hash"
        )
        total = self._connection.execute("SELECT count(*) FROM augur_missing").fetchall()[0][0]
        if total:
            self._monitor.begin("embedding", total)
            try:
                self._embed_batches(store, encoder, total)
            finally:
                self._monitor.end()
        self._connection.execute("DROP TABLE IF EXISTS temp.augur_missing")

    def _embed_batches(self, store: str, encoder: Encoder, total: int) -> None:
        first, size = 0, FIRST_BATCH
        while first < total:
            started = time.monotonic()
            batch = self._connection.sql(
                f"SELECT hash, text FROM augur_missing WHERE n >= {first} AND n < {first + size}"
            ).to_arrow_table()
            encoding = encoder.encode(batch.column("text").to_pylist(), self._monitor)
            made = pa.table(
                {"hash": batch.column("hash"), "vector": vectors_array(encoding.vectors)}
            )
            self._connection.register("augur_made", made)
            try:
                self._connection.execute(f"INSERT INTO {store} SELECT hash, vector FROM augur_made")
            finally:
                self._connection.unregister("augur_made")
            first += size
            if time.monotonic() - started < SECONDS_BETWEEN_COMMITS / 2:
                size = min(size * 2, LARGEST_BATCH)


def missing_rows(connection: duckdb.DuckDBPyConnection, index: IndexRow, source: Source) -> int:
    """How many of the table's rows the index lacks: 0 when nothing has changed.

    Raises duckdb.Error when the table is gone or has other columns now.
    """
    if connection.execute(source.fingerprint).fetchall()[0][0] == index.fingerprint:
        return 0
    columns = ", ".join(
        quoted(str(row[0]))
        for row in connection.execute(f"DESCRIBE SELECT * FROM {source.table}").fetchall()
    )
    found = connection.execute(
        f"SELECT count(*) FROM (SELECT {columns} FROM {source.table} "
        f"EXCEPT ALL SELECT {columns} FROM {index.rows_table})"
    ).fetchall()
    return int(found[0][0])
