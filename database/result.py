"""What a statement gave: rows that DuckDB still produces while they are fetched, or none."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import duckdb

from augursql.errors import UnsupportedError

Guard = Callable[[], AbstractContextManager[None]]
Row = tuple[Any, ...]

_Type = duckdb.StatementType
_CHANGES = (_Type.INSERT, _Type.UPDATE, _Type.DELETE, _Type.MERGE_INTO)


class Result:
    """The rows of one statement, read through the connection that runs it.

    They stream: predictions of rows that nobody has fetched yet may still have to be made, so
    each fetch runs under the session's guard, which turns errors and Ctrl-C into ours.
    `type` is DuckDB's type of the statement, None where none was run; `earlier` has the results of
    the statements that stood before it in one text and gave rows, held in memory. `held` is how
    many rows were read into memory, -1 where DuckDB still computes them.
    """

    held = -1

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection | None,
        guard: Guard,
        type: duckdb.StatementType | None = None,
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._type = type
        self.earlier: list[Result] = []
        self._begun = False

    @property
    def description(self) -> list[Row] | None:
        """PEP 249's description: (name, type, None, None, None, None, None) per column."""
        return None if self._connection is None else self._connection.description

    @property
    def acknowledges(self) -> bool:
        """Whether the columns are DuckDB's answer to a change (a count, a success), not rows."""
        described = self.description
        if described is None or len(described) != 1:
            return False
        column = (described[0][0], str(described[0][1]))
        if column == ("Success", "BOOLEAN"):
            return self._type not in (_Type.SELECT, _Type.EXECUTE)
        return column == ("Count", "BIGINT") and self._counts()

    @property
    def gives_rows(self) -> bool:
        return self.description is not None and not self.acknowledges

    @property
    def changes(self) -> bool:
        """Whether the statement changes rows, also where it gives some back."""
        return self._type in _CHANGES

    def changed(self) -> int:
        """How many rows a statement changed that gives none; -1 where DuckDB does not say."""
        if self.description is None or self.gives_rows:
            return -1
        counted = self.acknowledges
        rows = self.fetchall()
        return rows[0][0] if counted and rows and type(rows[0][0]) is int else -1

    def fetchone(self) -> Row | None:
        if self._connection is None:
            return None
        self._begun = True
        with self._guard():
            return self._connection.fetchone()

    def fetchmany(self, size: int) -> list[Row]:
        if self._connection is None:
            return []
        self._begun = True
        with self._guard():
            return self._connection.fetchmany(size)

    def fetchall(self) -> list[Row]:
        if self._connection is None:
            return []
        self._begun = True
        with self._guard():
            return self._connection.fetchall()

    def arrow(self) -> Any:
        """The remaining rows as a pyarrow.Table; None where no rows are left or were given."""
        if self._connection is None:
            return None
        self._check_divisible()
        with self._guard(), _copied():
            return self._connection.to_arrow_table()

    def reader(self, rows: int) -> Any:
        """The remaining rows as a pyarrow.RecordBatchReader of batches of `rows` rows.

        Reading from it runs the models: do so under `reading`.
        """
        if self._connection is None:
            return None
        self._check_divisible()
        with self._guard(), _copied():
            return self._connection.to_arrow_reader(rows)

    @contextmanager
    def reading(self) -> Any:
        """What a batch of `reader` is read in: Arrow's report of a failure becomes the failure."""
        import pyarrow

        with self._guard():
            try:
                yield
            except (pyarrow.ArrowException, OSError) as error:
                raise duckdb.Error(str(error)) from None

    def df(self) -> Any:
        """The remaining rows as a pandas.DataFrame; None where the statement gives no rows."""
        if self._connection is None:
            return None
        self._check_divisible()
        with self._guard():
            return self._connection.df()

    @property
    def divisible(self) -> bool:
        """Whether what is left can be had in another form than rows; see `arrow`."""
        return not self._begun or hasattr(self._connection, "abort")

    def close(self) -> None:
        """Lets the rows go that nobody wants any more."""
        self._connection = None

    def _counts(self) -> bool:
        if self._type is _Type.EXECUTE:
            # What was prepared is not seen; DuckDB 2.0 tells whether it changed rows.
            return self._connection is not None and self._connection.rowcount >= 0
        return self.changes or self._type in (_Type.CREATE, _Type.COPY)

    def _check_divisible(self) -> None:
        """DuckDB 1.5 loses rows of a block of which some were fetched as tuples."""
        if not self.divisible:
            raise UnsupportedError(
                "With this version of DuckDB, a result of which rows were fetched cannot go on "
                "in another form.",
                hint="Fetch all of it as Arrow or DataFrame, or go on with rows.",
            )


@contextmanager
def _copied() -> Any:
    """Without DuckDB 2.0's advice against Arrow from an executed statement: it copies the rows
    once, but its other way would run the statement, and the models, a second time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
        yield
