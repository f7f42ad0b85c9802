"""The adapter: Harlequin's own for DuckDB, and a session over the connection that it opens."""

from harlequin_duckdb import DuckDbAdapter

from augursql.database.session import Session
from augursql.frontends.harlequin.connection import Connection


class Adapter(DuckDbAdapter):
    """`augur`, with all options of the adapter `duckdb`."""

    ADAPTER_DETAILS = "AugurSQL: predict, classify, search and generate in SQL, inside DuckDB."

    def connect(self) -> Connection:
        """Opens the databases, and runs the initialisation script as plain SQL."""
        opened = super().connect()
        return Connection(Session(opened.conn), opened.init_message)
