"""Runs the statements of our language, one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql import settings as setting
from augursql.database import listings
from augursql.database.binding import BindingCatalog
from augursql.database.calls import Calls
from augursql.database.catalog import Catalog, IndexRow, quoted
from augursql.database.encoders import DEFAULT, Encoders
from augursql.database.indexing import Source, missing_rows
from augursql.database.macros import functions_of_the_user
from augursql.database.result import Guard, Result
from augursql.database.state import Parameters, State, ends_a_transaction
from augursql.database.statements import Statements
from augursql.engine.repository.obtain import ALIASES
from augursql.errors import (
    AugurError,
    NameNotFoundError,
    OtherDocumentWarning,
    StaleIndexWarning,
    UnsupportedError,
    candidates,
)
from augursql.planner import plan
from augursql.planner.bind import BoundCall, bind
from augursql.planner.emit import document_sql_for_columns, emit
from augursql.planner.parse import parse
from augursql.planner.portable import check_storable, portable


class Interpreter:
    """One per session, made when the first statement of ours comes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._connection = state.connection
        self._catalog = Catalog(state.connection)
        self._encoders = Encoders(self._catalog, state.watch, state.memory)
        memo = state.memory.memo(state.settings.memo_mb)
        self._calls = Calls(state, self._catalog, self._encoders, memo)
        self._statements = Statements(
            state.connection, self._catalog, self._encoders, self._calls, state.watch
        )
        self._user_functions: frozenset[str] = frozenset()

    def forget(self) -> None:
        """A ROLLBACK takes back what was registered, built and fitted in its transaction."""
        self._calls.forget()

    def run(self, sql: str, parameters: Parameters) -> Result:
        """Runs each statement; parameters belong to the last one, as in DuckDB."""
        with self._state.running(sql, rewritten=True):
            statements = parse(sql, self._functions_of_the_user())
        result = Result(None, self._guard(sql))
        for number, statement in enumerate(statements, start=1):
            last = number == len(statements)
            result = self._run(statement, sql, parameters if last else None)
            if not last:
                result.fetchall()
        return result

    def _run(self, statement: plan.Statement, sql: str, parameters: Parameters) -> Result:
        self._calls.settle()
        self._state.statement += 1
        if isinstance(statement, plan.Verbatim):
            with self._state.running(sql, rewritten=False):
                self._state.execute(statement.text, parameters)
            if ends_a_transaction(statement.text):
                self.forget()
            return Result(self._connection, lambda: self._state.running(sql, rewritten=False))
        guard = self._guard(sql)
        with guard():
            emitted = self._carry_out(statement)
        if emitted is None:
            return Result(None, guard)
        if isinstance(statement, plan.Query) and statement.calls:
            guard = self._guard(sql, statement.calls[0].kind)
        with guard():
            self._state.execute(emitted, parameters)
        return Result(self._connection, guard)

    def _guard(self, sql: str, progress: str = "") -> Guard:
        """What runs a piece of a statement; `progress` labels the texts that it evaluates."""
        watch = self._state.watch

        @contextmanager
        def guard() -> Iterator[None]:
            with self._state.running(sql, rewritten=True):
                if progress:
                    watch.begin(progress, None)
                try:
                    yield
                finally:
                    if progress:
                        watch.end()

        return guard

    def _carry_out(self, statement: plan.Statement) -> str | None:
        """Does what the statement says; returns the DuckDB SQL that is left to run, if any."""
        settings = self._state.settings
        done: str | None
        match statement:
            case plan.Query():
                return self._planned(statement)
            case plan.CreateIndex():
                done = self._statements.create_index(statement, settings)
                return self._noticed(done, statement.text)
            case plan.DropIndex():
                return self._noticed(self._statements.drop_index(statement), statement.text)
            case plan.RefreshIndex():
                done = self._statements.refresh_index(statement, settings)
            case plan.CreateModel():
                done = self._statements.create_model(statement, settings)
            case plan.DropModel():
                done = self._statements.drop_model(statement)
            case plan.SetSetting():
                self._state.settings = setting.changed(settings, statement.name, statement.value)
                return None
            case plan.ResetSetting():
                self._state.settings = setting.reset(settings, statement.name)
                return None
            case plan.ShowSetting():
                value = setting.value(settings, statement.name)
                columns = {statement.name: "VARCHAR"}
                return f"FROM {listings.table_sql(columns, [(listings.shown(value),)])}"
            case _:
                return f"FROM {self.listing(_listed(statement))}"
        return self._noticed(done, None)

    def _noticed(self, done: str | None, duckdbs: str | None) -> str | None:
        """Tells what was done; where nothing was, the statement is DuckDB's."""
        if done is None:
            return duckdbs
        self._state.notice(done)
        return None

    def _planned(self, query: plan.Query) -> str:
        settings = self._state.settings
        catalog = BindingCatalog(self._catalog, self._encoders, settings)
        bound = bind(query, catalog)
        if query.definition:
            check_storable(query)
            self._catalog.create()  # What tells the next session that functions are needed.
            return portable(bound, [self.listing(listing) for listing in query.listings])
        names, tables = [], {}
        for position, call in enumerate(bound.calls):
            row = catalog.row(call.index) if call.index is not None else None
            if row is not None:
                self._warn_if_stale(row)
                self._warn_of_other_documents(call, row)
                tables[position] = row.rows_table
            try:
                prepared = self._calls.prepare(call, row, settings)
            except AugurError as error:
                raise error.located(call.call.span, query.whole) from error.__cause__
            self._calls.record(self._state.statement, call.call.sql, prepared)
            names.append(prepared.name)
        listed = [self.listing(listing) for listing in query.listings]
        return emit(bound, names, listed, tables)

    def _warn_if_stale(self, index: IndexRow) -> None:
        source = Source(index.source, document_sql_for_columns(index.text_columns))
        try:
            missing = missing_rows(self._connection, index, source)
        except duckdb.Error:
            return  # The table is gone: the index answers from its snapshot.
        if missing:
            self._state.warn(
                f'The index "{index.name}" lacks {missing:,} row{"s" if missing > 1 else ""} '
                f"of {index.source}: "
                f"REFRESH INDEX {quoted(index.name)} adds them.",
                StaleIndexWarning,
            )

    def _warn_of_other_documents(self, bound: BoundCall, index: IndexRow) -> None:
        """A row is told from the others by its whole document: part of it may find itself."""
        call = bound.call
        if call.kind == "predict" and len(call.inputs) != len(index.text_columns):
            columns = ", ".join(quoted(column) for column in index.text_columns)
            self._state.warn(
                f'The index "{index.name}" holds documents of {columns}: predict from these, '
                "or a row that is in the index may learn from itself.",
                OtherDocumentWarning,
            )

    def listing(self, listing: plan.Listing) -> str:
        """What SHOW and DESCRIBE show, as a parenthesised SELECT."""
        settings = self._state.settings
        match listing.kind:
            case "indexes":
                return listings.indexes_sql(self._catalog.indexes())
            case "models":
                return self._models()
            case "settings":
                return listings.settings_sql(settings)
            case "calls":
                return listings.calls_sql(
                    (r.statement, r.call, r.rung, r.model, r.counts) for r in self._state.records
                )
            case "model":
                name = str(listing.name)
                manifest = self._encoders.manifest(name, settings)
                encoder = self._encoders.encoder(name, settings)
                return listings.model_sql(name, manifest, encoder)
            case "index":
                return self._described_index(str(listing.name))

    def _models(self) -> str:
        deployed: list[tuple[object, ...]] = [
            (m.name, "encoder", m.source, m.revision, m.dimensions) for m in self._catalog.models()
        ]
        if not any(str(row[0]).lower() == DEFAULT for row in deployed):
            deployed.append(self._built_in())
        return listings.table_sql(listings.MODEL_COLUMNS, deployed)

    def _built_in(self) -> tuple[object, ...]:
        """The default encoder's line; what is not known before it was fetched is NULL."""
        known = self._encoders.known(DEFAULT, self._state.settings)
        if known is None:
            return (DEFAULT, "encoder", ALIASES[DEFAULT], None, None)
        return (DEFAULT, "encoder", known.source, known.revision, known.dimensions)

    def _described_index(self, name: str) -> str:
        index = self._catalog.index(name)
        if index is None:
            known = [i.name for i in self._catalog.indexes()]
            raise NameNotFoundError(f'There is no index "{name}".', hint=candidates(name, known))
        source = Source(index.source, document_sql_for_columns(index.text_columns))
        try:
            lacking = f"{missing_rows(self._connection, index, source):,}"
        except duckdb.Error:
            lacking = "its table is gone or has other columns"
        choice = self._calls.indexes.choice(index, self._state.settings)
        return listings.index_sql(
            index, f"{choice.method}: {choice.why}", lacking, self._catalog.predictors(index)
        )

    def _functions_of_the_user(self) -> frozenset[str]:
        """Macros of the user's that are called like our functions: those stay what they are."""
        if self._state.definitions_changed:
            self._user_functions = functions_of_the_user(self._connection)
            self._state.definitions_changed = False
        return self._user_functions


def _listed(statement: plan.Statement) -> plan.Listing:
    """SHOW and DESCRIBE as statements are the listings that also stand in FROM."""
    match statement:
        case plan.ShowIndexes():
            return plan.Listing("indexes", None, statement.span)
        case plan.ShowModels():
            return plan.Listing("models", None, statement.span)
        case plan.DescribeIndex():
            return plan.Listing("index", statement.name, statement.span)
        case plan.DescribeModel():
            return plan.Listing("model", statement.name, statement.span)
    raise UnsupportedError("This statement is not supported yet.", span=statement.span)
