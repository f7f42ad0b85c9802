"""Runs the statements of our language, one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql import settings as setting
from augursql.database import listings
from augursql.database.calls import Calls
from augursql.database.catalog import Catalog
from augursql.database.deployment import Deployment
from augursql.database.encoders import Encoders
from augursql.database.evaluations import Evaluations
from augursql.database.explain import report
from augursql.database.kept import keep, run_each
from augursql.database.language_models import LanguageModels
from augursql.database.macros import NAMES, functions_of_the_user
from augursql.database.models import Models
from augursql.database.prompts import Prompts
from augursql.database.queries import Queries
from augursql.database.result import Guard, Result
from augursql.database.shown import Shown, listed
from augursql.database.state import Parameters, State, ends_a_transaction
from augursql.database.statements import Statements
from augursql.errors import (
    UnsupportedError,
)
from augursql.planner import plan, prompts, sources
from augursql.planner.bind import bind
from augursql.planner.filling import filled, unfilled
from augursql.planner.given import desugared, measured, parameters_of
from augursql.planner.lexer import Span
from augursql.planner.parse import parse
from augursql.planner.portable import check_storable, portable
from augursql.planner.rewritten import Desugared


class Interpreter:
    """One per session, made when the first statement of ours comes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._connection = state.connection
        self._catalog = Catalog(state.connection)
        self._encoders = Encoders(self._catalog, state.watch, state.memory)
        models = LanguageModels(self._catalog, state.watch, state.memory)
        self._calls = Calls(state, self._catalog, self._encoders, models)
        self._statements = Statements(
            state.connection,
            self._catalog,
            Deployment(self._encoders, state.notice),
            self._calls,
            state.watch,
        )
        self._prompts = Prompts(state.connection, self._catalog)
        self._model_statements = Models(self._catalog, self._encoders.artifacts)
        self._evaluations = Evaluations(state, self._catalog, self._calls, self._start)
        self._user_functions: frozenset[str] = frozenset()
        self._shown = Shown(state, self._catalog, self._encoders, self._calls)
        self._queries = Queries(
            state,
            self._catalog,
            self._encoders,
            models,
            self._calls,
            self._shown.listing,
            self._functions_of_the_user,
        )

    def close(self) -> None:
        """Writes what is left to write."""
        self._calls.close()

    def forget(self) -> None:
        """A ROLLBACK takes back what was made, registered and fitted in its transaction."""
        self._catalog.forget()
        self._calls.forget()

    def forget_catalog(self) -> None:
        """A statement may have dropped its schema."""
        self._catalog.forget()

    def run(self, sql: str, parameters: Parameters) -> Result:
        """Runs each statement; parameters belong to the last one, as in DuckDB."""
        with self._state.running(sql, rewritten=True):
            statements = parse(sql, self._functions_of_the_user(sql), self._state.sources.names)
            if all(self._is_duckdbs(statement) for statement in statements):
                statements = [plan.Verbatim(sql, whole=sql)]
        result, earlier = Result(None, self._guard(sql)), list[Result]()
        for number, statement in enumerate(statements, start=1):
            last = number == len(statements)
            result = self._run(statement, sql, parameters if last else None)
            if not last:
                keep(result, earlier, self._connection)
        result.earlier = [*earlier, *result.earlier]
        return result

    def relayed(self, sql: str) -> str:
        """What another connection runs in place of a text; what is no query is done here."""
        with self._state.running(sql, rewritten=True):
            statements = parse(sql, self._functions_of_the_user(sql))
            if all(self._is_duckdbs(statement) for statement in statements):
                return sql
            if len(statements) > 1:
                raise UnsupportedError(
                    "A server runs one statement at a time.", span=statements[1].span
                )
        return self._relayed(statements[0], sql)

    def finish(self) -> None:
        """Called when a relayed statement has ended, as far as that is known."""
        self._calls.finish()

    def _relayed(self, statement: plan.Statement, sql: str) -> str:
        if isinstance(statement, plan.GivenQuery) or unfilled(statement):
            made, _ = self._desugared(statement, sql, None)
            with made.origin.restoring():
                return self._relayed(made.statement, sql)
        self._calls.settle()
        self._state.statement += 1
        progress = "explain" if isinstance(statement, plan.Explain) else ""
        with self._guard(sql, progress)():
            if isinstance(statement, plan.Explain):
                return self._explained(statement, None)
            if isinstance(statement, plan.SetSetting | plan.ResetSetting):
                self._carry_out(statement)
                return f"FROM {listings.setting_sql(self._state.settings, statement.name)}"
            if not isinstance(statement, plan.Query):
                return self._carry_out(statement) or self._told()
            if statement.definition:
                return self._definition(statement)
            planned = self._queries.prepare(statement, self._state.statement)
            return self._queries.relayed(planned)

    def _told(self) -> str:
        """The notices as rows, for who has no other place to see them."""
        told = [(notice.text,) for notice in self._state.notices]
        return f"FROM {listings.table_sql(listings.NOTICE_COLUMNS, told)}"

    def _run(self, statement: plan.Statement, sql: str, parameters: Parameters) -> Result:
        if isinstance(statement, plan.GivenQuery) or unfilled(statement):
            return self._run_desugared(statement, sql, parameters)
        self._calls.settle()
        self._state.statement += 1
        if isinstance(statement, plan.Verbatim):
            return self._verbatim(statement.text, sql, parameters)
        if isinstance(statement, plan.Query):
            return self._run_query(statement, sql, parameters)
        if isinstance(statement, plan.Explain):
            return self._explain(statement, sql, parameters)
        if isinstance(statement, sources.WriteSource):
            return self._write(statement, sql, parameters)
        guard = self._guard(sql)
        with guard():
            emitted = self._carry_out(statement)
        if emitted is None:
            return Result(None, guard)
        if emitted == statement.text:
            return self._verbatim(emitted, sql, parameters)
        with guard():
            self._state.execute(emitted, parameters)
        return Result(self._connection, guard, self._state.ran)

    def _run_query(self, query: plan.Query, sql: str, parameters: Parameters) -> Result:
        if query.definition:
            return self._define(query, sql, parameters)
        with self._guard(sql)():
            planned = self._queries.prepare(query, self._state.statement)
        guard = self._guard(sql, query.calls[0].kind if query.calls else "")
        with guard():
            self._queries.run(planned, parameters)
        return Result(self._connection, guard, self._state.ran)

    def _define(self, query: plan.Query, sql: str, parameters: Parameters) -> Result:
        """Makes a view or macro, which any later session and plain DuckDB SQL can use."""
        guard = self._guard(sql)
        with guard():
            self._state.execute(self._definition(query), parameters)
        return Result(self._connection, guard, self._state.ran)

    def _definition(self, query: plan.Query) -> str:
        bound = bind(query, self._queries.catalog())
        check_storable(query)
        self._catalog.create()  # What tells the next session that functions are needed.
        return portable(bound, [self._shown.listing(listing) for listing in query.listings])

    def _run_desugared(self, statement: plan.Statement, sql: str, parameters: Parameters) -> Result:
        """Runs a statement with PREDICT, PROMPT or EVALUATE, or with templates whose values are
        not written out, as the query that it stands for.
        """
        made, parameters = self._desugared(statement, sql, parameters)
        with made.origin.restoring():
            return self._run(made.statement, sql, parameters)

    def _desugared(
        self, statement: plan.Statement, sql: str, parameters: Parameters
    ) -> tuple[Desugared, Parameters]:
        """The query that the statement stands for; what it measures is measured."""
        if not isinstance(statement, plan.GivenQuery):
            with self._guard(sql)():
                return self._filled(statement), parameters
        guard = self._guard(sql, "evaluate" if statement.measures else "")
        with guard():
            catalog = self._queries.catalog()
            functions = self._functions_of_the_user(sql)
            tables: dict[Span, str] = {}
            for block in reversed(statement.measures):  # what is measured may hold another
                to_measure = measured(statement, block, catalog, tables, functions)
                some = parameters_of(statement, to_measure.rows, parameters)
                written = sql[slice(*block.span)]
                tables[block.span] = self._evaluations.rows_sql(to_measure, written, some)
            made = desugared(statement, catalog, tables, functions)
            if tables:
                parameters = parameters_of(statement, made, parameters)
        return made, parameters

    def _filled(self, statement: plan.Statement) -> Desugared:
        """A query, or EXPLAIN of one, with all values of its prompts."""
        if not isinstance(statement, plan.Query | plan.Explain):
            raise UnsupportedError("Only queries hold prompts.", span=statement.span)
        functions = self._functions_of_the_user(statement.whole)
        return filled(statement, self._queries.catalog(), functions)

    def _write(self, statement: sources.WriteSource, sql: str, parameters: Parameters) -> Result:
        """Writes the rows of a query to a source, while they are computed."""
        guard, rows = self._guard(sql), 0
        if not self._state.sources.exists(statement):
            result = self._run(statement.query, sql, parameters)
            with guard():
                rows = self._state.sources.write(statement, result)
        self._state.execute(f'SELECT {rows}::BIGINT AS "Count"', None)
        return Result(self._connection, guard, duckdb.StatementType.INSERT)

    def _start(self, statement: plan.Query | plan.Explain, parameters: Parameters) -> None:
        """Begins to run a query that another statement consists of."""
        query = statement.query if isinstance(statement, plan.Explain) else statement
        if unfilled(query):
            made = self._filled(query)
            with made.origin.restoring():
                return self._start(made.statement, parameters)
        self._queries.run(self._queries.prepare(query, self._state.statement), parameters)

    def _explain(self, statement: plan.Explain, sql: str, parameters: Parameters) -> Result:
        guard = self._guard(sql, "explain")
        with guard():
            self._state.execute(self._explained(statement, parameters), None)
        return Result(self._connection, guard, self._state.ran)

    def _explained(self, statement: plan.Explain, parameters: Parameters) -> str:
        """Tells about the query and, with ANALYZE, runs it; rows as DuckDB's EXPLAIN has them."""
        queries = self._queries
        how = f"EXPLAIN ({'ANALYZE, ' if statement.analyze else ''}FORMAT {statement.format}) "
        planned = queries.prepare(statement.query, self._state.statement)
        foreseen = queries.foresee(planned, parameters, patient=False)
        if statement.analyze:
            queries.run(planned, parameters, how)
        else:
            queries.plan_only(planned, parameters, how)
        duckdbs = self._connection.fetchall()
        actual = self._calls.counted(planned.calls) if statement.analyze else None
        indexes = queries.described_indexes(planned)
        told = report(planned, indexes, foreseen, actual, statement.sql)
        text = told.json() if statement.format == "json" else told.text()
        rows = listings.table_sql(listings.EXPLAIN_COLUMNS, [("augur_plan", text), *duckdbs])
        return f"FROM {rows}"

    def _is_duckdbs(self, statement: plan.Statement) -> bool:
        """Whether a statement surely is not ours, also where it reads like one of ours."""
        if isinstance(statement, plan.DropIndex):
            return self._catalog.index(statement.name) is None
        return isinstance(statement, plan.Verbatim)

    def _verbatim(self, text: str, sql: str, parameters: Parameters) -> Result:
        """Runs `text`, which is all or part of `sql`, as it is."""
        state = self._state
        result = run_each(state, text, parameters, lambda: state.running(sql, rewritten=False))
        if ends_a_transaction(text):
            self.forget()
        return result

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
                        self._calls.finish()

        return guard

    def _carry_out(self, statement: plan.Statement) -> str | None:
        """Does what the statement says; returns the DuckDB SQL that is left to run, if any."""
        settings = self._state.settings
        done: str | None
        if isinstance(statement, sources.Administrative):
            return self._noticed(self._state.sources.carry_out(statement), None)
        if isinstance(statement, plan.CreateModel | plan.ExportModel):
            self._check_access(statement)
        match statement:
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
            case plan.TrainModel():
                self._model_statements.train(statement)
            case plan.ConfigureModel():
                self._model_statements.configure(statement)
            case plan.AlterModel():
                self._model_statements.alter(statement)
            case plan.ExportModel():
                done = self._model_statements.export(statement, settings)
            case prompts.CreatePrompt():
                done = self._prompts.create(statement)
            case prompts.DropPrompt():
                done = self._prompts.drop(statement)
            case plan.SetSetting():
                self._state.settings = setting.changed(settings, statement.name, statement.value)
                return None
            case plan.ResetSetting():
                self._state.settings = setting.reset(settings, statement.name)
                return None
            case _:
                return f"FROM {self._shown.listing(listed(statement))}"
        return self._noticed(done, None)

    def _check_access(self, statement: plan.Statement) -> None:
        """Models come from files and networks, which DuckDB's setting may forbid."""
        allowed = self._connection.execute("SELECT current_setting('enable_external_access')")
        if not allowed.fetchall()[0][0]:
            raise UnsupportedError(
                "Files and networks are out of bounds here: enable_external_access is off.",
            )

    def _noticed(self, done: str | None, duckdbs: str | None) -> str | None:
        """Tells what was done; where nothing was, the statement is DuckDB's."""
        if done is None:
            return duckdbs
        self._state.notice(done)
        return None

    def _functions_of_the_user(self, sql: str) -> frozenset[str]:
        """Macros of the user's that are called like our functions: those stay what they are."""
        if self._state.definitions_changed and any(word in sql.lower() for word in NAMES):
            self._user_functions = functions_of_the_user(self._connection)
            self._state.definitions_changed = False
            self._queries.functions.changed()
        return self._user_functions
