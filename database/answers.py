"""What the functions with stable names need, prepared on a connection of its own.

A function runs while DuckDB executes the statement that calls it, so it cannot ask that statement's
connection for anything. It sees what is committed: an index of a transaction that is still open
does not exist for it.
"""

import json
from dataclasses import replace

from augursql.database.binding import BindingCatalog
from augursql.database.calls import Calls, Prepared
from augursql.database.catalog import Catalog, IndexRow, quoted
from augursql.database.encoders import Encoders
from augursql.database.language_models import LanguageModels
from augursql.database.macros import NOT_GIVEN, functions_of_the_user
from augursql.database.shown import Shown
from augursql.database.state import State
from augursql.errors import AugurError, NameNotFoundError, UnsupportedError, candidates
from augursql.planner.bind import bind
from augursql.planner.bound import BoundCall
from augursql.planner.filling import filled, unfilled
from augursql.planner.given import desugared
from augursql.planner.kinds import CallKind
from augursql.planner.parse import parse
from augursql.planner.plan import GivenQuery, Listing, Query, Verbatim
from augursql.planner.portable import portable, query_of, structure

ADDED = ("similarity", "rank")


class Answers:
    """Not thread-safe: its owner lets one thread in at a time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._connection = state.connection.cursor()
        self._own = replace(state, connection=self._connection)
        self._catalog = Catalog(self._connection)
        self._encoders = Encoders(self._catalog, state.watch, state.memory)
        models = LanguageModels(self._catalog, state.watch, state.memory)
        self._calls = Calls(self._own, self._catalog, self._encoders, models)
        self._versions: dict[tuple[str, int], int] = {}
        self._counted: set[str] = set()
        self._statement = -1
        self._now: object = None
        self._known: dict[tuple[str, str, str], tuple[BoundCall, IndexRow | None]] = {}

    def close(self) -> None:
        self._connection.close()

    def prepared(self, kind: CallKind, about: str, named: str) -> Prepared:
        """The function that answers a call, counted for the session's statement of now."""
        bound, row = self._bound(kind, about, named)
        if row is not None:
            place = (row.schema, row.id)
            if self._versions.setdefault(place, row.version) != row.version:
                self._calls.release(row)
                self._versions[place] = row.version
        if self._statement != self._state.statement:
            self._calls.settle()
            self._calls.begin(self._state.settings)
            self._counted.clear()
            self._statement = self._state.statement
        prepared = self._calls.prepare(bound, row, self._state.settings, registered=False)
        shown = bound.call.sql
        if shown not in self._counted:
            self._counted.add(shown)
            self._calls.record(self._statement, shown, prepared)
        return prepared

    def structure(self, kind: CallKind, about: str, named: str) -> str:
        """The type of a call's answer, as from_json() takes it."""
        bound, _ = self._bound(kind, about, named)
        return structure(bound.result_type)

    def documents(self, target: str, named: str, inputs: list[str]) -> list[str | None]:
        """The documents of a predict() with several inputs; each comes as a JSON list of texts.

        Lines are labelled as the index's columns where there are as many, else by number.
        """
        index = self._bound("predict", target, named)[0].index
        columns = index.text_columns if index is not None else ()
        return [_document(json.loads(texts), columns) for texts in inputs]

    def rows_sql(self, name: str) -> str:
        """A query of the indexed rows, without columns that search() adds under the same name."""
        row = self._catalog.index(name)
        if row is None:
            known = [index.name for index in self._catalog.indexes()]
            raise NameNotFoundError(f'There is no index "{name}".', hint=candidates(name, known))
        columns = [column for column, _ in self._catalog.columns(row.rows_table)]
        kept = [quoted(column) for column in columns if column.lower() not in ADDED]
        return f"SELECT {', '.join(kept)}, __augur_row, __augur_entry FROM {row.rows_table}"

    def plain_sql(self, statement: str) -> str:
        """A query of our language as plain DuckDB SQL, which calls stable names only."""
        functions = functions_of_the_user(self._connection)
        found = parse(statement, functions)
        if len(found) != 1:
            raise UnsupportedError("augur() runs one query.")
        [query] = found
        catalog = self._binding()
        if isinstance(query, GivenQuery) and not query.measures:
            query = desugared(query, catalog, {}, functions).statement
        while isinstance(query, Query) and unfilled(query):
            query = filled(query, catalog, functions).statement
        if isinstance(query, Verbatim):
            return query.text
        if not isinstance(query, Query):  # SHOW and DESCRIBE also stand in FROM.
            [query] = parse(f"FROM ({statement})")
        if not isinstance(query, Query):
            raise UnsupportedError(
                "augur() runs queries only.",
                hint="Statements such as CREATE INDEX are run by themselves in a session.",
            )
        return portable(bind(query, catalog), [self._listed(each) for each in query.listings])

    def _bound(self, kind: CallKind, about: str, named: str) -> tuple[BoundCall, IndexRow | None]:
        """The call, bound once for a statement and for each version of the indexes."""
        indexes = self._catalog.indexes()
        versions = tuple((index.schema, index.id, index.version) for index in indexes)
        now = (self._state.statement, self._state.settings, versions)
        if self._now != now:
            self._now = now
            self._known.clear()
        key = (kind, about, named)
        if key not in self._known:
            self._known[key] = self._bind(kind, about, named)
        return self._known[key]

    def _bind(self, kind: CallKind, about: str, named: str) -> tuple[BoundCall, IndexRow | None]:
        catalog = self._binding()
        try:
            [bound] = bind(query_of(kind, about, named), catalog).calls
        except AugurError as error:
            error.span = error.sql = None  # The user did not write this call.
            raise
        return bound, None if bound.index is None else catalog.row(bound.index)

    def _binding(self) -> BindingCatalog:
        settings = self._state.settings
        return BindingCatalog(self._connection, self._catalog, self._encoders, settings)

    def _listed(self, listing: Listing) -> str:
        return Shown(self._own, self._catalog, self._encoders, self._calls).listing(listing)


def _document(inputs: list[str | None], columns: tuple[str, ...]) -> str | None:
    texts = [text for text in inputs if text != NOT_GIVEN]
    if len(columns) != len(texts):
        columns = tuple(f"input {n}" for n in range(1, len(texts) + 1))
    lines = [
        f"{name}: {text}" for name, text in zip(columns, texts, strict=True) if text is not None
    ]
    return "\n".join(lines) or None
