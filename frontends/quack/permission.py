"""What a client may not run: what would change the server, and what a read-only user may not."""

import re

import duckdb

from augursql.errors import UnsupportedError
from augursql.planner.lexer import tokenize

_SERVERS = re.compile(r"quack_(?:auth\w*_function|serve\b|stop\b|check_token\b)", re.IGNORECASE)
_READING = (
    *("select", "from", "with", "values", "table", "show", "describe", "desc", "summarize"),
    *("pivot", "unpivot", "predict", "prompt", "evaluate", "begin", "start", "commit", "end"),
    *("rollback", "abort", "use", "prepare", "execute", "deallocate", "("),
)
_READS = {"SELECT", "EXPLAIN", "TRANSACTION", "PREPARE", "EXECUTE", "RELATION", "SET"}


def check_server(sql: str) -> None:
    """Raises UnsupportedError for a statement that names what guards the server."""
    if _SERVERS.search(sql):
        raise UnsupportedError(
            "Whom the server lets in is not changed by its clients.",
            hint="Change it where the server is started.",
        )


def check_reading(sql: str, user: str) -> None:
    """Raises UnsupportedError for a statement that begins as no query does."""
    words = [token.text.lower() for token in tokenize(sql) or []][:4] or ["select"]
    if words[0] == "explain":
        words = words[2:] if words[1:2] in (["analyze"], ["verbose"]) else words[1:]
    if words[:1] in (["set"], ["reset"]) and any(w.startswith("augur_") for w in words[1:3]):
        return
    if words[:1] != [] and words[0] not in _READING:
        _refuse(user)


def check_types(connection: duckdb.DuckDBPyConnection, sql: str, user: str) -> None:
    """Raises UnsupportedError where DuckDB's parser finds more than queries in a text."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error:
        return  # DuckDB will say what is wrong with it.
    if any(statement.type.name not in _READS for statement in statements):
        _refuse(user)


def _refuse(user: str) -> None:
    raise UnsupportedError(
        f'"{user}" may read and predict, and change nothing on this server.',
        hint="Keep results on your side: CREATE TABLE mine AS FROM query($$ SELECT ... $$).",
    )
