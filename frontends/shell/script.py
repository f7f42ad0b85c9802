"""Runs a text of statements and dot commands, and prints what each one gives."""

import os
import re
import sys
import time
from typing import Any, TextIO

import duckdb

from augursql.database.session import Session
from augursql.errors import AugurError
from augursql.frontends.shell.look import Look
from augursql.frontends.shell.parts import Part, parts
from augursql.frontends.shell.terminal import YELLOW, OpenSession, Terminal

_CHANGES = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?!select|from|with|values|table|show|describe|call|\()\w",
    re.IGNORECASE | re.DOTALL,
)
INTERRUPTED = 130


class Script:
    """Prints results on `out` and messages on `err`; colours and cuts only for a terminal."""

    def __init__(
        self,
        session: Session,
        out: TextIO = sys.stdout,
        err: TextIO = sys.stderr,
        look: Look | None = None,
        open_session: OpenSession | None = None,
    ) -> None:
        self.terminal = Terminal(session, look, open_session, out, err)

    def run(self, text: str) -> int:
        """Runs the parts in order; the first error ends it, unless `look.bail` is off.

        Returns the exit status. Raises SystemExit when a command says so.
        """
        status = 0
        for part in parts(text):
            failed = self._tried(part)
            if failed and (self.terminal.look.bail or failed == INTERRUPTED):
                return failed
            status = failed or status
        return status

    def close(self) -> None:
        """Closes the database and what else is open."""
        self.terminal.close()

    def _tried(self, part: Part) -> int:
        """Runs one part and tells of its error; returns 0, 1, or 130 after Ctrl-C."""
        terminal = self.terminal
        try:
            return self._run(part)
        except KeyboardInterrupt:
            terminal.tell("Interrupted.", YELLOW)
            return INTERRUPTED
        except (AugurError, duckdb.Error) as error:
            label = "" if isinstance(error, duckdb.Error) else "Error: "
            terminal.complain(f"{label}{error}")
            return 1
        except BrokenPipeError:
            if terminal.output.name == "stdout":
                raise
            terminal.output.close()  # The program of .output has read enough.
            return 0

    def _run(self, part: Part) -> int:
        terminal, look = self.terminal, self.terminal.look
        if look.echo:
            terminal.put([f".{part.text}\n" if part.is_command else f"{part.text};\n"])
        if part.is_command:
            from augursql.frontends.shell.commands import run_command

            text = run_command(terminal, part.text)
            return 0 if text is None else self.run(text)
        started, before = time.perf_counter(), os.times()
        try:
            self._execute(part.text)
        finally:
            if look.timer:
                real, after = time.perf_counter() - started, os.times()
                user, system = after.user - before.user, after.system - before.system
                line = f"Run Time (s): real {real:.3f} user {user:.6f} sys {system:.6f}"
                terminal.put([f"{line}\n"])
        return 0

    def _execute(self, statement: str) -> None:
        terminal = self.terminal
        terminal.definitions += _CHANGES.match(statement) is not None
        terminal.statement = f"{statement};\n"
        result = terminal.session.execute(statement)
        names = [str(column[0]) for column in result.description or []]
        if result.acknowledges:
            # DuckDB answers what changes something with a count or a success, which it hides.
            rows = result.fetchall()
            terminal.notices()
            if terminal.look.changes and names == ["Count"]:
                terminal.put([f"changes: {sum(int(row[0]) for row in rows)}\n"])
        elif terminal.look.plain_explain and names == ["explain_key", "explain_value"]:
            plans = result.fetchall()
            terminal.notices()
            terminal.put([_plain(plans)])
        elif names:
            try:
                terminal.show(result)
            finally:
                terminal.notices()
        else:
            terminal.notices()


def _plain(rows: list[tuple[Any, ...]]) -> str:
    """The plans that EXPLAIN gives, as they are: a box around their lines would break them."""
    return "\n".join(f"{str(value).rstrip()}\n" for _, value in rows)
