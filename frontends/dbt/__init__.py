"""dbt-duckdb's plugin: models and hooks speak AugurSQL.

plugins:
  - module: augursql.frontends.dbt
"""

from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.plugins import BasePlugin

from augursql.database.session import Session
from augursql.frontends.dbapi.standin import StandIn
from augursql.frontends.progress import Bar


class Plugin(BasePlugin):
    """Gives each of dbt's threads a session in place of its cursor; they share the models that they
    load. The configuration is that of `augursql.connect`'s `settings`.

    A plugin may configure a cursor, but not put another one in its place: for that, the method of
    dbt's environment is replaced that hands cursors out.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        # dbt adds the settings of DuckDB that all its cursors get.
        theirs = (self.creds.settings or {}) if self.creds is not None else {}
        self._settings = {k: v for k, v in plugin_config.items() if k not in theirs}
        self._owner: StandIn | None = None

    def configure_connection(self, conn: Any) -> None:
        """Called when the database was opened: the functions that views call live on `conn`."""
        owner = Session(conn, settings=self._settings)
        self._owner = StandIn(owner)
        environment = DuckDBConnectionManager.env()
        initialize = type(environment).initialize_cursor

        def initialize_cursor(creds: Any, cursor: Any, *others: Any, **named: Any) -> Any:
            cursor.close()
            session = owner.beside(Bar(lambda: session.settings.progress))
            return initialize(creds, StandIn(session), *others, **named)

        environment.initialize_cursor = initialize_cursor
