"""The names that can stand in a statement, for completion; read from the catalog when needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from augursql import settings
from augursql.database.artifacts import DEFAULT
from augursql.frontends.shell.terminal import Terminal
from augursql.planner.kinds import INPUTS
from augursql.planner.lexer import quoted

OUR_FUNCTIONS = tuple(INPUTS)
OUR_WORDS = (
    *("CONFIDENCE", "EVALUATE", "EXPLANATION", "GIVEN", "HNSW", "INDEXES", "MATCHING", "METADATA"),
    *("MODEL", "MODELS", "OPTIONS", "PREDICT", "PROBABILITIES", "PROMPT", "PROMPTS", "RANDOM"),
    *("REFRESH", "RETURNS", "SEMANTIC", "TOP"),
)
_COLUMNS = """
SELECT table_name, column_name, schema_name FROM duckdb_columns()
WHERE NOT internal AND schema_name <> 'augur' ORDER BY ALL LIMIT 50000
"""
_OURS = """
SELECT database_name, table_name FROM duckdb_tables()
WHERE schema_name = 'augur' AND table_name IN ('indexes', 'models')
"""


@dataclass(frozen=True, slots=True)
class Names:
    """What exists. `tables` are tables and views with their columns, `indexes` those of the
    language with their tables.
    """

    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    schemas: Sequence[str] = ()
    indexes: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = (DEFAULT,)
    functions: Sequence[str] = OUR_FUNCTIONS
    keywords: Sequence[str] = OUR_WORDS
    settings: Sequence[str] = ()


class KnownNames:
    """Owned by the console: asks the catalog again when a statement may have changed it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._names = Names()
        self._read_at = -1
        self._keywords = frozenset(self._names.keywords)

    def now(self) -> Names:
        """The names as they are. What cannot be read, in a failed transaction, stays as it was."""
        if self._read_at != self._terminal.definitions:
            try:
                self._names = read(self._terminal.session.connection)
                self._read_at = self._terminal.definitions
                self._keywords = frozenset(self._names.keywords)
            except duckdb.Error:
                return self._names
        return self._names

    def keywords(self) -> frozenset[str]:
        """DuckDB's keywords and ours, in capitals."""
        self.now()
        return self._keywords


def read(connection: duckdb.DuckDBPyConnection) -> Names:
    """All names of an open database, through the connection that no statement runs on."""

    def rows(sql: str) -> list[tuple[str, ...]]:
        return connection.execute(sql).fetchall()

    tables = dict[str, list[str]]()
    for table, column, _ in (columns := rows(_COLUMNS)):
        tables.setdefault(table, []).append(column)
    indexes, models = dict[str, str](), {DEFAULT}
    for database, kind in rows(_OURS):
        place = f"{quoted(database)}.augur.{kind}"
        if kind == "indexes":
            indexes |= {name: source for name, source in rows(f"SELECT name, source FROM {place}")}
        else:
            models |= {name for (name,) in rows(f"SELECT name FROM {place}")}
    functions = {name for (name,) in rows("SELECT DISTINCT function_name FROM duckdb_functions()")}
    plain = {name for name in functions if name[:1].isalpha() and not name.startswith("augur_")}
    keywords = {name.upper() for (name,) in rows("SELECT keyword_name FROM duckdb_keywords()")}
    theirs = {name for (name,) in rows("SELECT name FROM duckdb_settings()")}
    return Names(
        tables=tables,
        schemas=sorted({schema for _, _, schema in columns}),
        indexes=indexes,
        models=sorted(models),
        functions=sorted(plain | set(OUR_FUNCTIONS) | {"augur_calls", "augur_errors"}),
        keywords=sorted(keywords | set(OUR_WORDS)),
        settings=sorted({*theirs, *settings.names()}),
    )
