"""The backend: what Ibis compiles goes through a session."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend as DuckDB
from ibis.common.collections import FrozenDict

from augursql.database.session import Session
from augursql.frontends.dbapi.standin import StandIn
from augursql.frontends.ibis.compiler import Call, Compiler
from augursql.frontends.progress import Bar
from augursql.planner.lexer import literal
from augursql.planner.scan import speaks_augur

_MEMORY = ("", ":memory:")


class Backend(DuckDB):
    """`ibis.augur`: everything that `ibis.duckdb` has, and predictions."""

    compiler = Compiler()

    def do_connect(
        self,
        database: str | Path = ":memory:",
        read_only: bool = False,
        extensions: Sequence[str] | None = None,
        **config: Any,
    ) -> None:
        """Opens a database that speaks AugurSQL.

        `database`: a DuckDB file, created if missing, or ':memory:'; `config`: DuckDB's options.
        """
        path = str(database) if str(database) in _MEMORY else str(Path(database).absolute())
        self._take(path, extensions, read_only=read_only, config=config)

    @classmethod
    def from_connection(
        cls, con: duckdb.DuckDBPyConnection, /, *, extensions: Sequence[str] | None = None
    ) -> "Backend":
        """A client over an open connection of DuckDB's, which speaks AugurSQL from then on."""
        made = cls(extensions=extensions)
        made._can_reconnect = False
        made._take(con, extensions)
        return made

    def raw_sql(self, query: Any, **options: Any) -> StandIn:
        """Runs a statement of DuckDB's or ours."""
        if isinstance(query, sge.Drop) and not query.args.get("tables"):
            # Ibis 12.0 says what to drop where sqlglot looked for it before version 30.20.
            query.set("tables", [query.this])
        text = query if isinstance(query, str) else query.sql(dialect=self.dialect)
        return self.con.execute(text, **options)

    def sql(self, query: str, /, *, schema: Any = None, dialect: str | None = None) -> ir.Table:
        """The rows of a query of DuckDB's or ours, as a table expression."""
        if dialect is None and speaks_augur(query):
            query = f"SELECT * FROM augur({literal(query.strip().rstrip(';'))})"
        return super().sql(query, schema=schema, dialect=dialect)

    def predict(self, target: str, *inputs: ir.Value, index: str, **clauses: Any) -> ir.Value:
        """predict() as an expression of the target's type, computed when the expression is.

        `clauses` are the named arguments of predict(): `top`, `random`, `with_`, `on_error`, and
        its options such as `strategy`.
        """
        named = {name.rstrip("_"): value for name, value in clauses.items()}
        return self._call("predict", (ibis.literal(target), *inputs), {"index": index, **named})

    def classify(self, text: ir.Value, labels: Sequence[str], **clauses: Any) -> ir.Value:
        """classify() as an expression; `clauses` are its named arguments: `model`, `with_`."""
        named = {name.rstrip("_"): value for name, value in clauses.items()}
        return self._call("classify", (text, ibis.literal(list(labels))), named)

    def _call(self, name: str, inputs: Sequence[ir.Value], arguments: dict[str, Any]) -> ir.Value:
        named = FrozenDict(
            {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}
        )
        # The type depends on the constants alone.
        asked = [i if isinstance(i.op(), ops.Literal) else ibis.null("string") for i in inputs]
        described = Call(name, tuple(asked), named, dt.string).to_expr()
        [kind] = self._get_schema_using_query(self.compile(described)).types
        return Call(name, tuple(inputs), named, kind).to_expr()

    def _take(
        self, path: "str | duckdb.DuckDBPyConnection", extensions: Any, **options: Any
    ) -> None:
        session = Session(path, monitor=Bar(lambda: session.settings.progress), **options)
        self.con = StandIn(session)
        self._post_connect(extensions)
