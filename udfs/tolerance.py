"""ON ERROR NULL: the inputs that fail give NULL, all others their answers."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.errors import InterruptedStatementError
from augursql.types import Monitor
from augursql.udfs.chunk import chunk_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import Failure

SHOWN_CHARACTERS = 1_000


def tolerant(function: VectorFunction, monitor: Monitor) -> VectorFunction:
    """`function`, which counts as errors the inputs that it cannot answer, and gives NULL there.

    A batch that fails is halved until the culprits stand alone: of n distinct inputs, one culprit
    costs about 2 log2(n) attempts, and no more than 2 n are made. A cancel stays an error.
    """

    def compute(*columns: pa.ChunkedArray) -> pa.Array:
        try:
            return function.compute(*columns)
        except InterruptedStatementError:
            raise
        except Exception:  # Whatever a model raises: it is told of the rows that are to blame.
            return _Halving(function, monitor, columns).answer()

    return replace(function, compute=compute)


class _Halving:
    """One batch of rows that failed as a whole. Equal rows stay together."""

    def __init__(
        self, function: VectorFunction, monitor: Monitor, columns: tuple[pa.ChunkedArray, ...]
    ) -> None:
        self._function = function
        self._monitor = monitor
        self._columns = columns
        codes = [chunk_of(column).index.fill_null(-1).to_numpy() for column in columns]
        distinct, input_of_row = np.unique(np.stack(codes), axis=1, return_inverse=True)
        self._inputs = distinct.shape[1]
        input_of_row = input_of_row.reshape(-1)
        self._order = np.argsort(input_of_row, kind="stable")
        self._starts = np.searchsorted(input_of_row[self._order], np.arange(self._inputs + 1))
        self._parts: list[pa.Array] = []
        self._take = np.full(len(input_of_row), -1, np.int64)
        self._answered = 0

    def answer(self) -> pa.Array:
        """One value per row."""
        if self._inputs == 1:
            self._attempt(0, 1)
        else:
            self._halve(0, self._inputs)
        if not self._parts:
            return pa.nulls(len(self._take))
        taken = pa.array(self._take, mask=self._take < 0)
        return pa.concat_arrays(self._parts).take(taken)

    def _halve(self, first: int, last: int) -> None:
        middle = (first + last) // 2
        self._attempt(first, middle)
        self._attempt(middle, last)

    def _attempt(self, first: int, last: int) -> None:
        """Answers the distinct inputs from `first` to before `last`."""
        self._monitor.check()
        rows = self._order[self._starts[first] : self._starts[last]]
        columns = [column.take(pa.array(rows)) for column in self._columns]
        try:
            self._keep(self._function.compute(*columns), rows)
        except InterruptedStatementError:
            raise
        except Exception as error:
            if last - first > 1:
                self._halve(first, last)
            else:
                failure = Failure(_shown(columns), str(error) or type(error).__name__)
                self._function.tally.fail(failure, len(rows))

    def _keep(self, answers: pa.Array, rows: npt.NDArray[np.int64]) -> None:
        if pa.types.is_null(answers.type):
            return
        self._parts.append(answers)
        self._take[rows] = self._answered + np.arange(len(rows))
        self._answered += len(rows)


def _shown(columns: list[pa.ChunkedArray]) -> str:
    """The first row's values, as a user recognises them."""
    text = ", ".join("NULL" if c[0].as_py() is None else str(c[0].as_py()) for c in columns)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
