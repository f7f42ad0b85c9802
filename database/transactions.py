"""All or nothing, inside the user's transaction or in one of our own."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


def in_transaction(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the user has begun a transaction.

    Outside of one every statement has a transaction, and so an id, of its own. (Trying BEGIN
    instead would abort the user's transaction in DuckDB 1.5.)
    """
    ids = [connection.execute("SELECT txid_current()").fetchall() for _ in range(2)]
    return bool(ids[0] == ids[1])


@contextmanager
def atomic(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commits what the block wrote, or nothing of it; joins a transaction that is under way."""
    if in_transaction(connection):
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
