"""The functions that statements may call, besides ours: what the planner's rules ask of them."""

from collections.abc import Mapping

import duckdb

from augursql.planner.reading import FunctionKind

LIST = """
SELECT lower(function_name), CASE
    WHEN function_type = 'aggregate' THEN 'aggregate'
    WHEN NOT internal THEN 'unknown'
    WHEN function_type = 'macro' AND NOT regexp_matches(function_name, '^(list|array|map|nullif)')
      THEN 'unknown'
    WHEN stability = 'VOLATILE' THEN 'volatile'
    ELSE 'scalar' END
FROM duckdb_functions() WHERE function_type <> 'table' {} GROUP BY ALL
"""
# The most careful answer for a name that several functions share.
CAREFUL: tuple[FunctionKind, ...] = ("scalar", "aggregate", "volatile", "unknown")
# Functions that tell of the statement itself are another's when it is written otherwise.
SPECIAL: Mapping[str, FunctionKind] = {"currval": "volatile", "current_query": "volatile"}


class Functions:
    """Kinds by lower-case name. Read when they are first asked for: the list takes 10 ms."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._built_in: dict[str, FunctionKind] = {}
        self._all: dict[str, FunctionKind] | None = None

    def changed(self) -> None:
        """The user may have made or dropped a function."""
        self._all = None

    def kinds(self) -> Mapping[str, FunctionKind]:
        if not self._built_in:
            self._built_in = self._read("AND internal")
        if self._all is None:
            self._all = {**self._built_in, **self._read("AND NOT internal"), **SPECIAL}
        return self._all

    def _read(self, where: str) -> dict[str, FunctionKind]:
        found: dict[str, FunctionKind] = {}
        for name, kind in self._connection.execute(LIST.format(where)).fetchall():
            found[name] = max(kind, found.get(name, kind), key=CAREFUL.index)
        return found
