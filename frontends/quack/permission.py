"""What a client may not run: what would change the server, and what a read-only user may not.

A statement is judged by its tokens before anything of it runs, and in doubt it is refused: a column
that is called like a verb has to be quoted. What DuckDB is to run, DuckDB's own parser then judges.
"""

import re
from collections.abc import Sequence

import duckdb

from augursql.errors import UnsupportedError
from augursql.planner.lexer import Token, tokenize

_READING = (
    *("select", "from", "with", "values", "table", "show", "describe", "desc", "summarize"),
    *("pivot", "unpivot", "predict", "prompt", "evaluate", "explain", "use", "("),
    *("begin", "start", "commit", "end", "rollback", "abort"),
)
_CHANGES = {"insert", "update", "delete", "merge"}
_VERBS = _CHANGES | {
    *("truncate", "create", "alter", "drop", "copy"),
    *("attach", "detach", "install", "load", "call", "pragma", "export", "import", "prepare"),
    *("execute", "refresh", "vacuum", "checkpoint", "set", "reset"),
}
# Functions that do something, that run texts, or that belong to the server.
_DOING = re.compile(
    r"query|query_table|json_execute\w*|nextval|\w*checkpoint|(?:enable|disable|truncate|set|load)_\w+"
    r"|(?:install|start)_\w+|\w+_execute|\w+_query|quack_(?!active_connections$)\w+"
)
_GUARDS = re.compile(r"quack_(?:auth\w*_function|serve|stop|check_token)|augur_auth\w*|augur_home")
_PARTS = ("quack_", "augur_auth", "augur_home")
_READS = {"SELECT", "EXPLAIN", "TRANSACTION", "RELATION", "SET", "VARIABLE_SET"}


def check_server(sql: str) -> None:
    """Raises UnsupportedError for a statement that names what guards the server, or where it keeps
    its models."""
    text = sql.lower()
    if not any(part in text for part in _PARTS):
        return
    for token in tokenize(sql) or ():
        named = token.value.lower() if token.kind in ("word", "name") else ""
        if _GUARDS.fullmatch(named):
            raise UnsupportedError(
                f'"{named}" is the server\'s, and not changed by its clients.',
                hint="Change it where the server is started.",
            )


def check_reading(sql: str, user: str) -> None:
    """Raises UnsupportedError for a text that may do more than read, or that DuckDB cannot split
    into tokens."""
    tokens = tokenize(sql)
    if tokens is None or any(token.text == ";" for token in tokens[:-1]):
        raise _refused(user)
    if not tokens:
        return
    words = [token.text.lower() if token.kind in ("word", "symbol") else "" for token in tokens]
    if words[0] in ("set", "reset"):
        if not any(word.startswith("augur_") for word in words[1:3]):
            raise _refused(user)
        return
    if words[0] not in _READING or any(_does(tokens, at) for at in range(len(tokens))):
        raise _refused(user)
    verbs = _VERBS if words[0] in ("explain", "with", "(") else _CHANGES
    if verbs & set(words):
        raise _refused(user)


def check_types(connection: duckdb.DuckDBPyConnection, sql: str, user: str) -> None:
    """Raises UnsupportedError where DuckDB's parser finds more than one query in a text."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error:
        return  # DuckDB will say what is wrong with it.
    if len(statements) > 1 or any(statement.type.name not in _READS for statement in statements):
        raise _refused(user)


def _does(tokens: Sequence[Token], at: int) -> bool:
    """Whether a function is called there that does more than compute."""
    called = at + 1 < len(tokens) and tokens[at + 1].text == "("
    return called and _DOING.fullmatch(tokens[at].value.lower()) is not None


def _refused(user: str) -> UnsupportedError:
    return UnsupportedError(
        f'"{user}" may read and predict, and change nothing on this server.',
        hint="Keep results on your side: CREATE TABLE mine AS FROM query($$ SELECT ... $$).",
    )
