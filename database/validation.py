"""Conditions that answers have to satisfy, evaluated by DuckDB."""

from collections.abc import Sequence
from functools import partial

import duckdb
import pyarrow as pa

from augursql.database.catalog import first_line
from augursql.errors import InvalidValueError
from augursql.planner.lexer import Span
from augursql.udfs.replies import Check

_ANSWERS, _NUMBER = "augur_answers", "augur_number"


def check_of(
    connection: duckdb.DuckDBPyConnection, condition: str, type_: str, place: Span
) -> Check:
    """A check of the condition over `value`, of that type.

    It runs on connections of its own, as it is called while a statement runs on the session's, and
    sees what is committed. Raises InvalidValueError where it is no such condition.
    """
    cursor = connection.cursor()
    try:
        if not _stands_alone(cursor, condition):
            raise InvalidValueError("validate is one condition over value.", span=place)
        sample = f"(SELECT 0 AS {_NUMBER}, CAST(NULL AS {type_}) AS value)"
        cursor.execute(_holding(condition, sample)).fetchall()
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
        cursor.register(_ANSWERS, pa.table({_NUMBER: numbers, "answer": values}))
        answers = f"(SELECT {_NUMBER}, CAST(answer AS {type_}) AS value FROM {_ANSWERS})"
        rows = cursor.execute(_holding(condition, answers)).fetchall()
    except duckdb.Error as error:
        raise InvalidValueError(
            f"The condition of validate fails on an answer: {first_line(error)}",
            hint="A condition that is NULL is not satisfied: TRY_CAST(value AS INTEGER) > 3.",
        ) from error
    finally:
        cursor.close()
    held = {row[0] for row in rows}
    return [number in held for number in range(len(values))]


def _stands_alone(cursor: duckdb.DuckDBPyConnection, condition: str) -> bool:
    """Whether it is no more than a condition: its brackets are closed, and no statement follows.

    Without brackets around it, a bracket that closes too early is an error. Raises duckdb.Error.
    """
    return len(cursor.extract_statements(f"SELECT 1 WHERE {condition}")) == 1


def _holding(condition: str, answers: str) -> str:
    return f"SELECT {_NUMBER} FROM {answers} WHERE (\n{condition}\n)"
