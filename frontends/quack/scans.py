"""Scans that Quack's client makes up for an attached view: they would predict all of its rows."""

import re

import duckdb

from augursql.errors import UnsupportedError

_NAME = r'("(?:[^"]|"")+"|\w+)'
_SCAN = re.compile(rf"FROM {_NAME}\.{_NAME}")
_PREDICTS = re.compile(r"\baugur_(?:predict|classify|embed|similarity|search)\(")


def check_scan(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises UnsupportedError for a scan of a view that computes predictions.

    Quack's client pushes neither columns nor conditions nor a LIMIT into a view; it asks for
    `FROM schema.view`, in just this form.
    """
    found = _SCAN.fullmatch(sql)
    if found is None:
        return
    view = _unquoted(found[2])
    try:
        views = connection.execute(
            "SELECT count(*) FROM duckdb_views() WHERE schema_name = ? AND view_name = ?",
            [_unquoted(found[1]), view],
        ).fetchall()
        if views == [(0,)]:
            return
        plan = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
    except duckdb.Error:
        return  # It is told to who runs it.
    if _PREDICTS.search(str(plan)):
        raise UnsupportedError(
            f'The view "{view}" computes predictions, and this would compute them for all of its '
            "rows: an attached view is read as a whole, whatever WHERE and LIMIT say.",
            hint=f"Send the query to the server: FROM query($$ SELECT * FROM {found[2]} LIMIT 10 "
            "$$).",
        )


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
