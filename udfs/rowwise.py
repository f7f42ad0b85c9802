"""Functions of single values, for what is asked of a server rather than of a model."""

from collections.abc import Callable, Sequence
from typing import Any

from augursql.udfs.function import positional


def register_rowwise(
    connection: Any, name: str, parameters: Sequence[str], returns: str, answer: Callable[..., Any]
) -> None:
    """Makes `answer` callable from SQL, row by row and each time anew.

    `parameters` and `returns` are DuckDB type names; None is NULL, and where a parameter is NULL,
    so is the answer.
    """
    import pyarrow as pa

    kind = pa.bool_() if returns == "BOOLEAN" else pa.string()

    def called(*columns: Any) -> Any:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else answer(*row) for row in rows], kind)

    positional(called, len(parameters))
    connection.create_function(
        name, called, list(parameters), returns, type="arrow", side_effects=True
    )
