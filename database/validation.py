"""Conditions that answers have to satisfy, evaluated by DuckDB."""

from collections.abc import Sequence
from functools import partial

import duckdb
import pyarrow as pa

from augursql.database.catalog import first_line
from augursql.errors import InvalidValueError
from augursql.planner.lexer import Span
from augursql.udfs.replies import Check

_ANSWERS = "augur_answers"


def check_of(
    connection: duckdb.DuckDBPyConnection, condition: str, type_: str, place: Span
) -> Check:
    """A check of the condition over `value`, of that type.

    It runs on connections of its own, as it is called while a statement runs on the session's, and
    sees what is committed. Raises InvalidValueError where it is no such condition.
    """
    cursor = connection.cursor()
    try:
        cursor.execute(f"SELECT {_held(condition)} FROM (SELECT CAST(NULL AS {type_}) AS value)")
        cursor.fetchall()
    except duckdb.Error as error:
        raise InvalidValueError(
            f"validate is not a condition over value: {first_line(error)}",
            hint="For example validate = 'value BETWEEN 1 AND 5'.",
            span=place,
        ) from error
    finally:
        cursor.close()
    return Check(condition, partial(_holds, connection, condition, type_))


def _holds(
    connection: duckdb.DuckDBPyConnection, condition: str, type_: str, values: pa.Array
) -> Sequence[bool]:
    cursor = connection.cursor()
    try:
        numbers = pa.array(range(len(values)), pa.int64())
        cursor.register(_ANSWERS, pa.table({"number": numbers, "answer": values}))
        rows = cursor.execute(
            f"SELECT {_held(condition)} FROM (SELECT number, CAST(answer AS {type_}) AS value "
            f"FROM {_ANSWERS}) ORDER BY number"
        ).fetchall()
    finally:
        cursor.close()
    return [bool(row[0]) for row in rows]


def _held(condition: str) -> str:
    return f"coalesce(CAST(({condition}) AS BOOLEAN), false)"
