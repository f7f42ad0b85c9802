"""A cursor: one text of statements at a time, and their rows."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from augursql.database.result import Result, Row
from augursql.database.state import Notice, Parameters
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.batches import Batches

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Owner(Protocol):
    """The connection, as its cursors see it."""

    def using(self) -> AbstractContextManager[None]:
        """What everything runs in that touches the connection: one thread at a time."""

    def run(self, cursor: "Cursor", operation: str, parameters: Parameters) -> Result: ...

    def run_many(self, operation: str, sets: Sequence[Any]) -> int: ...

    def keep(self, result: Result) -> Result: ...

    @property
    def notices(self) -> Sequence[Notice]: ...


@dataclass(slots=True)
class Answer:
    """What the last text gave: the `result` that is fetched now and the `sets` to come, or the
    `batches` that somebody reads. `notices` None: they are still the connection's.
    """

    result: Result | None = None
    sets: Sequence[Result] = ()
    batches: "weakref.ref[Batches] | None" = None
    failure: BaseException | None = None
    description: list[Row] | None = None
    notices: Sequence[Notice] | None = ()
    rowcount: int = -1
    fetched: int = 0


class Cursor:
    """PEP 249's cursor. Rows stream; when another cursor of the connection executes, the rows that
    are left are read into memory first, so each result stays whole and is computed once."""

    def __init__(self, connection: Owner) -> None:
        self.arraysize = 1
        self.lastrowid = None
        self._connection = connection
        self._closed = False
        self._answer = Answer()

    @property
    def connection(self) -> Any:
        """The connection that the cursor was made by."""
        return self._connection

    @property
    def description(self) -> list[Row] | None:
        """(name, type, None, None, None, None, None) per column; None without rows.

        The types are DuckDB's, and compare with `augursql.STRING`, NUMBER and so on.
        """
        return self._answer.description

    @property
    def rowcount(self) -> int:
        """How many rows a statement changed or a query gave; -1 while that is not known.

        DuckDB tells the number of a query's rows only at their end. What RETURNING gives is read
        into memory to be counted.
        """
        answer = self._answer
        if answer.rowcount < 0 and answer.result is not None and answer.result.changes:
            with self._using():
                self.detach()
        return answer.rowcount

    @property
    def rownumber(self) -> int | None:
        """How many rows were fetched; None without rows."""
        return None if self._answer.description is None else self._answer.fetched

    @property
    def messages(self) -> list[tuple[type[Exception], Exception]]:
        """What the last statement has to say beside its result, as PEP 249 wants it."""
        notices = self._connection.notices if self._answer.notices is None else self._answer.notices
        return [(errors.Warning, errors.Warning(notice.text)) for notice in notices]

    def execute(self, operation: str, parameters: Parameters = None) -> "Cursor":
        """Runs a text of DuckDB's or ours; parameters by `?`, `$1` or `$name`.

        Of several statements each runs once, before this returns; the first that gives rows is
        fetched first, and `nextset` goes on to the next.
        """
        _check_text(operation)
        with self._using():
            self._forget()
            result = self._connection.run(self, operation, parameters)
            answer = Answer(notices=None)
            answer.sets = [*result.earlier, result] if result.gives_rows else result.earlier
            answer.rowcount = result.changed()
            self._answer = answer
            if answer.sets:
                self._next()
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Any]) -> "Cursor":
        """Runs a statement once for each set of parameters: all of them or, after an error, none.

        Rows that the statement gives are not kept.
        """
        _check_text(operation)
        sets = list(seq_of_parameters)
        with self._using():
            self._forget()
            self._answer.rowcount = self._connection.run_many(operation, sets) if sets else 0
            self._answer.notices = None
        return self

    def callproc(self, procname: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """Calls a scalar function, whose result can be fetched; returns the parameters."""
        if not all(part.isidentifier() for part in procname.split(".")):
            raise errors.ProgrammingError(f'"{procname}" is no name of a function.')
        marks = ", ".join("?" for _ in parameters)
        self.execute(f"SELECT {procname}({marks})", list(parameters))
        return parameters

    def nextset(self) -> bool | None:
        """Goes on to the next result of the text that was executed; None if there is none."""
        with self._using():
            if not self._answer.sets:
                return None
            if self._answer.result is not None:
                self._answer.result.close()
            self._next()
            return True

    def fetchone(self) -> Row | None:
        return next(iter(self._fetch(lambda result: result.fetchmany(1), 1)), None)

    def fetchmany(self, size: int | None = None) -> list[Row]:
        count = self.arraysize if size is None else size
        if count < 0:
            raise errors.InterfaceError("The number of rows to fetch is 0 or more.")
        return self._fetch(lambda result: result.fetchmany(count), count)

    def fetchall(self) -> list[Row]:
        return self._fetch(lambda result: result.fetchall(), None)

    def fetch_arrow(self) -> "pyarrow.Table":
        """All rows that are left as a pyarrow.Table."""
        return self._fetch_all(lambda result: result.arrow())

    def fetch_df(self) -> "pandas.DataFrame":
        """All rows that are left as a pandas.DataFrame (extra `[pandas]`)."""
        return self._fetch_all(lambda result: result.df())

    def fetch_polars(self) -> "polars.DataFrame":
        """All rows that are left as a polars.DataFrame (extra `[polars]`)."""
        import polars

        frame = polars.from_arrow(self.fetch_arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def fetch_record_batches(self, rows: int = 100_000) -> "pyarrow.RecordBatchReader":
        """The rows that are left as batches of up to `rows` rows, computed as they are read."""
        with self._using():
            result = self._given()
            reader = _there(result.reader(rows))
            self._answer.result = None  # From now on they are the reader's.
            # What it holds keeps the cursor, through which the connection finds it.
            batches = Batches(result, reader, self._using)
            self._answer.batches = weakref.ref(batches)
            return batches.reader()

    arrow = fetch_arrow
    df = fetch_df
    pl = fetch_polars

    def detach(self) -> None:
        """Reads what is left into memory: the connection is about to run something else.

        An error on the way is raised when the rows are fetched.
        """
        answer = self._answer
        if answer.notices is None:
            answer.notices = tuple(self._connection.notices)
        batches = answer.batches() if answer.batches is not None else None
        if batches is not None:
            batches.keep()
        try:
            if answer.result is not None:
                answer.result = kept = self._connection.keep(answer.result)
                if answer.rowcount < 0:
                    answer.rowcount = answer.fetched + kept.held
            answer.sets = [self._connection.keep(result) for result in answer.sets]
        except errors.ERRORS as error:
            answer.failure = error

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing, as PEP 249 allows."""

    def close(self) -> None:
        """Closes the cursor and lets its rows go; twice is once."""
        self._closed = True
        self._forget()

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __reduce__(self) -> str:
        raise TypeError(
            "A cursor cannot be copied or sent elsewhere: fetch its rows, and send these."
        )

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._connection.using():
            if self._closed:
                raise errors.InterfaceError("The cursor is closed.")
            yield

    def _fetch(self, read: Callable[[Result], list[Row]], size: int | None) -> list[Row]:
        """Rows that `read` takes; fewer than `size` are the last ones, None means all."""
        with self._using():
            rows = read(self._given())
            self._answer.fetched += len(rows)
            if size is None or len(rows) < size:
                self._answer.rowcount = self._answer.fetched
            return rows

    def _fetch_all(self, read: Callable[[Result], Any]) -> Any:
        with self._using():
            table = _there(read(self._given()))
            self._answer.fetched += len(table)
            self._answer.rowcount = self._answer.fetched
            return table

    def _next(self) -> None:
        answer = self._answer
        answer.result, *answer.sets = answer.sets
        answer.description = answer.result.description
        answer.rowcount, answer.fetched = answer.result.held, 0

    def _given(self) -> Result:
        if self._answer.failure is not None:
            raise self._answer.failure
        if self._answer.result is None:
            # Clients such as JupySQL look for psycopg's "no results to fetch".
            raise errors.ProgrammingError(
                "There are no rows, and no results to fetch: execute a query first."
            )
        return self._answer.result

    def _forget(self) -> None:
        """Lets all go that the last statement gave."""
        answer = self._answer
        batches = answer.batches() if answer.batches is not None else None
        if batches is not None:
            batches.close()
        for result in (answer.result, *answer.sets):
            if result is not None:
                result.close()
        self._answer = Answer()


def _there(table: Any) -> Any:
    if table is None:
        raise errors.ProgrammingError("All rows of this result were fetched already.")
    return table


def _check_text(operation: str) -> None:
    if not isinstance(operation, str):
        raise errors.InterfaceError(f"A statement is a str, not {type(operation).__name__}.")
    try:
        operation.isascii() or operation.encode()
    except UnicodeEncodeError as error:
        raise errors.ProgrammingError(f"The statement is no Unicode text: {error}.") from None
