"""What the planner may ask of an open database: its `Catalog` protocol, answered."""

from collections.abc import Sequence

import duckdb

from augursql.database.catalog import Catalog, IndexRow, quoted
from augursql.database.encoders import Encoders
from augursql.database.predictors import MOST_INTEGER_CLASSES
from augursql.database.prompts import Prompts
from augursql.database.transactions import in_transaction
from augursql.errors import NameNotFoundError
from augursql.planner.catalog import ColumnInfo, IndexInfo, ModelInfo
from augursql.settings import Settings


class BindingCatalog:
    """Names as one statement sees them; keeps the rows of the indexes it resolved."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        encoders: Encoders,
        settings: Settings,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._encoders = encoders
        self._prompts = Prompts(connection, catalog)
        self._settings = settings
        self._indexes = {index.name.lower(): index for index in catalog.indexes()}
        # Ten calls ask for the same names ten times, and each answer is a query of the catalog.
        self._infos: dict[str, IndexInfo] = {}
        self._models: dict[str, ModelInfo | None] = {}
        self._columns: dict[tuple[str, str], ColumnInfo | None] = {}

    def row(self, info: IndexInfo) -> IndexRow:
        """The catalog's row of an index that was bound."""
        return self._indexes[info.name.lower()]

    def searchable(self, table: str, column: str, model: str) -> IndexRow | None:
        """An index on this one column of a table that compares as similarity() does."""
        return next(
            (
                row
                for row in self._indexes.values()
                if row.source == table
                and [name.lower() for name in row.text_columns] == [column.lower()]
                and row.model.lower() == model.lower()
                and row.metric == "cosine"
                and row.dtype == self._encoders.encoder(model, self._settings).dtype
            ),
            None,
        )

    def index(self, name: str) -> IndexInfo | None:
        row = self._indexes.get(name.lower())
        if row is None:
            return None
        if row.name not in self._infos:
            columns = self._catalog.index_columns(row)
            self._infos[row.name] = IndexInfo(
                row.id, row.name, row.version, row.text_columns, columns, row.model, row.rows
            )
        return self._infos[row.name]

    def index_names(self) -> Sequence[str]:
        return [index.name for index in self._indexes.values()]

    def model(self, name: str) -> ModelInfo | None:
        if name not in self._models:
            self._models[name] = self._described(name)
        return self._models[name]

    def _described(self, name: str) -> ModelInfo | None:
        try:
            manifest = self._encoders.artifacts.of(name, self._settings).manifest
        except NameNotFoundError:
            return None
        return ModelInfo(name, manifest.kind, manifest.dimensions)

    def model_names(self) -> Sequence[str]:
        return self._encoders.artifacts.names()

    def language_names(self) -> Sequence[str]:
        artifacts = self._encoders.artifacts
        return sorted([*artifacts.names("language"), *artifacts.names("adapter")])

    def default_encoder(self) -> str:
        return self._settings.encoder

    def labels(self, index: IndexInfo, target: str) -> Sequence[str] | None:
        name, type_ = next(c for c in index.columns if c[0].lower() == target.lower())
        if type_ in ("FLOAT", "DOUBLE") or type_.startswith("DECIMAL"):
            return None
        labels = self._catalog.labels(self.row(index), name)
        whole = type_.endswith(("INT", "INTEGER"))
        return None if whole and len(labels) > MOST_INTEGER_CLASSES else labels

    def column(self, source: str, name: str, most: int) -> ColumnInfo | None:
        key = (source, name.lower())
        if key not in self._columns:
            self._columns[key] = self._column(source, name, most)
        return self._columns[key]

    def _column(self, source: str, name: str, most: int) -> ColumnInfo | None:
        # What cannot be read would end the user's transaction.
        if in_transaction(self._connection) and not self._is_table(source):
            return None
        try:
            columns = self._catalog.columns(source)
            found = next((c for c in columns if c[0].lower() == name.lower()), None)
            if found is None:
                return None
            column = quoted(found[0])
            rows = self._connection.execute(
                f"SELECT CAST(label AS VARCHAR) FROM (SELECT DISTINCT {column} AS label "
                f"FROM {source} WHERE {column} IS NOT NULL LIMIT {most + 1}) ORDER BY label"
            ).fetchall()
        except duckdb.Error:
            return None
        values = None if len(rows) > most else tuple(str(row[0]) for row in rows)
        return ColumnInfo(*found, values)

    def _is_table(self, source: str) -> bool:
        """Whether a table or view surely has this name, which may be qualified."""
        last = source.rsplit(".", 1)[-1].strip().strip('"').lower()
        found = self._connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = $1 UNION ALL "
            "SELECT 1 FROM duckdb_views() WHERE lower(view_name) = $1",
            [last],
        ).fetchall()
        return bool(found) and not source.startswith("(")

    def prompt(self, name: str, version: int | None) -> str | None:
        return self._prompts.template(name, version)

    def prompt_names(self) -> Sequence[str]:
        return [prompt.name for prompt in self._prompts.latest()]

    def query_columns(self, sql: str) -> Sequence[str] | None:
        # It may name what stands around it and so fail, which would end the user's transaction.
        if in_transaction(self._connection):
            return None
        try:
            return [name for name, _ in self._catalog.columns(f"({sql})")]
        except duckdb.Error:
            return None
