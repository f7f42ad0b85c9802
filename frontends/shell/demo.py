"""`augur demo`: index, prediction, explanation and honest accuracy, on hotel reviews or your file.

Every statement is shown as it is run, so that it can be typed again.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from augursql.database.session import Session
from augursql.errors import InvalidValueError
from augursql.frontends.progress import Bar
from augursql.frontends.shell.box import Limits, box
from augursql.frontends.shell.cells import texts
from augursql.frontends.shell.demo_sql import Subject, choose_columns, steps

BOLD, CYAN, DIM, RESET = "\x1b[1m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
WIDTH = 110


class Demo:
    """Shows statements and their results."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._colour = sys.stdout.isatty()

    def run(self, file: str, text: str | None, target: str | None) -> None:
        """Reads the file, chooses what is not named, and runs the steps."""
        started = time.monotonic()
        self._session.execute(f"CREATE TABLE rows_read AS FROM {file}")
        columns = self._rows("DESCRIBE rows_read")
        subject = choose_columns(
            {str(c[0]): str(c[1]) for c in columns}, self._statistics, text, target
        )
        self._split(subject)
        for title, statement in steps(subject, self._unlabelled(subject)):
            print(f"\n{self._paint(title, BOLD)}\n{self._paint(statement, CYAN)}")
            self._show(statement)
        print(
            f"\n{time.monotonic() - started:.1f} s on this machine; no text left it. "
            "Now your own: augur demo --data FILE, or augur my.duckdb"
        )

    def _split(self, subject: Subject) -> None:
        for statement in subject.split:
            self._session.execute(statement)
        known, held_out = self._rows(
            "SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM held_out)"
        )[0]
        if known < 10 or held_out < 2:
            raise InvalidValueError(
                f"The demo needs some rows that have both {subject.text} and {subject.target}; "
                f"this file has {known + held_out}.",
                hint="Name other columns with --text and --target.",
            )
        print(
            f"{known + held_out:,} labelled rows: {known:,} to learn from in table known, "
            f"{held_out:,} in table held_out to check against."
        )

    def _unlabelled(self, subject: Subject) -> int:
        return int(self._rows(subject.count_unlabelled)[0][0])

    def _statistics(self, column: str) -> tuple[int, float]:
        """Distinct values of a column, and the mean length of its text."""
        found = self._rows(
            f"SELECT count(DISTINCT {column}), coalesce(avg(length({column}::VARCHAR)), 0) "
            "FROM rows_read"
        )[0]
        return int(found[0]), float(found[1])

    def _show(self, statement: str) -> None:
        result = self._session.execute(statement)
        described = result.description or []
        names, types = ([str(column[i]) for column in described] for i in (0, 1))
        rows = [row for chunk in texts(self._session.connection, result, types) for row in chunk]
        for notice in self._session.notices:
            print(self._paint(notice.text, DIM))
        if names and names[0] != "Count":
            print(box(names, types, rows, Limits(WIDTH, 40)))

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._session.execute(statement).fetchall()

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{RESET}" if self._colour else text


def main(arguments: Sequence[str]) -> int:
    """Runs the demo from the command line; returns the exit status."""
    parser = argparse.ArgumentParser("augur demo", description="The first minute with AugurSQL.")
    parser.add_argument("--data", help="your own rows: a CSV, Parquet or JSON file")
    parser.add_argument("--text", help="its column of texts (chosen if not given)")
    parser.add_argument("--target", help="its column of labels (chosen if not given)")
    options = parser.parse_args(arguments)
    path = Path(options.data) if options.data else Path(__file__).with_name("hotel_reviews.csv")
    if not path.is_file():
        raise InvalidValueError(f"There is no file {path}.", hint="Give one with --data FILE.")
    session = Session(monitor=Bar(lambda: session.settings.progress))
    try:
        text, target = options.text, options.target
        if not options.data:
            text, target = "review", "rating"
        Demo(session).run("'" + str(path).replace("'", "''") + "'", text, target)
    except duckdb.Error as error:
        print(f"{path} could not be read: {error}", file=sys.stderr)
        return 1
    finally:
        session.close()
    return 0
