"""AugurSQL: predict, classify, search and generate in SQL, inside DuckDB.

    import augursql
    con = augursql.connect("hotels.duckdb")
    con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    con.execute("SELECT hotel, predict('rating', review USING INDEX hotels) FROM reviews").df()

The package is a house with floors; a room imports only rooms below it: `frontends` over `database`
over `udfs` over `planner` and `engine`, and on the ground `settings`, `types` and `errors`. This
module is the door: it loads nothing heavy until something is used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from os import PathLike

    from augursql.frontends.dbapi.connection import Connection
    from augursql.frontends.quack.server import Server
    from augursql.types import Monitor

apilevel = "2.0"
threadsafety = 2
paramstyle = "qmark"

ERRORS = (
    *("Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError"),
    *("IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError"),
)
_TYPES = (
    *("STRING", "BINARY", "NUMBER", "DATETIME", "ROWID", "Binary", "Date", "Time", "Timestamp"),
    *("DateFromTicks", "TimeFromTicks", "TimestampFromTicks"),
)


def connect(
    path: "str | PathLike[str]" = ":memory:",
    *,
    read_only: bool = False,
    config: dict[str, Any] | None = None,
    settings: dict[str, object] | None = None,
    monitor: "Monitor | None" = None,
    progress: "Callable[[str, int, int | None], object] | None" = None,
    autocommit: bool = True,
) -> "Connection":
    """Opens a DuckDB database that speaks AugurSQL.

    `path`: a DuckDB file, created if missing, or ':memory:'. `config`: DuckDB's own options.
    `settings`: ours without their prefix, such as {"dtype": "fp32"}. `progress` is called with a
    label, how many texts are done and how many there are, None if unknown; instead, `monitor` is
    told everything. By default a progress bar shows where a person is watching. `autocommit` False
    is PEP 249's own behaviour: the first statement begins a transaction.
    """
    from augursql.frontends.dbapi.connection import Connection

    if progress is not None:
        from augursql.frontends.progress import Calling

        monitor = Calling(progress)
    return Connection(
        path,
        read_only=read_only,
        config=config,
        settings=settings,
        monitor=monitor,
        autocommit=autocommit,
    )


def serve(
    path: "str | os.PathLike[str]" = ":memory:",
    *,
    port: int = 9494,
    host: str = "localhost",
    token: str | None = None,
    users: "str | os.PathLike[str] | None" = None,
    read_only: bool = False,
    external_access: bool = True,
    config: dict[str, Any] | None = None,
    settings: dict[str, object] | None = None,
) -> "Server":
    """Serves a database to DuckDB shells by Quack, until its `stop()`; also a context manager.

    `port` 0 takes a free one. `users` is a TOML file; without it there is one token, made anew
    unless it is given, and the server listens on this machine only. `line` of what comes back opens
    a shell, `uri` is for ATTACH. Without `external_access` clients read and write no files.
    """
    from pathlib import Path

    from augursql.frontends.quack.server import Server
    from augursql.frontends.quack.users import read_users

    return Server(
        path,
        port=port,
        host=host,
        token=token,
        users=read_users(Path(users)) if users is not None else None,
        read_only=read_only,
        external_access=external_access,
        config=config,
        settings=settings,
    )


def __getattr__(name: str) -> Any:
    """PEP 249's exceptions and types, loaded when they are first asked for."""
    if name in ERRORS:
        from augursql.frontends.dbapi import errors

        return getattr(errors, name)
    if name in _TYPES:
        from augursql.frontends.dbapi import types

        return getattr(types, name)
    raise AttributeError(f"module 'augursql' has no attribute {name!r}")
