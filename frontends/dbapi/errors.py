"""PEP 249's exceptions, and the one table that says which error becomes which of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from augursql import errors


class Warning(Exception):  # noqa: A001  PEP 249 gives the name
    """Important warnings; raised by nothing here, required by PEP 249."""


class Error(Exception):
    """Base of all errors. `sqlstate`, `hint` and `span` (offsets into the statement) if known."""

    sqlstate: str | None = None
    hint: str = ""
    span: tuple[int, int] | None = None


class InterfaceError(Error):
    """The connection or cursor was used wrongly, for example after close()."""


class DatabaseError(Error):
    """The database or a model reports an error."""


class DataError(DatabaseError):
    """A value cannot be used."""


class OperationalError(DatabaseError):
    """Not the statement's fault: files, disk, network, memory, a cancel."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""


class InternalError(DatabaseError):
    """The database reports a fault of its own."""


class ProgrammingError(DatabaseError):
    """The statement is wrong, or names something that does not exist."""


class NotSupportedError(DatabaseError):
    """The statement is right, but this version cannot run it."""


TABLE: tuple[tuple[type[BaseException], type[Error]], ...] = (
    (errors.StatementError, ProgrammingError),
    (errors.NameNotFoundError, ProgrammingError),
    (errors.NameExistsError, ProgrammingError),
    (errors.InvalidValueError, DataError),
    (errors.TrainingDataError, DataError),
    (errors.UnsupportedError, NotSupportedError),
    (errors.ModelError, OperationalError),
    (errors.StorageError, OperationalError),
    (errors.SourceError, OperationalError),
    (errors.InterruptedStatementError, OperationalError),
    (errors.BudgetError, OperationalError),
    (errors.AugurError, DatabaseError),
    (duckdb.InterruptException, OperationalError),
    (duckdb.NotSupportedError, NotSupportedError),
    (duckdb.ProgrammingError, ProgrammingError),
    (duckdb.InternalError, InternalError),
    (duckdb.IntegrityError, IntegrityError),
    (duckdb.OperationalError, OperationalError),
    (duckdb.DataError, DataError),
    (duckdb.Error, DatabaseError),
)


ERRORS = (errors.AugurError, duckdb.Error)


@contextmanager
def mapped() -> Iterator[None]:
    """Raises what happens inside as PEP 249 names it; the original is the cause."""
    try:
        yield
    except ERRORS as error:
        raise as_pep249(error) from error


def as_pep249(error: BaseException) -> Error:
    """The PEP 249 exception for an error of ours or of DuckDB."""
    kind = next(pep for ours, pep in TABLE if isinstance(error, ours))
    made = kind(str(error))
    if isinstance(error, errors.AugurError):
        made.sqlstate, made.hint, made.span = error.sqlstate, error.hint, error.span
    return made
