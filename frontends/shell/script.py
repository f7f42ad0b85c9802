"""Runs a text of statements and prints what each one gives."""

import contextlib
import re
import shutil
import sys
from collections.abc import Iterator
from typing import TextIO

import duckdb

from augursql import __version__
from augursql.database.session import Session
from augursql.errors import AugurError
from augursql.frontends.shell.box import SHOWN_ROWS, Limits, box
from augursql.planner.lexer import statements, tokenize

_CHANGES = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?!select|from|with|values|table|show|describe|call|\()\w",
    re.IGNORECASE | re.DOTALL,
)
# The columns of EXPLAIN, whose values are drawings of several lines.
EXPLAINED = ["explain_key", "explain_value"]
RED, YELLOW, DIM, RESET = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


class Script:
    """Prints results on `out` and messages on `err`; colours and cuts only for a terminal."""

    def __init__(
        self, session: Session, out: TextIO = sys.stdout, err: TextIO = sys.stderr
    ) -> None:
        self._session = session
        self._out = out
        self._err = err

    def run(self, text: str) -> int:
        """Runs the statements in order and stops at the first error. Returns the exit status."""
        for statement in split(text):
            try:
                self._run(statement)
            except KeyboardInterrupt:
                self._message("Interrupted.", YELLOW)
                return 130
            except (AugurError, duckdb.Error) as error:
                label = "" if isinstance(error, duckdb.Error) else "Error: "
                self._message(f"{label}{error}", RED)
                return 1
        return 0

    def converse(self) -> int:
        """Asks a person for statements, each up to its semicolon, until Ctrl-D."""
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  gives input() history and line editing
        print(f"AugurSQL {__version__}. End a statement with ; and leave with Ctrl-D.")
        waiting = ""
        while True:
            try:
                line = input("     ...> " if waiting else "augur> ")
            except EOFError:
                print()
                return 0
            except KeyboardInterrupt:
                print()
                waiting = ""
                continue
            waiting = f"{waiting}\n{line}" if waiting else line
            if waiting.rstrip().endswith(";") or not waiting.strip():
                self.run(waiting)
                waiting = ""

    def _run(self, statement: str) -> None:
        result = self._session.execute(statement)
        described = result.description
        rows = result.fetchall()
        for notice in self._session.notices:
            self._message(notice.text, YELLOW if notice.warning else DIM)
        if not described:
            return
        names = [str(column[0]) for column in described]
        if _is_acknowledgement(statement, names):
            return
        if names == EXPLAINED:
            values = (str(value).rstrip() for _, value in rows)
            print("\n\n".join(values), file=self._out, flush=True)
            return
        types = [str(column[1]) for column in described]
        print(box(names, types, rows, self._limits()), file=self._out, flush=True)

    def _limits(self) -> Limits:
        if not self._out.isatty():
            return Limits(None, None)
        return Limits(shutil.get_terminal_size().columns, SHOWN_ROWS)

    def _message(self, text: str, colour: str) -> None:
        shown = f"{colour}{text}{RESET}" if self._err.isatty() else text
        print(shown, file=self._err, flush=True)


def split(text: str) -> Iterator[str]:
    """The statements of a text. One whose quotes do not end is left for DuckDB to complain of."""
    tokens = tokenize(text)
    if tokens is None:
        yield text
        return
    for start, end, _ in statements(text, tokens):
        yield text[start:end]


def _is_acknowledgement(statement: str, names: list[str]) -> bool:
    """DuckDB answers what changes something with a count or a success, which its shell hides."""
    return names in (["Count"], ["Success"]) and _CHANGES.match(statement) is not None
