"""An index in memory: its vectors, which text is which entry, and a retriever over them."""

import re
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.database.catalog import IndexRow, quoted
from augursql.engine.retrieval.neighbours import Retriever
from augursql.errors import StorageError
from augursql.planner.emit import document_sql_for_columns
from augursql.planner.lexer import literal

# Neither vectors nor bytes, which say nothing as text.
_PLAIN = re.compile(r"(?!BLOB|BIT)[^\[\]]*")
Vectors = npt.NDArray[np.float32]


@dataclass
class LoadedIndex:
    """One version of an index, ready for search.

    `vectors` is float32 [entries, dimensions]; `entry_of` maps the 16-byte content hash of a text
    to its entry. `retriever` searches all entries.
    """

    row: IndexRow
    vectors: Vectors
    entry_of: dict[bytes, int]
    retriever: Retriever
    _texts: pa.ChunkedArray | None = None
    _documents: pa.Array | None = None

    def texts(self, connection: duckdb.DuckDBPyConnection) -> pa.ChunkedArray:
        """The distinct texts, by entry: string [entries]."""
        if self._texts is None:
            table = connection.sql(
                f"SELECT text FROM {self.row.entries_table} ORDER BY entry"
            ).to_arrow_table()
            self._texts = table.column(0).cast(pa.large_string()).combine_chunks()
        return self._texts

    def documents(self, connection: duckdb.DuckDBPyConnection) -> pa.Array:
        """The first row of each distinct text as a text: string [entries], a line for each column
        that holds a plain value.
        """
        if self._documents is None:
            described = connection.execute(f"DESCRIBE FROM {self.row.rows_table}").fetchall()
            columns = [
                str(name)
                for name, type_, *_ in described
                if not str(name).startswith("__augur_") and _PLAIN.fullmatch(str(type_))
            ]
            document = document_sql_for_columns(columns)
            if len(columns) == 1:
                document = f"{literal(f'{columns[0]}: ')} || {document}"
            table = connection.sql(
                f"SELECT coalesce(arg_min({document}, __augur_row), '') AS document "
                f"FROM {self.row.rows_table} WHERE __augur_entry IS NOT NULL "
                "GROUP BY __augur_entry ORDER BY __augur_entry"
            ).to_arrow_table()
            self._documents = table.column(0).cast(pa.large_string()).combine_chunks()
        return self._documents

    def labels(self, connection: duckdb.DuckDBPyConnection, target: str) -> pa.Table:
        """The labelled rows: columns `entry` int64 and `label` in the target's own type."""
        return connection.sql(
            f"SELECT __augur_entry AS entry, {quoted(target)} AS label FROM {self.row.rows_table} "
            f"WHERE __augur_entry IS NOT NULL AND {quoted(target)} IS NOT NULL "
            "ORDER BY __augur_row"
        ).to_arrow_table()

    def matching_rows(
        self, connection: duckdb.DuckDBPyConnection, condition: str | None
    ) -> pa.Table:
        """Rows that satisfy an SQL condition: columns `row` and `entry`, int64, by entry."""
        where = f" AND ({condition})" if condition else ""
        return connection.sql(
            f"SELECT __augur_row AS row, __augur_entry AS entry FROM {self.row.rows_table} "
            f"WHERE __augur_entry IS NOT NULL{where} ORDER BY __augur_entry, __augur_row"
        ).to_arrow_table()


def load_vectors(
    connection: duckdb.DuckDBPyConnection, row: IndexRow
) -> tuple[Vectors, dict[bytes, int]]:
    """Reads an index's vectors and content hashes, streaming, into one matrix.

    Raises StorageError when stored embeddings are missing.
    """
    vectors = np.empty((row.entries, row.dimensions), dtype=np.float32)
    entry_of: dict[bytes, int] = {}
    if row.entries == 0:
        return vectors, entry_of
    reader = connection.sql(
        f"SELECT e.entry, e.hash, m.vector FROM {row.entries_table} e "
        f"JOIN {row.embeddings_table} m ON m.hash = e.hash"
    ).to_arrow_reader(65_536)
    for batch in reader:
        entries = batch.column(0).to_numpy()
        flat = batch.column(2).flatten().to_numpy(zero_copy_only=False)
        vectors[entries] = flat.reshape(len(entries), row.dimensions)
        entry_of.update(zip(batch.column(1).to_pylist(), entries.tolist(), strict=True))
    if len(entry_of) != row.entries:
        raise StorageError(
            f'The index "{row.name}" has {row.entries} texts but {len(entry_of)} embeddings.',
            hint=f"Repair it with REFRESH INDEX {quoted(row.name)}.",
        )
    return vectors, entry_of
