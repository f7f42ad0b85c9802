"""The dialect behind `create_engine("augur:///hotels.duckdb")`."""

import uuid
from types import SimpleNamespace
from typing import Any

import duckdb
from duckdb_sqlalchemy import DuckDBExecutionContext
from sqlalchemy import URL, Engine, event, pool

import augursql
from augursql.frontends.dbapi.errors import InterfaceError
from augursql.frontends.sqlalchemy.reflection import Reflection


class AugurExecutionContext(DuckDBExecutionContext):  # type: ignore[misc]
    """Without what duckdb-sqlalchemy does for a cursor that is not PEP 249's."""

    @classmethod
    def _init_compiled(cls, *given: Any, **named: Any) -> Any:
        context = super()._init_compiled(*given, **named)
        if context.isinsert and not context.compiled.effective_returning:
            # Inserted rows are counted as well, also where they are written in several batches.
            counting = {"preserve_rowcount": True}
            context.execution_options = context.execution_options.union(counting)
        return context

    def _setup_result_proxy(self) -> Any:
        size = self.execution_options.get("arraysize")
        if size is not None:
            self.cursor.arraysize = size
        return super(DuckDBExecutionContext, self)._setup_result_proxy()


class AugurDialect(Reflection):
    """DuckDB's SQL over the connections of `augursql.connect`.

    Its name stays "duckdb", by which SQLAlchemy, Alembic and others choose what they write.
    Transactions begin with the first statement and end with COMMIT or ROLLBACK, as PEP 249 has it.
    """

    driver = "augursql"
    supports_statement_cache = True
    execution_ctx_cls = AugurExecutionContext

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._anchors: list[duckdb.DuckDBPyConnection] = []

    @classmethod
    def import_dbapi(cls) -> Any:
        names = ("apilevel", "threadsafety", "Binary", *augursql.ERRORS)
        given = {name: getattr(augursql, name) for name in names}
        # A parameter that stands twice is one: `GROUP BY a + $1` is what was selected. There is no
        # version, because the dialect's ancestor would take it for psycopg2's.
        return SimpleNamespace(**given, paramstyle="numeric_dollar")

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.QueuePool

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        def disposed(engine: Engine) -> None:
            engine.dialect.let_go()  # type: ignore[attr-defined]

        event.listen(engine, "engine_disposed", disposed)

    def create_connect_args(self, url: URL) -> tuple[tuple[()], dict[str, Any]]:
        """`?read_only=true`, our settings with their prefix; what else there is, is DuckDB's."""
        config = {name: str(value) for name, value in url.query.items()}
        settings = {name: config.pop(name) for name in list(config) if name.startswith("augur_")}
        read_only = config.pop("read_only", "false").lower() in ("true", "1", "on", "yes")
        path = url.database or ":memory:"
        if path == ":memory:":
            # With a name, all connections of the engine share one database.
            path = f":memory:{uuid.uuid4().hex}"
        given = {"path": path, "read_only": read_only, "config": config, "settings": settings}
        return (), given

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        """A connection of ours; a database in memory lives until the engine is disposed of."""
        path, config = kwargs["path"], kwargs["config"]
        if path.startswith(":memory:") and not self._anchors:
            self._anchors.append(duckdb.connect(path, config=config))
        return augursql.connect(*args, autocommit=False, **kwargs)

    def let_go(self) -> None:
        """Lets go of the database in memory."""
        while self._anchors:
            self._anchors.pop().close()

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing: the first statement begins the transaction."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        dbapi_connection.rollback()

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, parameters or None)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        cursor.execute(statement)

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        gone = (duckdb.ConnectionException, duckdb.FatalException)
        if isinstance(e.__cause__, gone):
            return True
        return isinstance(e, InterfaceError) and "connection is closed" in str(e)
