"""Queries with calls: planned, and handed to DuckDB in the form that costs the models least."""

import itertools
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import duckdb

from augursql.database.binding import BindingCatalog
from augursql.database.budget import Budget
from augursql.database.calls import Calls, Prepared
from augursql.database.catalog import Catalog, IndexRow, quoted
from augursql.database.encoders import Encoders
from augursql.database.execution.foresight import Foresight, foresee
from augursql.database.execution.streaming import chosen, register_stream
from augursql.database.functions import Functions
from augursql.database.indexing import Source, missing_rows
from augursql.database.language_models import LanguageModels
from augursql.database.spoken import DEFAULT_SHOTS
from augursql.database.state import Parameters, State
from augursql.database.tables import database_of, qualified
from augursql.errors import AugurError, OtherDocumentWarning, StaleIndexWarning
from augursql.planner import plan
from augursql.planner.bind import bind
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.catalog import ModelInfo
from augursql.planner.emit import document_sql_for_columns, renderer
from augursql.planner.parse import parse
from augursql.planner.reading import Facts, Reading
from augursql.planner.render import Edit, Renderer, Stream
from augursql.planner.rules import Step, rewrite, search
from augursql.planner.source import readable, stageable

SAMPLE = 1_000
# What an input of a call takes, as far as that is known before it is there.
TOKENS_OF_AN_INPUT, TOKENS_OF_A_PROMPT, TOKENS_OF_AN_ANSWER = 64, 192, 128
# What DuckDB says of a statement before it has begun to run it.
NOT_UNDERSTOOD = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A query that can run: bound, its functions registered, and what the rules made of it.

    `query` is what the user wrote, `statement` its number; `reading` has the edits of all rules.
    """

    query: plan.Query
    statement: int
    reading: Reading
    calls: tuple[Prepared, ...]
    listings: tuple[str, ...]
    search_tables: dict[int, str]
    steps: tuple[Step, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        return self.reading.edits

    @property
    def stream(self) -> Stream | None:
        """The query that is read in small batches, if there is one."""
        parts = (part for edit in self.edits for part in edit.parts)
        return next((part for part in parts if isinstance(part, Stream)), None)

    def renderer(self) -> Renderer:
        """What writes the query, or parts of it, as DuckDB's SQL."""
        names = [call.name for call in self.calls]
        return renderer(self.reading.bound, names, self.listings, self.search_tables, self.edits)


class Queries:
    """One per session."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        encoders: Encoders,
        languages: LanguageModels,
        calls: Calls,
        listing: Callable[[plan.Listing], str],
        user_functions: Callable[[str], frozenset[str]],
    ) -> None:
        self._state = state
        self._catalog = catalog
        self._encoders = encoders
        self._languages = languages
        self._calls = calls
        self._listing = listing
        self.user_functions = user_functions
        self.functions = Functions(state.connection)
        self._streams = itertools.count(1)
        self._mark = secrets.token_hex(3)
        self._registered: list[str] = []

    def catalog(self) -> BindingCatalog:
        """What names mean to the statement that runs now."""
        connection, settings = self._state.connection, self._state.settings
        return BindingCatalog(connection, self._catalog, self._encoders, settings)

    def prepare(self, query: plan.Query, statement: int, rewriting: bool = True) -> Planned:
        """Binds the query, rewrites it and prepares its calls. Raises AugurError."""
        settings = self._state.settings
        catalog = self.catalog()
        bound, steps = bind(query, catalog), tuple[Step, ...]()
        reading = Reading(bound, self._facts(bound, catalog))
        if rewriting and bound.calls and settings.rules == "on":
            searched = search(reading)
            again = self._parsed(searched) if searched is not None else None
            if searched is not None and again is not None:
                bound = bind(again, catalog)
                reading = Reading(bound, self._facts(bound, catalog))
                steps = (searched,)
            steps = (*steps, *rewrite(reading))
            reading = steps[-1].reading if steps[1 if again else 0 :] else reading
        prepared, tables = list[Prepared](), dict[int, str]()
        if bound.calls:
            self._calls.begin(settings)
        for index in {call.index.name: call.index for call in bound.calls if call.index}.values():
            self._warn_if_stale(catalog.row(index))
        for position, call in enumerate(bound.calls):
            row = catalog.row(call.index) if call.index is not None else None
            if row is not None:
                self._warn_of_other_documents(call, row)
                tables[position] = row.rows_table
            try:
                ready = self._calls.prepare(call, row, settings)
            except AugurError as error:
                raise error.located(call.call.span, query.whole) from error.__cause__
            if ready not in prepared:
                self._calls.record(statement, call.call.sql, ready)
            prepared.append(ready)
        listed = tuple(self._listing(listing) for listing in bound.query.listings)
        return Planned(query, statement, reading, tuple(prepared), listed, tables, steps)

    def run(self, planned: Planned, parameters: Parameters, prefix: str = "") -> None:
        """Starts the query; its rows are DuckDB's to fetch. Raises AugurError, duckdb.Error.

        `prefix` goes before the statement: EXPLAIN ANALYZE runs it as well.
        """
        budget = self._begin(planned)
        if planned.reading.sentence.word(0) == "prepare":
            self.plan_only(planned, parameters)
        elif not self._run_streamed(planned, parameters, prefix):
            if planned.calls and self._wants_stages(budget) and stageable(planned.reading):
                self._stage(planned, parameters, budget)
            self._execute(planned, parameters, prefix)

    def relayed(self, planned: Planned) -> str:
        """The query as another connection to the database runs it, until the next one comes.

        Whether DuckDB understands it is found out here, to tell of it in the user's words. Another
        connection may know more tables than this one, temporary ones and uncommitted ones.
        """
        budget = self._begin(planned)
        if planned.reading.sentence.word(0) not in ("prepare", "explain"):
            with suppress(duckdb.CatalogException):
                self.plan_only(planned, None, "EXPLAIN ")
                self._state.connection.fetchall()
                if planned.calls and self._wants_stages(budget) and stageable(planned.reading):
                    self._stage(planned, None, budget)
        return planned.renderer().text()

    def plan_only(self, planned: Planned, parameters: Parameters, prefix: str = "") -> None:
        """Has DuckDB plan the query, without a model being called: for PREPARE and EXPLAIN."""
        calls = tuple(
            self._calls.unfolded(call)
            if planned.reading.is_constant(position, parameters is not None)
            else call
            for position, call in enumerate(planned.calls)
        )
        try:
            self._execute(replace(planned, calls=calls), parameters, prefix)
        except NOT_UNDERSTOOD:
            if calls == planned.calls:
                raise
            # DuckDB lets no alias stand for what it may not compute when it plans.
            self._execute(planned, parameters, prefix)

    def _begin(self, planned: Planned) -> Budget:
        """What earlier queries left behind goes; the budget is this one's."""
        self._forget_streams()
        budget = Budget(self._state.settings)
        self._state.desk.budget = budget if budget.limited else None
        for call in planned.calls:
            call.door.forget()
        return budget

    def foresee(self, planned: Planned, parameters: Parameters, patient: bool) -> Foresight | None:
        """What the query would ask of its models; None where that cannot be told."""
        tokens = readable(planned.reading)
        if tokens is None or (planned.reading.has_parameters(tokens) and parameters is None):
            return None
        sql = planned.renderer().part(planned.reading.span(tokens))
        return foresee(self._state, sql, parameters, planned.calls, patient)

    def _wants_stages(self, budget: Budget) -> bool:
        wanted = self._state.settings.execution
        return wanted == "staged" or (wanted == "auto" and budget.limited)

    def _stage(self, planned: Planned, parameters: Parameters, budget: Budget) -> None:
        """Collects the distinct inputs, checks the budget, and has them answered in one batch."""
        foreseen = self.foresee(planned, parameters, patient=True)
        if foreseen is None:
            return
        budget.spend(foreseen.total)
        self._state.desk.budget = None
        self._state.watch.begin(planned.calls[0].kind, foreseen.total.evaluated)
        for call in dict.fromkeys(planned.calls):
            call.door.answer_ahead()

    def _execute(self, planned: Planned, parameters: Parameters, prefix: str) -> None:
        try:
            self._state.execute(prefix + planned.renderer().text(), parameters)
        except NOT_UNDERSTOOD as error:
            if not planned.steps:
                raise
            # Either the user's own mistake, which is to be told in the user's own words, or
            # something that the rules did not see.
            try:
                plain = self.prepare(planned.query, planned.statement, rewriting=False)
                self._state.execute(prefix + plain.renderer().text(), parameters)
            except duckdb.TransactionException:
                raise error from None  # DuckDB 2.0 has aborted the user's transaction.

    def _run_streamed(self, planned: Planned, parameters: Parameters, prefix: str) -> bool:
        """Runs a query that a LIMIT may stop early; False where it is to be run as a whole."""
        stream, tokens = planned.stream, readable(planned.reading)
        if stream is None or tokens is None:
            return False
        writer = planned.renderer()
        start = planned.reading.span(tokens)[0]
        before = next(e.span[0] for e in planned.edits if stream in e.parts)
        below = writer.part((start, before)) + writer.streamed(stream)
        name = f"__augur_stream_{self._mark}_{next(self._streams)}"
        try:
            if not register_stream(self._state.connection, name, below, parameters):
                return False
            self._registered.append(name)
            writer.stream = name
            sql = prefix + writer.text()
            self._state.execute(sql, dict(chosen(parameters, sql)) or None)
        except NOT_UNDERSTOOD:
            return False
        return True

    def _forget_streams(self) -> None:
        while self._registered:
            self._state.connection.unregister(self._registered.pop())

    def _parsed(self, step: Step) -> plan.Query | None:
        """What a step wrote, as a query again."""
        statements = parse(step.text, self.user_functions(step.text))
        query = statements[0] if len(statements) == 1 else None
        return query if isinstance(query, plan.Query) else None

    def _facts(self, bound: BoundQuery, catalog: BindingCatalog) -> Facts:
        if not bound.calls:
            return Facts({}, ())
        sentence = bound.query.sentence
        first = sentence.word(0) if sentence is not None else ""

        def index_of(table: str, column: str, model: str, exact: bool) -> str | None:
            row = catalog.searchable(qualified(self._state.connection, table), column, model)
            if row is None or not self._mirrors(row):
                return None
            choice = self._calls.indexes.choice(row, self._state.settings)
            return row.name if choice.method == "exact" or not exact else None

        def passing(position: int, condition: str) -> float | None:
            index = bound.calls[position].index
            if index is None:
                return None
            rows = f"(SELECT * FROM {catalog.row(index).rows_table} LIMIT {SAMPLE})"
            share = f"SELECT avg(CASE WHEN ({condition}) THEN 1 ELSE 0 END) FROM {rows}"
            try:
                found = self._state.connection.execute(share).fetchall()[0][0]
            except duckdb.Error:
                return None  # It is about more than the prediction.
            return None if found is None else float(found)

        return Facts(
            self.functions.kinds(),
            self._costs(bound),
            passing=passing,
            may_stream=first not in ("prepare", "explain") and not bound.query.definition,
            index_of=index_of,
        )

    def _costs(self, bound: BoundQuery) -> tuple[float, ...]:
        """Expected seconds for an input of each call; only compared with one another."""
        asks = [(c.model.name, _tokens(c)) if c.model is not None else ("", 0) for c in bound.calls]
        if len(set(asks)) < 2:
            return tuple(1.0 for _ in asks)
        speeds = dict[str, float]()
        for call in bound.calls:
            if call.model is not None and call.model.name not in speeds:
                speeds[call.model.name] = self._speed(call.model)
        return tuple(tokens / speeds[name] if name else 0.0 for name, tokens in asks)

    def _speed(self, model: ModelInfo) -> float:
        """Tokens in a second."""
        settings = self._state.settings
        if not model.speaks:
            return self._encoders.encoder(model.name, settings).tokens_per_second()
        with self._languages.get(model.name, settings).in_use() as loaded:
            return loaded.tokens_per_second()

    def described_indexes(self, planned: Planned) -> list[str | None]:
        """For EXPLAIN: each call's index, its version and how many rows it lacks."""
        found = list[str | None]()
        for call in planned.reading.bound.calls:
            row = self._catalog.index(call.index.name) if call.index is not None else None
            if row is None:
                found.append(None)
                continue
            missing = self._missing(row)
            lacks = f"lacks {missing:,} rows" if missing else "up to date"
            lacks = "its table is gone or another" if missing is None else lacks
            holds = f"{row.rows:,} rows, {row.entries:,} texts"
            found.append(f"{row.name} version {row.version}, {holds}, {lacks}")
        return found

    def _missing(self, index: IndexRow) -> int | None:
        """How many rows the index lacks; None where its table is gone."""
        source = Source(index.source, document_sql_for_columns(index.text_columns))
        try:
            return missing_rows(self._state.connection, index, source)
        except duckdb.Error:
            return None

    def _mirrors(self, index: IndexRow) -> bool:
        """Whether the index holds the rows and columns of its table, no less and no more.

        Columns that are called like those of search() would not come out of it.
        """
        if self._is_remote(index) or self._missing(index) != 0:
            return False
        columns = self._catalog.columns(index.source)
        rows = self._state.connection.execute(f"SELECT count(*) FROM {index.source}").fetchall()
        same = columns == self._catalog.columns(index.rows_table) and rows[0][0] == index.rows
        return same and not {"similarity", "rank"} & {name.lower() for name, _ in columns}

    def _is_remote(self, index: IndexRow) -> bool:
        """Whether the table lies in another database system: comparing it with its index would
        fetch the whole of it."""
        database = database_of(index.source)
        if not database or self._state.sources.has(index.source):
            return bool(database)
        types = "SELECT type FROM duckdb_databases() WHERE database_name = ?"
        found = self._state.connection.execute(types, [database]).fetchall()
        return bool(found) and found[0][0] != "duckdb"

    def _warn_if_stale(self, index: IndexRow) -> None:
        if self._is_remote(index):
            return
        missing = self._missing(index)  # Without its table, it answers from its snapshot.
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


def _tokens(bound: BoundCall) -> int:
    """The tokens that an input of the call takes, roughly."""
    if not bound.speaks:
        return TOKENS_OF_AN_INPUT
    shots = 0 if bound.index is None else bound.call.top or DEFAULT_SHOTS
    # A token is written one by one, which takes as long as reading several.
    written = 0 if bound.labels is not None else TOKENS_OF_AN_ANSWER
    return TOKENS_OF_A_PROMPT + shots * TOKENS_OF_AN_INPUT + written
