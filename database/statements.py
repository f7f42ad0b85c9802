"""Carries out the statements that change indexes and models, each wholly or not at all."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from augursql.database.artifacts import DEFAULT
from augursql.database.calls import Calls
from augursql.database.catalog import Catalog, IndexRow, ModelRow, first_line, quoted
from augursql.database.deployment import Deployment
from augursql.database.indexing import IndexBuilder, Source
from augursql.database.tables import qualified
from augursql.database.transactions import atomic
from augursql.engine.retrieval.neighbours import metric_named
from augursql.errors import (
    InvalidValueError,
    NameExistsError,
    NameNotFoundError,
    UnsupportedError,
    candidates,
)
from augursql.planner.emit import document_sql_for_columns
from augursql.planner.plan import CreateIndex, CreateModel, DropIndex, DropModel, RefreshIndex
from augursql.settings import Settings
from augursql.types import Monitor

INDEX_OPTIONS = ("ef_construction", "m", "metric", "model")
INDEXABLE = ("VARCHAR", "JSON")


class Statements:
    """CREATE, REFRESH and DROP INDEX; CREATE and DROP MODEL. Each returns a line for the user."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        deployment: Deployment,
        calls: Calls,
        monitor: Monitor,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._deployment = deployment
        self._encoders = deployment.encoders
        self._calls = calls
        self._builder = IndexBuilder(connection, catalog, monitor)

    def create_index(self, statement: CreateIndex, settings: Settings) -> str | None:
        """Builds an index; None means that the index is one of DuckDB's own.

        Raises NameExistsError, NameNotFoundError, InvalidValueError, ModelError, StorageError.
        """
        types = self._column_types(statement)
        if all(type_.endswith("]") for type_ in types.values()):
            return None
        for column, type_ in types.items():
            if type_ not in INDEXABLE and not type_.startswith("ENUM"):
                raise InvalidValueError(
                    f'"{column}" is {type_}: an index is made of VARCHAR columns '
                    "(or, for DuckDB's own index, of FLOAT[n] columns)."
                )
        replaced = self._catalog.index(statement.name)
        if replaced is not None and statement.if_not_exists:
            return f'Index "{replaced.name}" exists already.'
        if replaced is not None and not statement.or_replace:
            raise NameExistsError(
                f'The index "{statement.name}" exists already.',
                hint="Use REFRESH INDEX to bring it up to date, or CREATE OR REPLACE INDEX.",
            )
        options = dict(statement.options)
        unknown = next((name for name in options if name not in INDEX_OPTIONS), None)
        if unknown is not None:
            raise NameNotFoundError(
                f'There is no index option "{unknown}".', hint=candidates(unknown, INDEX_OPTIONS)
            )
        model = str(options.get("model") or settings.encoder)
        encoder = self._encoders.encoder(model, settings)
        self._catalog.create()
        index = IndexRow(
            schema=self._catalog.schema,
            id=self._catalog.next_index_id(),
            name=statement.name,
            version=1,
            source=qualified(self._connection, statement.table),
            text_columns=tuple(types),
            model=model,
            digest=encoder.digest,
            dtype=encoder.dtype,
            dimensions=encoder.dimensions,
            metric=metric_named(str(options.get("metric") or "cosine")),
            m=_whole(options, "m", 16, 2, 256),
            ef_construction=_whole(options, "ef_construction", 200, 1, 10_000),
            rows=0,
            entries=0,
            fingerprint="",
        )
        return self._build(index, settings, replaced)

    def refresh_index(self, statement: RefreshIndex, settings: Settings) -> str:
        """The next version of an index: embeds only new texts, forgets deleted rows."""
        index = self._found(statement.name)
        self._catalog.create()
        if index.schema != self._catalog.schema:
            raise InvalidValueError(
                f'The index "{index.name}" lies in a database that was opened read-only.',
                hint="Open it for writing to refresh it.",
            )
        return self._build(replace(index, version=index.version + 1), settings, index)

    def drop_index(self, statement: DropIndex) -> str | None:
        """Drops an index with its snapshot; None means that it may be one of DuckDB's own."""
        index = self._catalog.index(statement.name)
        if index is None:
            return None
        if index.schema != self._catalog.schema:
            raise InvalidValueError(
                f'The index "{index.name}" lies in a database that was opened read-only.'
            )
        with atomic(self._connection):
            self._catalog.drop_index(index)
        self._calls.indexes.remove_graphs(index)
        self._calls.release(index)
        return f'Dropped index "{index.name}".'

    def create_model(self, statement: CreateModel, settings: Settings) -> str:
        """Deploys a model: fetched, converted, checked, and only then named."""
        existing = self._catalog.model(statement.name)
        if existing is not None and not statement.or_replace:
            raise NameExistsError(
                f'The model "{statement.name}" exists already.',
                hint="Use CREATE OR REPLACE MODEL to put another in its place.",
            )
        row, what = self._deployment.deploy(statement, settings)
        if existing is not None and existing.digest != row.digest:
            self._check_no_adapter(existing)
        self._catalog.create()
        with atomic(self._connection):
            self._catalog.put_model(row)
        return f'Model "{row.name}": {row.source}, {what}.'

    def drop_model(self, statement: DropModel) -> str:
        """Forgets a model's name. Raises InvalidValueError while an index or adapter needs it."""
        if statement.version is not None:
            raise UnsupportedError("Deployed models have no versions.", hint="Leave out VERSION.")
        if statement.name.lower() == DEFAULT and self._catalog.model(DEFAULT) is None:
            raise InvalidValueError(f'The model "{DEFAULT}" is built in and stays.')
        model = self._catalog.model(statement.name)
        if model is None:
            if statement.if_exists:
                return f'There is no model "{statement.name}".'
            raise NameNotFoundError(
                f'There is no model "{statement.name}" to drop.',
                hint=candidates(statement.name, [m.name for m in self._catalog.models()]),
            )
        users = [i.name for i in self._catalog.indexes() if i.model.lower() == model.name.lower()]
        if users:
            raise InvalidValueError(
                f'The model "{model.name}" is needed by the index "{users[0]}".',
                hint=f"DROP INDEX {quoted(users[0])} first.",
            )
        self._check_no_adapter(model)
        with atomic(self._connection):
            self._catalog.drop_model(model.name)
        return f'Dropped model "{model.name}".'

    def _check_no_adapter(self, base: ModelRow) -> None:
        adapters = [m.name for m in self._catalog.models() if m.base.lower() == base.name.lower()]
        if adapters:
            raise InvalidValueError(
                f'The model "{base.name}" is the base of the adapter "{adapters[0]}".',
                hint=f"DROP MODEL {quoted(adapters[0])} first.",
            )

    def _build(self, index: IndexRow, settings: Settings, replaced: IndexRow | None) -> str:
        encoder = (
            self._encoders.encoder(index.model, settings)
            if index.version == 1
            else self._encoders.of_index(index, settings)
        )
        source = Source(index.source, document_sql_for_columns(index.text_columns))
        built = self._builder.build(index, source, encoder, replaced)
        self._calls.indexes.load(built, settings)
        if replaced is not None:
            self._calls.indexes.remove_graphs(replaced)
            self._calls.release(replaced)
        choice = self._calls.indexes.choice(built, settings)
        return (
            f'Index "{built.name}" version {built.version}: {built.rows:,} rows, '
            f"{built.entries:,} distinct texts, {built.dimensions} dimensions "
            f"({built.model}, {built.dtype}), {choice.method} search."
        )

    def _found(self, name: str) -> IndexRow:
        index = self._catalog.index(name)
        if index is None:
            raise NameNotFoundError(
                f'There is no index "{name}".',
                hint=candidates(name, [i.name for i in self._catalog.indexes()]),
            )
        return index

    def _column_types(self, statement: CreateIndex) -> dict[str, str]:
        """The indexed columns as the table spells them, with their types."""
        try:
            columns = self._catalog.columns(statement.table)
        except duckdb.Error as error:
            raise NameNotFoundError(
                f"{statement.table} cannot be indexed: {first_line(error)}",
                span=_place(statement, statement.table),
            ) from error
        known = {name.lower(): (name, type_) for name, type_ in columns}
        found: dict[str, str] = {}
        for column in statement.columns:
            if column.lower() not in known:
                raise NameNotFoundError(
                    f'{statement.table} has no column "{column}".',
                    hint=candidates(column, [name for name, _ in columns]),
                    span=_place(statement, column),
                )
            name, type_ = known[column.lower()]
            found[name] = type_
        return found


def _place(statement: CreateIndex, word: str) -> tuple[int, int] | None:
    """Where a word stands in the statement, looked for from the end: names precede columns."""
    at = statement.text.rfind(word)
    return None if at < 0 else (statement.start + at, statement.start + at + len(word))


def _whole(options: Mapping[str, object], name: str, default: int, least: int, most: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidValueError(f"{name} is a whole number from {least} to {most}, not {value}.")
    return value
