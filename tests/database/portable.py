"""What tests of definitions and of plain clients share."""

from augursql.frontends.dbapi.connection import Connection

VIEW = (
    "CREATE VIEW v AS SELECT id, predict('rating', review USING INDEX hotels) AS p FROM reviews "
    "ORDER BY id"
)
FUNCTIONS = ("predict", "classify", "embed", "similarity", "search", "augur")


def opened(path: str, **arguments: bool) -> Connection:
    return Connection(path, settings={"progress": "off"}, **arguments)


def file_of(session: Connection) -> str:
    """Where the session's database lies."""
    row = session.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchone()
    return str(row[0]) if row else ""
