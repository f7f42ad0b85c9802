"""Where results go: standard output, a file, another program, or a pager."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TextIO

from augursql.errors import StorageError

LONG_LINES = 50


class Output:
    """Owned by one Script. `out` is where results go that were not sent elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._file: IO[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._once = False
        self.name = "stdout"

    @property
    def stream(self) -> IO[str]:
        return self._file or self._out

    @property
    def watched(self) -> bool:
        """A person sees this."""
        return self._file is None and self._out.isatty()

    def send_to(self, target: str, once: bool = False) -> None:
        """Sends what follows, or only the next result, to a file or to a program ('|program').

        '' or 'stdout' is standard output again. Raises StorageError.
        """
        self.close()
        if target in ("", "stdout"):
            return
        try:
            if target.startswith("|"):
                self._process = subprocess.Popen(
                    target[1:], shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8"
                )
                self._file = self._process.stdin
            else:
                self._file = open(target, "w", encoding="utf-8", newline="")
        except OSError as error:
            raise StorageError(f'"{target}" could not be opened: {error.strerror}.') from error
        self._once, self.name = once, target

    def write(self, pieces: Iterable[str], pager: bool | None, program: str | None = None) -> None:
        """Prints a result. `pager`: through one, not at all, or None where it is long; `program`
        is the pager in place of the usual one.
        """
        try:
            if self.watched and pager is not False:
                self._show("".join(pieces), pager is True, program)
            else:
                for piece in pieces:
                    self.stream.write(piece)
                self.stream.flush()
        finally:
            if self._once:
                self.close()

    def close(self) -> None:
        """Goes back to standard output."""
        if self._file is not None:
            self._file.close()
        if self._process is not None:
            self._process.wait()
        self._file = self._process = None
        self._once, self.name = False, "stdout"

    def _show(self, text: str, always: bool, program: str | None) -> None:
        height = max(LONG_LINES, shutil.get_terminal_size().lines)
        command = pager_command(program) if always or text.count("\n") > height else None
        if command is None:
            self._out.write(text)
            self._out.flush()
            return
        with _ctrl_c_is_the_pagers():
            subprocess.run(command, input=text, text=True, encoding="utf-8", check=False)


def pager_command(program: str | None = None) -> list[str] | None:
    """The program, or that of the environment variables AUGUR_PAGER and PAGER, or less; None where
    there is none.
    """
    wanted = program or os.environ.get("AUGUR_PAGER") or os.environ.get("PAGER")
    command = shlex.split(wanted) if wanted else ["less"]
    if command == ["less"]:
        command += ["-SRX"]  # Long lines are not folded, colours are colours, the screen stays.
    return command if command and shutil.which(command[0]) and sys.stdin.isatty() else None


@contextmanager
def _ctrl_c_is_the_pagers() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
