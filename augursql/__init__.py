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
    from augursql.frontends.dbapi.connection import Connection
    from augursql.types import Monitor

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"

_DBAPI = (
    "Warning",
    "Error",
    "InterfaceError",
    "DatabaseError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
)


def connect(
    path: str = ":memory:",
    *,
    read_only: bool = False,
    config: dict[str, Any] | None = None,
    settings: dict[str, object] | None = None,
    monitor: "Monitor | None" = None,
) -> "Connection":
    """Opens a DuckDB database that speaks AugurSQL.

    `path`: a DuckDB file, created if missing, or ':memory:'. `config`: DuckDB's own options.
    `settings`: ours without their prefix, such as {"dtype": "fp32"}. `monitor`: whom long work
    reports to; by default a progress bar where a person is watching.
    """
    from augursql.frontends.dbapi.connection import Connection

    return Connection(path, read_only=read_only, config=config, settings=settings, monitor=monitor)


def __getattr__(name: str) -> Any:
    """PEP 249's exceptions, loaded when they are first asked for."""
    if name in _DBAPI:
        from augursql.frontends.dbapi import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'augursql' has no attribute {name!r}")
