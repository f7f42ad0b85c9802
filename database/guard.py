"""Turns what DuckDB reports of a failed statement into what happened, where the user wrote it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql.database.connectors.extensions import missing
from augursql.database.watch import Watch
from augursql.errors import AugurError, InterruptedStatementError, caret
from augursql.masking import masked, secrets_of, without

_EXCERPT = re.compile(r"\n+LINE \d+:.*", re.DOTALL)
_NAMED = re.compile(r'"([^"\n]+)"|with name (\w+)')


@contextmanager
def errors_of(
    sql: str, failures: list[BaseException], watch: Watch, rewritten: bool
) -> Iterator[None]:
    """Turns DuckDB's report of a failure into the failure itself.

    `failures` are what our functions raised while DuckDB ran them. Where DuckDB ran a rewritten
    statement, its excerpt of that is replaced by the place in `sql`, the user's. What is secret in
    either is masked.
    """
    failures.clear()
    try:
        yield
    except AugurError as error:
        raise error.located(_place(error.message, sql), sql) from error.__cause__
    except duckdb.Error as error:
        if watch.cancelled:
            raise InterruptedStatementError("The statement was cancelled.") from None
        ours = next((f for f in failures if isinstance(f, AugurError)), None)
        if ours is not None:
            raise ours.located(None, sql) from None
        lacks = missing(str(error))
        if lacks is not None:
            raise lacks.located(None, sql) from None
        told = _without_secrets(str(error), sql)
        if not failures and rewritten:
            raise type(error)(_in_the_users_words(told, sql)) from None
        if told == str(error):
            raise
        raise type(error)(told) from None


def _without_secrets(message: str, sql: str) -> str:
    """DuckDB's message; its excerpt may begin within a secret, where nobody would know it."""
    secrets = secrets_of(sql)
    return without(_EXCERPT.sub("", message) if secrets else message, secrets)


def _in_the_users_words(message: str, sql: str) -> str:
    plain = _EXCERPT.sub("", message)
    place = _place(plain, sql)
    return plain if place is None else f"{plain}\n\n{caret(masked(sql), place)}"


def _place(message: str, sql: str) -> tuple[int, int] | None:
    """Where the first thing that a message names, in double quotes, stands in the statement."""
    for name in ("".join(groups) for groups in _NAMED.findall(message)):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)
        if found:
            return found.span()
    return None
