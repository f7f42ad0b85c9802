"""What statements and dot commands work with: the open database, and where and how to print."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from augursql.database.result import Result
from augursql.database.session import Session
from augursql.errors import StatementError, StorageError
from augursql.frontends.shell.box import Limits
from augursql.frontends.shell.cells import Row, Table, texts
from augursql.frontends.shell.look import SHOWN_ROWS, Look
from augursql.frontends.shell.modes import written
from augursql.frontends.shell.output import Output

OpenSession = Callable[[str, bool], Session]

_LABEL = re.compile(r"^(?:[A-Z][\w ]* )?Error:")
_CARET = re.compile(r"^( *)(\^+)$", re.MULTILINE)
BOLD_RED, YELLOW, DIM, RESET = "\x1b[1;31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


class Terminal:
    """Prints results on `out` and messages on `err`; colours and cuts only for a terminal.

    `definitions` counts the statements that may have changed what names exist; `statement` is the
    last one.
    """

    def __init__(
        self,
        session: Session,
        look: Look | None = None,
        open_session: OpenSession | None = None,
        out: TextIO = sys.stdout,
        err: TextIO = sys.stderr,
    ) -> None:
        self.session = session
        self.look = look or Look()
        self.output = Output(out)
        self.definitions = 0
        self.statement = ""
        self._last: tuple[list[str], list[str], list[Row]] | None = None
        self._open_session = open_session
        self._err = err

    def show(self, result: Result) -> None:
        """Prints the rows of a result in the mode that is chosen."""
        described = result.description or []
        names = [str(column[0]) for column in described]
        types = [str(column[1]) for column in described]
        as_json = self.look.mode in ("json", "jsonlines")
        table = Table(names, types, texts(self.session.connection, result, types, as_json))
        self._last = None
        if self.look.mode == "box":
            rows = table.rows()
            self._last = names, types, rows
            table = Table(names, types, iter([rows]))
        self.put(written(table, self.look, self._limits()))

    def show_whole(self) -> None:
        """Prints the last result again, uncut. Raises StatementError."""
        if self._last is None:
            raise StatementError("There is no last result.", hint="Mode box keeps it.")
        names, types, rows = self._last
        limits = Limits(None, 0, colour=self._coloured)
        self.put(written(Table(names, types, iter([rows])), Look(null=self.look.null), limits))

    def put(self, pieces: Iterable[str]) -> None:
        """Prints a text where results go."""
        wanted = {"automatic": None, "on": True, "off": False}[self.look.pager]
        self.output.write(pieces, wanted, self.look.pager_command)

    def tell(self, text: str, colour: str = "") -> None:
        """A line for the person, not among the results."""
        coloured = colour and self._err.isatty() and self.look.highlight_errors
        shown = f"{colour}{text}{RESET}" if coloured else text
        print(shown, file=self._err, flush=True)

    def complain(self, text: str) -> None:
        """Tells of an error."""
        if self._err.isatty() and self.look.highlight_errors:
            text = _LABEL.sub(lambda found: f"{BOLD_RED}{found[0]}{RESET}", text, count=1)
            text = _CARET.sub(lambda found: f"{found[1]}{BOLD_RED}{found[2]}{RESET}", text)
        self.tell(text)

    def notices(self) -> None:
        """Tells what the last statement has to say beside its result."""
        for notice in self.session.notices:
            self.tell(notice.text, YELLOW if notice.warning else DIM)

    def reopen(self, path: str, read_only: bool, new: bool = False) -> None:
        """Closes the database and opens another one, or in memory where that fails.

        `new`: what the file held is gone. Raises StorageError.
        """
        if self._open_session is None:
            return
        self.session.close()
        self._last = None
        self.session = self._open_session(":memory:", False)
        self.definitions += 1
        if new and path != ":memory:":
            _remove(Path(path))
        opened = self._open_session(path, read_only)
        self.session.close()
        self.session = opened

    def close(self) -> None:
        """Closes what `.output` opened, and the database."""
        self.output.close()
        self.session.close()

    def _limits(self) -> Limits:
        rows, width = self.look.rows, self.look.width
        if not self.output.watched:
            return Limits(width or None, rows)
        if self.look.pager == "on":
            return Limits(width or None, rows, colour=self._coloured)  # It scrolls.
        shown = SHOWN_ROWS if rows is None else rows
        return Limits(width or shutil.get_terminal_size().columns, shown, colour=self._coloured)

    @property
    def _coloured(self) -> bool:
        return self.output.watched and self.look.highlight_results


def _remove(path: Path) -> None:
    """Deletes a database file and what is not yet in it."""
    try:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f'"{path}" cannot be replaced: {error.strerror}.') from error
