"""The catalog: what indexes and models exist, in tables of schema `augur` of the user's database.

A database that was opened read-only keeps what it may not write in an attached in-memory database;
what its file already holds stays readable. All methods work inside the caller's transaction.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from augursql.database import macros
from augursql.errors import StorageError

FORMAT = 1
MEMORY = "augur_memory"

TABLES = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.about (
    format INTEGER NOT NULL, database_id VARCHAR NOT NULL, indexes_made BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.models (
    name VARCHAR NOT NULL, source VARCHAR NOT NULL, revision VARCHAR NOT NULL,
    digest VARCHAR NOT NULL, dimensions INTEGER NOT NULL, created_at TIMESTAMPTZ NOT NULL,
    kind VARCHAR DEFAULT 'encoder', base VARCHAR DEFAULT '', options VARCHAR DEFAULT '{{}}');
CREATE TABLE IF NOT EXISTS {schema}.indexes (
    id BIGINT NOT NULL, name VARCHAR NOT NULL, version INTEGER NOT NULL,
    source VARCHAR NOT NULL, text_columns VARCHAR[] NOT NULL,
    model VARCHAR NOT NULL, digest VARCHAR NOT NULL, dtype VARCHAR NOT NULL,
    dimensions INTEGER NOT NULL, metric VARCHAR NOT NULL, m INTEGER NOT NULL,
    ef_construction INTEGER NOT NULL, rows BIGINT NOT NULL, entries BIGINT NOT NULL,
    fingerprint VARCHAR NOT NULL, created_at TIMESTAMPTZ NOT NULL,
    refreshed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.predictors (
    index_id BIGINT NOT NULL, index_version INTEGER NOT NULL, target VARCHAR NOT NULL,
    options VARCHAR NOT NULL, strategy VARCHAR NOT NULL, why VARCHAR NOT NULL,
    fitted BLOB NOT NULL, created_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.graphs (
    index_id BIGINT NOT NULL, index_version INTEGER NOT NULL, sha256 VARCHAR NOT NULL);
"""

# Databases of earlier versions, which knew encoders alone, get these with their next model.
LATER_MODEL_COLUMNS = {"kind": "'encoder'", "base": "''", "options": "'{}'"}


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A deployed model, as the catalog has it.

    `kind` is 'encoder', 'language' or 'adapter', whose `base` is another model's name; `options`
    are those of CREATE MODEL.
    """

    name: str
    source: str
    revision: str
    digest: str
    dimensions: int
    kind: str = "encoder"
    base: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """An index, as the catalog has it. `schema` is the SQL name of the schema that holds it."""

    schema: str
    id: int
    name: str
    version: int
    source: str
    text_columns: tuple[str, ...]
    model: str
    digest: str
    dtype: str
    dimensions: int
    metric: str
    m: int
    ef_construction: int
    rows: int
    entries: int
    fingerprint: str

    @property
    def rows_table(self) -> str:
        """The snapshot: all columns of the indexed table, `__augur_row` and `__augur_entry`."""
        return f"{self.schema}.rows_{self.id}"

    @property
    def entries_table(self) -> str:
        """The distinct texts: `entry`, `hash`, `text`."""
        return f"{self.schema}.entries_{self.id}"

    @property
    def embeddings_table(self) -> str:
        return embeddings_table(self.schema, self.digest, self.dtype)


def embeddings_table(schema: str, digest: str, dtype: str) -> str:
    """The vectors of one encoder in one precision by content hash, shared by its indexes."""
    return f"{schema}.embeddings_{digest}_{dtype}"


_MODEL = tuple(ModelRow.__dataclass_fields__)
INDEX_COLUMNS = (
    "id, name, version, source, text_columns, model, digest, dtype, dimensions, metric, m, "
    "ef_construction, rows, entries, fingerprint"
)


class Catalog:
    """Reads and writes the catalog tables of one open database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        name, path, read_only = connection.execute(
            "SELECT database_name, path, readonly FROM duckdb_databases() "
            "WHERE database_name = current_database()"
        ).fetchall()[0]
        self.database = str(name)
        self.file = str(path) if path else None
        self.read_only = bool(read_only)
        own = f"{quoted(self.database)}.augur"
        self._found = set[str]()
        self._columns: dict[tuple[str, int], tuple[tuple[str, str], ...]] = {}
        self.schema = f"{MEMORY}.augur" if self.read_only else own
        self._schemas = [self.schema, own] if self.read_only else [own]

    def forget(self) -> None:
        """Looks again for its tables: they may have been dropped, or rolled back."""
        self._found.clear()
        self._columns.clear()

    def create(self) -> None:
        """Creates the tables where they are missing. Raises StorageError when that fails."""
        if self._exists(self.schema):
            return
        try:
            if self.read_only:
                self._connection.execute(
                    f"ATTACH IF NOT EXISTS ':memory:' AS {MEMORY} (READ_WRITE)"
                )
            self._connection.execute(TABLES.format(schema=self.schema))
            self._connection.execute(
                f"INSERT INTO {self.schema}.about VALUES (?, ?, 0)", [FORMAT, uuid.uuid4().hex]
            )
            if not self.read_only:
                macros.create(self._connection, self.database)
        except duckdb.Error as error:
            raise StorageError(f"The catalog could not be written: {first_line(error)}") from error

    def database_id(self, schema: str) -> str:
        """A random name of this database, which ties graph files to it."""
        rows = self._connection.execute(f"SELECT database_id FROM {schema}.about").fetchall()
        return str(rows[0][0]) if rows else ""

    def indexes(self) -> list[IndexRow]:
        """All indexes, by name."""
        found: dict[str, IndexRow] = {}
        for schema in self._existing():
            for row in self._connection.execute(
                f"SELECT {INDEX_COLUMNS} FROM {schema}.indexes"
            ).fetchall():
                index = IndexRow(schema, *row)
                index = replace(index, text_columns=tuple(index.text_columns))
                found.setdefault(index.name.lower(), index)
        return [found[name] for name in sorted(found)]

    def index(self, name: str) -> IndexRow | None:
        """The index of that name, in any case."""
        return next((i for i in self.indexes() if i.name.lower() == name.lower()), None)

    def put_index(self, index: IndexRow) -> None:
        """Writes an index's row, in place of an older version's."""
        self._connection.execute(f"DELETE FROM {index.schema}.indexes WHERE id = ?", [index.id])
        self._connection.execute(
            f"INSERT INTO {index.schema}.indexes ({INDEX_COLUMNS}, created_at, refreshed_at) "
            f"VALUES ({', '.join('?' * 15)}, now(), now())",
            [
                index.id,
                index.name,
                index.version,
                index.source,
                list(index.text_columns),
                index.model,
                index.digest,
                index.dtype,
                index.dimensions,
                index.metric,
                index.m,
                index.ef_construction,
                index.rows,
                index.entries,
                index.fingerprint,
            ],
        )
        self._drop_derived(index)

    def drop_index(self, index: IndexRow) -> None:
        """Removes an index with its snapshot, and vectors that no other index needs."""
        schema = index.schema
        self._connection.execute(f"DELETE FROM {schema}.indexes WHERE id = ?", [index.id])
        self._drop_derived(index)
        self._connection.execute(f"DROP TABLE IF EXISTS {index.rows_table}")
        self._connection.execute(f"DROP TABLE IF EXISTS {index.entries_table}")
        self.prune_embeddings(index)

    def prune_embeddings(self, index: IndexRow) -> None:
        """Removes the vectors of `index`'s encoder that no index refers to any more."""
        others = [i for i in self.indexes() if i.embeddings_table == index.embeddings_table]
        if not others:
            self._connection.execute(f"DROP TABLE IF EXISTS {index.embeddings_table}")
            return
        used = " UNION ALL ".join(f"SELECT hash FROM {i.entries_table}" for i in others)
        self._connection.execute(f"DELETE FROM {index.embeddings_table} WHERE hash NOT IN ({used})")

    def graph(self, index: IndexRow) -> str | None:
        """The sha256 of the index's cached graph file, or None where none was saved."""
        found = self._connection.execute(
            f"SELECT sha256 FROM {index.schema}.graphs WHERE index_id = ? AND index_version = ?",
            [index.id, index.version],
        ).fetchall()
        return str(found[0][0]) if found else None

    def put_graph(self, index: IndexRow, sha256: str) -> None:
        """Keeps the checksum of a saved graph file."""
        delete = f"DELETE FROM {index.schema}.graphs WHERE index_id = ?"
        self._connection.execute(delete, [index.id])
        self._connection.execute(
            f"INSERT INTO {index.schema}.graphs VALUES (?, ?, ?)", [index.id, index.version, sha256]
        )

    def predictors(self, index: IndexRow) -> list[tuple[str, str, str]]:
        """Target, strategy and reason of the predictors kept with an index."""
        return self._connection.execute(
            f"SELECT target, strategy, why FROM {index.schema}.predictors WHERE index_id = ? "
            "AND index_version = ? ORDER BY target, created_at",
            [index.id, index.version],
        ).fetchall()

    def next_index_id(self) -> int:
        """An id that no index has had, so that caches of a dropped one are never taken for it."""
        rows = self._connection.execute(
            f"UPDATE {self.schema}.about SET indexes_made = indexes_made + 1 RETURNING indexes_made"
        ).fetchall()
        return int(rows[0][0])

    def models(self) -> list[ModelRow]:
        """All deployed models, by name."""
        found: dict[str, ModelRow] = {}
        for schema in self._existing():
            columns, rows = self._model_rows(schema)
            for row in rows:
                told = {name: v for name, v in zip(columns, row, strict=True) if name in _MODEL}
                told["options"] = json.loads(told.get("options") or "{}")
                found.setdefault(told["name"].lower(), ModelRow(**told))
        return [found[name] for name in sorted(found)]

    def model(self, name: str) -> ModelRow | None:
        """The model of that name, in any case."""
        return next((m for m in self.models() if m.name.lower() == name.lower()), None)

    def put_model(self, model: ModelRow) -> None:
        """Writes a model's row, in place of one of the same name."""
        known, _ = self._model_rows(self.schema)
        for column, default in LATER_MODEL_COLUMNS.items():
            if column not in known:
                self._connection.execute(
                    f"ALTER TABLE {self.schema}.models ADD COLUMN {column} VARCHAR "
                    f"DEFAULT {default}"
                )
        self.drop_model(model.name)
        values = [model.name, model.source, model.revision, model.digest, model.dimensions]
        self._connection.execute(
            f"INSERT INTO {self.schema}.models ({', '.join(_MODEL)}, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, now())",
            [*values, model.kind, model.base, json.dumps(dict(model.options))],
        )

    def drop_model(self, name: str) -> None:
        """Removes a model's row; its files stay in the store, which other databases may use."""
        self._connection.execute(
            f"DELETE FROM {self.schema}.models WHERE lower(name) = lower(?)", [name]
        )

    def holding(self, table: str) -> list[str]:
        """Of its schemas, those that hold a table which not every version of the catalog has."""
        found = list[str]()
        for schema in self._existing():
            database = MEMORY if schema.startswith(f"{MEMORY}.") else self.database
            there = self._connection.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'augur' "
                "AND table_name = ?",
                [database, table],
            ).fetchall()
            found += [schema] if there else []
        return found

    def columns(self, table: str) -> Sequence[tuple[str, str]]:
        """Names and types of a table's columns, less our own. Raises duckdb.Error if it is not."""
        described = self._connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
        return [(str(r[0]), str(r[1])) for r in described if not str(r[0]).startswith("__augur_")]

    def labels(self, index: IndexRow, target: str) -> list[str]:
        """The distinct values of a column among the rows that have a text, sorted, as text."""
        rows = self._connection.execute(
            f"SELECT CAST(label AS VARCHAR) FROM (SELECT DISTINCT {quoted(target)} AS label "
            f"FROM {index.rows_table} WHERE __augur_entry IS NOT NULL "
            f"AND {quoted(target)} IS NOT NULL) ORDER BY label"
        ).fetchall()
        return [str(row[0]) for row in rows]

    def index_columns(self, index: IndexRow) -> tuple[tuple[str, str], ...]:
        """The columns of an index's snapshot, which a version does not change."""
        key = (index.rows_table, index.version)
        if key not in self._columns:
            self._columns[key] = tuple(self.columns(index.rows_table))
        return self._columns[key]

    def _model_rows(self, schema: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns of the table of models, which earlier versions made with fewer, its rows."""
        rows = self._connection.execute(f"SELECT * FROM {schema}.models").fetchall()
        return [str(column[0]) for column in self._connection.description or ()], rows

    def _drop_derived(self, index: IndexRow) -> None:
        for table in ("predictors", "graphs"):
            self._connection.execute(
                f"DELETE FROM {index.schema}.{table} WHERE index_id = ?", [index.id]
            )

    def _existing(self) -> list[str]:
        return [schema for schema in self._schemas if self._exists(schema)]

    def _exists(self, schema: str) -> bool:
        if schema in self._found:
            return True
        database = MEMORY if schema.startswith(f"{MEMORY}.") else self.database
        there = self._connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'augur' "
            "AND table_name = 'about'",
            [database],
        ).fetchall()
        if there:
            self._found.add(schema)
        return bool(there)


def first_line(error: Exception) -> str:
    """The first line of an error's text: DuckDB adds the statement, which is not the user's."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
