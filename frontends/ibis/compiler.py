"""Our functions as Ibis expressions, and the SQL that they become: Ibis builds it with sqlglot."""

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.rules as rlz
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.common.collections import FrozenDict
from ibis.common.typing import VarTuple


class Call(ops.Value):
    """A call of a function of ours: `name(inputs..., argument := value...)`."""

    name: str
    inputs: VarTuple[ops.Value[Any]]
    arguments: FrozenDict[str, Any]
    dtype: dt.DataType

    shape = rlz.shape_like("inputs")


class Compiler(DuckDBCompiler):
    """DuckDB's SQL, with our functions in it."""

    __slots__ = ()

    def visit_Call(  # noqa: N802  the operation's name
        self, op: Call, *, name: str, inputs: Any, arguments: Any, dtype: dt.DataType
    ) -> Any:
        named = [
            sge.PropertyEQ(this=sge.to_identifier(key), expression=sge.convert(_plain(value)))
            for key, value in arguments.items()
        ]
        # sqlglot has a PREDICT of its own, which is another one.
        return sge.Anonymous(this=name, expressions=[*inputs, *named])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
