"""Our functions under their plain names, as macros of the user's database.

DuckDB's system catalog takes no macros, so those that every connection to a database is to see lie
in its schema `main`, beside the user's own, which always win. All that they call are the functions
with stable names, qualified; this is also how a macro of ours is told from one of the user's.
"""

import re
from collections.abc import Iterator

import duckdb

from augursql.planner.kinds import INPUTS
from augursql.planner.lexer import quoted

FUNCTIONS = frozenset(("predict", "classify", "embed", "similarity", "search", "augur"))
NAMES = tuple(INPUTS)
VERSION = 1
_OURS = "contains(macro_definition, '\"system\".main.augur_')"
_DEFINED = re.compile(
    r"\b(?:macro|function)\s+(?:if\s+not\s+exists\s+)?(?:\"?\w+\"?\s*\.\s*)*"
    rf"\"?({'|'.join(sorted(FUNCTIONS))})\b",
    re.IGNORECASE,
)
# An input that was not given: no text of anybody's.
NOT_GIVEN = "\x01"
_NONE = "chr(1)"
_INPUTS = ["input", "input2", "input3", "input4"]
_PREDICT = [
    "index",
    "model",
    "version",
    "top",
    "random",
    "with",
    "strategy",
    "class_weight",
    "seed",
]
_CLASSIFY = ["model", "version", "with"]
_ENCODER = ["model", "version"]


def create(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Makes the macros in a database's schema `main`, where the user has none of the same name.

    The functions with stable names have to be registered.
    """
    _drop(connection, database, _existing(connection, database))
    for statement in _statements(f"{quoted(database)}.main"):
        connection.execute(statement)
    connection.execute(
        f"CREATE OR REPLACE MACRO {quoted(database)}.augur.macros_version() AS {VERSION}"
    )


def are_current(connection: duckdb.DuckDBPyConnection, database: str) -> bool:
    """Whether this version made the macros. Not for use in a transaction: a no may abort it."""
    try:
        found = connection.execute(f"SELECT {quoted(database)}.augur.macros_version()").fetchall()
    except duckdb.Error:
        return False
    return bool(found[0][0] == VERSION)


def create_temporary(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes augur() for this connection alone, unless there is one already."""
    if not function_exists(connection, "augur"):
        connection.execute(_augur("CREATE TEMPORARY MACRO augur"))


def function_exists(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a function or macro of that name exists."""
    return bool(
        connection.execute(
            "SELECT 1 FROM duckdb_functions() WHERE function_name = ? LIMIT 1", [name]
        ).fetchall()
    )


def defined_in(sql: str) -> frozenset[str]:
    """Names of ours that a text defines as macros of its own."""
    return frozenset(name.lower() for name in _DEFINED.findall(sql))


def step_aside(connection: duckdb.DuckDBPyConnection, database: str, names: frozenset[str]) -> bool:
    """Drops our macros of these names, so that the user can have them; whether there were any."""
    ours = [found for found in _existing(connection, database) if found[0] in names]
    _drop(connection, database, ours)
    if names == FUNCTIONS:  # Who looks for them later is to find that they are not there.
        connection.execute(f"DROP MACRO IF EXISTS {quoted(database)}.augur.macros_version")
    return bool(ours)


def functions_of_the_user(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Macros and functions of the user's that are called like ours: those stay what they are.

    A function that was registered from Python counts as DuckDB's own, which has none of our names.
    """
    found = connection.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE "
        f"lower(function_name) IN ({', '.join('?' * len(NAMES))}) "
        f"AND NOT coalesce({_OURS}, false)",
        list(NAMES),
    ).fetchall()
    return frozenset(str(row[0]) for row in found)


def _existing(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Name and type of each macro of ours."""
    found = connection.execute(
        "SELECT DISTINCT function_name, function_type FROM duckdb_functions() "
        f"WHERE NOT internal AND schema_name = 'main' AND {_OURS} "
        "AND database_name = ?",
        [database],
    ).fetchall()
    return [(str(name), str(kind)) for name, kind in found]


def _drop(
    connection: duckdb.DuckDBPyConnection, database: str, macros: list[tuple[str, str]]
) -> None:
    for name, kind in macros:
        table = "TABLE " if kind == "table_macro" else ""
        connection.execute(f"DROP MACRO {table}{quoted(database)}.main.{name}")


def _statements(schema: str) -> Iterator[str]:
    """CREATE MACRO for each of our functions.

    An argument that is not given is NULL. `concat` of a parameter makes DuckDB put off its
    look at augur_type() until the macro is called: only then are the arguments constants.
    """
    make = f"CREATE MACRO IF NOT EXISTS {schema}."
    yield _augur(f"{make}augur")
    named = _named(_PREDICT)
    texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in _INPUTS)
    document = (
        f"CASE WHEN CAST(input2 AS VARCHAR) IS NOT DISTINCT FROM {_NONE} "
        "THEN CAST(input AS VARCHAR) "
        f"ELSE system.main.augur_document(target, {named}, to_json([{texts}])) END"
    )
    inputs = ", ".join(["input", *(f"{name} := {_NONE}" for name in _INPUTS[1:])])
    yield (
        f"{make}predict(target, {inputs}, {_parameters(_PREDICT)}) AS "
        f"from_json(system.main.augur_predict(target, {named}, {document}), "
        f"system.main.augur_type('predict', concat(target), {named}))"
    )
    named = _named(_CLASSIFY)
    yield (
        f"{make}classify(input, labels, {_parameters(_CLASSIFY)}) AS "
        f"from_json(system.main.augur_classify({named}, CAST(input AS VARCHAR), "
        f"CAST(to_json(labels) AS VARCHAR)), "
        f"system.main.augur_type('classify', concat(model), {named}))"
    )
    named = _named(_ENCODER)
    yield (
        f"{make}embed(input, {_parameters(_ENCODER)}) AS "
        f"cast_to_type(system.main.augur_embed({named}, CAST(input AS VARCHAR)), "
        f"from_json('null', system.main.augur_type('embed', concat(model), {named})))"
    )
    yield (
        f"{make}similarity(a, b, {_parameters(_ENCODER)}) AS "
        f"system.main.augur_similarity({named}, CAST(a AS VARCHAR), CAST(b AS VARCHAR))"
    )
    named = _named(["k", "filter"])
    yield (
        f'{make}search("index", query, k := 10, filter := NULL) AS TABLE '
        "SELECT __r.* EXCLUDE (__augur_row, __augur_entry), __h.similarity, __h.rank "
        f'FROM (SELECT unnest(system.main.augur_search("index", {named}, '
        "CAST(query AS VARCHAR)), recursive := true)) AS __h "
        'JOIN query(system.main.augur_rows("index")) AS __r ON __r.__augur_row = __h."row" '
        "ORDER BY __h.rank"
    )


def _augur(create: str) -> str:
    return f"{create}(statement) AS TABLE SELECT * FROM query(system.main.augur_sql(statement))"


def _parameters(names: list[str]) -> str:
    return ", ".join(f"{quoted(name)} := NULL" for name in names)


def _named(names: list[str]) -> str:
    fields = ", ".join(f"'{name}': {quoted(name)}" for name in names)
    return f"to_json({{{fields}}})"
