"""Rows in Arrow batches that are computed as they are read."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from augursql.database.result import Result
from augursql.frontends.dbapi.errors import ERRORS, Error, InterfaceError, as_pep249

if TYPE_CHECKING:
    import pyarrow


class Batches:
    """What is left of a result, read by whoever holds the `reader`.

    `using` is the cursor's: under it one thread reads at a time. What is held in memory is read
    without it, so that the connection itself can read the batches.
    """

    def __init__(
        self, result: Result, source: Any, using: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._result = result
        self._source = source
        self._schema = source.schema
        self._using = using
        self._left: deque[pyarrow.RecordBatch] | None = None
        self._failure: Error | None = None

    def reader(self) -> "pyarrow.RecordBatchReader":
        """What reads the batches; it can be read once."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(self._schema, self._read())

    def keep(self) -> None:
        """Reads what is left into memory; an error on the way is raised to the reader."""
        if self._left is not None:
            return
        left = deque[Any]()
        try:
            while (batch := self._next()) is not None:
                left.append(batch)
        except ERRORS as error:
            self._failure = as_pep249(error)
        self._left, self._source = left, None

    def close(self) -> None:
        """Lets the rest go; who still reads it is told so."""
        if self._left is None:
            self._left, self._source = deque(), None
            self._failure = InterfaceError(
                "The cursor of these batches has executed again or was closed."
            )

    def _read(self) -> Iterator["pyarrow.RecordBatch"]:
        while (batch := self._take()) is not None:
            yield batch

    def _take(self) -> Any:
        if self._left is None:
            with self._using():
                if self._left is None:
                    return self._next()
        if self._left:
            return self._left.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def _next(self) -> Any:
        """The source's next batch; None at its end."""
        with self._result.reading():
            try:
                return self._source.read_next_batch()
            except StopIteration:
                return None
