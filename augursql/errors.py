"""Every error a user can meet: one shallow tree.

An error says what happened in its message and what to do in its hint. It carries an SQLSTATE, and
where it concerns a place in the statement, the span of characters, so that a front door can draw a
caret. One table (`augursql.frontends.dbapi.errors`) maps the tree to PEP 249.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from augursql.masking import masked


class AugurError(Exception):
    """Base of the tree.

    `message`, without position; `hint`, what to do, or ''; `span`, `(start, end)` offsets in
    characters into `sql`; `sql`, the statement as the user wrote it, with its secrets masked. Span
    and sql are filled in by the room that knows them.
    """

    sqlstate = "XX000"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        span: tuple[int, int] | None = None,
        sql: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.span = span
        self.sql = sql

    @property
    def sql(self) -> str | None:
        return self._sql

    @sql.setter
    def sql(self, sql: str | None) -> None:
        self._sql = None if sql is None else masked(sql)

    def located(self, span: tuple[int, int] | None, sql: str) -> "AugurError":
        """This error with a place in the statement, unless it has one already."""
        if self.sql is None:
            self.sql = sql
            self.span = self.span or span
        return self

    def __str__(self) -> str:
        text = f"{self.message} {self.hint}".strip()
        if self.sql is None or self.span is None:
            return text
        return f"{text}\n\n{caret(self.sql, self.span)}"


class StatementError(AugurError):
    """The statement is not in the language."""

    sqlstate = "42601"


class NameNotFoundError(AugurError):
    """A model, index, column, target or setting of that name does not exist."""

    sqlstate = "42704"


class NameExistsError(AugurError):
    """CREATE met a name that is taken."""

    sqlstate = "42710"


class InvalidValueError(AugurError):
    """A value, option or type that cannot be used here."""

    sqlstate = "22023"


class UnsupportedError(AugurError):
    """The language has it, this version does not."""

    sqlstate = "0A000"


class ModelError(AugurError):
    """A model could not be had, read, converted or run."""

    sqlstate = "58000"


class TrainingDataError(AugurError):
    """The rows of an index are not enough to learn the target from."""

    sqlstate = "22000"


class StorageError(AugurError):
    """A file or table could not be written or read."""

    sqlstate = "58030"


class SourceError(AugurError):
    """Another database, or the extension or driver that leads to it, could not be reached."""

    sqlstate = "08001"


class InterruptedStatementError(AugurError):
    """The user cancelled the statement."""

    sqlstate = "57014"


class BudgetError(AugurError):
    """A statement would cost more than `augur_max_rows`, `_tokens` or `_seconds` allow."""

    sqlstate = "54000"


class StaleIndexWarning(UserWarning):
    """The table has rows that its index does not know yet."""


class OtherDocumentWarning(UserWarning):
    """The inputs are not the index's columns, so a row of the table cannot be told from others."""


def candidates(name: str, known: Iterable[str]) -> str:
    """A hint that lists what exists, nearest first: 'Did you mean "hotels"? ...'."""
    names = sorted(set(known))
    if not names:
        return "There are none yet."
    folded = {n.lower(): n for n in names}
    near = [folded[n] for n in get_close_matches(name.lower(), list(folded), n=3, cutoff=0.6)]
    listed = ", ".join(f'"{n}"' for n in names[:12]) + (", ..." if len(names) > 12 else "")
    start = f'Did you mean "{near[0]}"? ' if near else ""
    return f"{start}Existing: {listed}."


def caret(sql: str, span: tuple[int, int]) -> str:
    """The line of `sql` that holds the span, and a line of carets below it, as DuckDB draws it."""
    start, end = span
    line_start = sql.rfind("\n", 0, start) + 1
    line_end = sql.find("\n", start)
    line_end = len(sql) if line_end < 0 else line_end
    number = sql.count("\n", 0, start) + 1
    line, column = sql[line_start:line_end], start - line_start
    if len(line) > 100:
        left = max(0, column - 40)
        line, column = ("..." if left else "") + line[left : left + 97], column - left
        column += 3 if left else 0
    prefix = f"LINE {number}: "
    width = max(1, min(end, line_end) - start, 1)
    width = min(width, max(1, len(line) - column))
    return f"{prefix}{line}\n{' ' * (len(prefix) + column)}{'^' * width}"
