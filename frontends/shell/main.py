"""The command `augur`."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from augursql.errors import AugurError, OtherDocumentWarning, StaleIndexWarning

if TYPE_CHECKING:
    from augursql.database.session import Session
    from augursql.frontends.shell.options import CommandLine
    from augursql.frontends.shell.script import Script


def main() -> NoReturn:
    """The program: ends the process with the status of its command line."""
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BrokenPipeError:
        status = 0  # The reader of our output has gone: nothing is left to say.
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Everything is closed. The interpreter's own way out would have DuckDB 2.0 print a list of
    # functions that it calls leaked.
    os._exit(status)


def run(given: Sequence[str]) -> int:
    """Runs the command line; returns the exit status: 0, 1 on an error, 130 on Ctrl-C.

    Raises SystemExit where the command line or `.exit` says so, and BrokenPipeError.
    """
    for shown_as_notice in (StaleIndexWarning, OtherDocumentWarning):
        warnings.simplefilter("ignore", shown_as_notice)
    try:
        return _dispatch(list(given))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except AugurError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _dispatch(given: Sequence[str]) -> int:
    if given[:1] == ["demo"]:
        from augursql.frontends.shell.demo import main as demo

        return demo(given[1:])
    if given[:1] == ["gpu"]:
        from augursql.frontends.shell.gpu import main as gpu

        return gpu(given[1:])
    if given[:1] == ["predict"]:
        from augursql.frontends.shell.batch import main as batch

        return batch(given[1:])
    if given[:1] == ["serve"]:
        from augursql.frontends.quack.main import main as serve

        return serve(given[1:])
    if given[:1] == ["shell-setup"]:
        from augursql.frontends.quack.setup import main as setup

        return setup(given[1:])
    return _database(given)


def _database(given: Sequence[str]) -> int:
    from augursql.frontends.shell.options import parsed
    from augursql.frontends.shell.script import Script

    line = parsed(given)
    opening = partial(open_session, config=line.config)
    session = opening(line.database, line.read_only)
    script = Script(session, look=line.look, open_session=opening)
    try:
        return _run(script, line)
    finally:
        script.close()


def open_session(path: str, read_only: bool, config: Mapping[str, str] | None = None) -> "Session":
    """A session that draws a progress bar where a person is watching. Raises StorageError."""
    from augursql.database.session import Session
    from augursql.frontends.progress import Bar

    bar = Bar(lambda: session.settings.progress)
    session = Session(path, read_only=read_only, config=config, monitor=bar)
    return session


def _run(script: "Script", line: "CommandLine") -> int:
    asking = line.interactive
    if asking is None:
        asking = not line.steps and not line.no_stdin and sys.stdin.isatty()
    status = 0
    for text in _texts(line, asking):
        status = script.run(text) or status
        # The person of a shell can mend what went wrong before the first prompt.
        if status and not asking and (script.terminal.look.bail or status == 130):
            break
    if not asking:
        return status
    from augursql.frontends.shell.console import Console

    return Console(script).run(line.database)


def _texts(line: "CommandLine", asking: bool) -> Iterator[str]:
    """What is to be run before a person is asked, each text when its turn has come."""
    first = _init_file(line, asking)
    if first is not None:
        yield _read(first)
    yield from line.before
    for kind, text in line.steps:
        yield _read(text) if kind == "file" else text
    if not line.steps and not asking and not line.no_stdin:
        yield sys.stdin.read()


def _read(file: str) -> str:
    from augursql.frontends.shell.actions import read_text  # Commands are loaded when needed.

    return read_text(file)


def _init_file(line: "CommandLine", asking: bool) -> str | None:
    """What runs first: ~/.augurrc is for a person, and no script depends on it."""
    if line.init is not None:
        return line.init
    own = Path.home() / ".augurrc"
    return str(own) if asking and not line.no_init and own.is_file() else None
