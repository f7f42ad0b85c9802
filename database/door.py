"""What DuckDB holds in place of our functions, so that a session can rule what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from augursql.database.desk import Desk, Mode
from augursql.errors import InvalidValueError
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import Counts


@dataclass(slots=True)
class Asked:
    """What a function was asked while its door collected: rows, and the distinct inputs."""

    rows: int = 0
    inputs: dict[tuple[str | None, ...], None] = field(default_factory=dict)

    def add(self, columns: Sequence[Any]) -> None:
        texts = [_texts(column) for column in columns]
        self.rows += len(texts[0])
        self.inputs.update(dict.fromkeys(zip(*texts, strict=True)))

    def columns(self) -> list[pa.ChunkedArray]:
        """The distinct inputs as the function's parameters; at least one of each is not NULL."""
        kept = [row for row in self.inputs if row[0] is not None]
        columns = zip(*kept, strict=True)
        return [pa.chunked_array([pa.array(column, pa.string())]) for column in columns]


class Door:
    """Stands before one function. It can be closed, which frees what is behind it: DuckDB does not
    let go of a function while a prepared statement may call it.
    """

    def __init__(self, function: VectorFunction, desk: Desk) -> None:
        self._function: VectorFunction | None = function
        self._desk = desk
        self._answers: dict[tuple[str | None, ...], int] = {}
        self._values: pa.Array | None = None
        self.asked = Asked()

    def close(self) -> None:
        self._function = None
        self.forget()

    def forget(self) -> None:
        """Lets go of what was collected and answered ahead."""
        self.asked, self._answers, self._values = Asked(), {}, None

    def answer_ahead(self) -> None:
        """Computes the answers to all that was collected, in one batch, and keeps them."""
        columns = self.asked.columns()
        if self._function is None or not columns:
            return
        rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
        self._values = self._function.compute(*columns)
        self._function.tally.add(Counts(rows=-len(rows)))  # Rows are counted when DuckDB asks.
        self._answers = {row: i for i, row in enumerate(rows)}

    def call(self, *columns: Any) -> pa.Array:
        """Answers a chunk as the session's mode says."""
        try:
            if self._desk.mode is Mode.COLLECT:
                self.asked.add(columns)
                return pa.nulls(len(columns[0]))
            return self._answered(columns)
        except BaseException as error:
            self._desk.failures.append(error)
            raise

    def _answered(self, columns: Sequence[Any]) -> pa.Array:
        function = self._function
        if function is None:
            raise InvalidValueError(
                "The index of this statement has changed.", hint="Prepare the statement again."
            )
        if self._values is None:
            return self._paid(function, columns)
        rows = list(zip(*(_texts(column) for column in columns), strict=True))
        known = [None if row[0] is None else self._answers.get(row, -1) for row in rows]
        if -1 in known:
            return self._paid(function, columns)  # The rows have changed since.
        function.tally.add(Counts(rows=len(known)))
        return self._values.take(pa.array(known, pa.int64()))

    def _paid(self, function: VectorFunction, columns: Sequence[Any]) -> pa.Array:
        """The model's answer, once the budget allows it."""
        if self._desk.budget is not None:
            texts = {text for text in _texts(columns[0]) if text is not None}
            self._desk.budget.spend(function.foresee(sorted(texts)))
        return function.compute(*columns)


def _texts(column: Any) -> list[str | None]:
    found: list[str | None] = column.to_pylist()
    return found
