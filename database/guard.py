"""Turns what DuckDB reports of a failed statement into what happened, where the user wrote it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql.database.watch import Watch
from augursql.errors import AugurError, InterruptedStatementError, caret

_REWRITTEN = re.compile(r"\n+LINE \d+:.*", re.DOTALL)
_NAMED = re.compile(r'"([^"\n]+)"|with name (\w+)')


@contextmanager
def errors_of(
    sql: str, failures: list[BaseException], watch: Watch, rewritten: bool
) -> Iterator[None]:
    """Turns DuckDB's report of a failure into the failure itself.

    `failures` are what our functions raised while DuckDB ran them. Where DuckDB ran a rewritten
    statement, its excerpt of that is replaced by the place in `sql`, the user's.
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
        if failures or not rewritten:
            raise
        raise type(error)(_in_the_users_words(str(error), sql)) from None


def _in_the_users_words(message: str, sql: str) -> str:
    plain = _REWRITTEN.sub("", message)
    place = _place(plain, sql)
    return plain if place is None else f"{plain}\n\n{caret(sql, place)}"


def _place(message: str, sql: str) -> tuple[int, int] | None:
    """Where the first thing that a message names, in double quotes, stands in the statement."""
    for name in ("".join(groups) for groups in _NAMED.findall(message)):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)
        if found:
            return found.span()
    return None
