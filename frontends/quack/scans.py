"""Scans that Quack's client makes up for an attached view: they would predict all of its rows."""

import re

import duckdb

from augursql.errors import UnsupportedError
from augursql.planner.kinds import INPUTS

_NAME = r'("(?:[^"]|"")+"|\w+)'
_SCAN = re.compile(rf"FROM {_NAME}\.{_NAME}")
_WORD = re.compile(r"\w+")
_CALLS = frozenset(f"augur_{name}" for name in INPUTS)


def check_scan(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises UnsupportedError for a scan of a view that computes predictions.

    Quack's client pushes neither columns nor conditions nor a LIMIT into a view; it asks for
    `FROM schema.view`, in just this form.
    """
    found = _SCAN.fullmatch(sql)
    if found is None:
        return
    schema, view = _unquoted(found[1]), _unquoted(found[2])
    try:
        views = connection.execute(
            "SELECT count(*) FROM duckdb_views() WHERE schema_name = ? AND view_name = ?",
            [schema, view],
        ).fetchall()
        predicts = views != [(0,)] and view.lower() in predicting(connection)
    except duckdb.Error:
        return  # It is told to who runs it.
    if predicts:
        raise UnsupportedError(
            f'The view "{view}" computes predictions, and this would compute them for all of its '
            "rows: an attached view is read as a whole, whatever WHERE and LIMIT say.",
            hint=f"Send the query to the server: FROM query($$ SELECT * FROM {found[2]} LIMIT 10 "
            "$$).",
        )


def predicting(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The lower-case names of views and macros that call our functions, or one another that does.

    By names alone: a view that mentions the name of such a view in another schema counts as well.
    """
    defined = connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT function_name, macro_definition FROM duckdb_functions() "
        "WHERE NOT internal AND macro_definition IS NOT NULL"
    ).fetchall()
    words = {str(name).lower(): set(_WORD.findall(str(sql).lower())) for name, sql in defined}
    found, new = set[str](), set(_CALLS)
    while new:
        new = {name for name, used in words.items() if used & new} - found
        found |= new
    return found


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
