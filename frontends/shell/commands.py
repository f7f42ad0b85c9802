"""The dot commands, with the meaning that DuckDB's shell gives them."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from augursql import __version__
from augursql.errors import (
    InvalidValueError,
    NameNotFoundError,
    StatementError,
    StorageError,
    candidates,
)
from augursql.frontends.shell import listed
from augursql.frontends.shell.look import MODES, Mode
from augursql.frontends.shell.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what follows its name, what it does in a few words, and the doing."""

    arguments: str
    summary: str
    run: Callable[[Terminal, list[str]], str | None]


def run_command(terminal: Terminal, line: str) -> str | None:
    """Runs a command, given without its dot; returns a text that is to be run next, if any.

    Raises AugurError, SystemExit.
    """
    word, _, rest = line.partition(" ")
    name = _named(word)
    if name in ("shell", "system", "print"):
        arguments = [rest.strip()]
    else:
        try:
            arguments = shlex.split(rest)
        except ValueError as error:
            raise StatementError(f".{name}: a quote does not end.") from error
    return COMMANDS[name].run(terminal, arguments)


def _named(word: str) -> str:
    """A command by its name or an unambiguous beginning of it."""
    if word in COMMANDS:
        return word
    begun = [name for name in COMMANDS if word and name.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    known = [f".{name}" for name in (begun or COMMANDS)]
    raise NameNotFoundError(
        f'There is no command ".{word}".' if not begun else f'".{word}" may mean several commands.',
        hint=f"{candidates(f'.{word}', known)} .help lists all of them.",
    )


def _switch(arguments: list[str], command: str) -> bool:
    word = arguments[0].lower() if len(arguments) == 1 else ""
    if word in ("on", "1", "true", "yes"):
        return True
    if word in ("off", "0", "false", "no"):
        return False
    raise StatementError(f".{command} needs on or off.", hint=f"Usage: .{command} on|off")


def _number(arguments: list[str], command: str) -> int:
    if len(arguments) != 1 or not arguments[0].isdecimal():
        raise StatementError(f".{command} needs a number.", hint=f"Usage: .{command} COUNT")
    return int(arguments[0])


def _one(arguments: list[str], command: str) -> str:
    if len(arguments) != 1:
        raise StatementError(
            f".{command} needs one argument.",
            hint=f"Usage: .{command} {COMMANDS[command].arguments}",
        )
    return arguments[0]


def _bail(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.bail = _switch(arguments, "bail")


def _cd(terminal: Terminal, arguments: list[str]) -> None:
    folder = _one(arguments, "cd")
    try:
        os.chdir(folder)
    except OSError as error:
        raise StorageError(f'"{folder}" cannot be entered: {error.strerror}.') from error


def _changes(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.changes = _switch(arguments, "changes")


def _echo(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.echo = _switch(arguments, "echo")


def _exit(terminal: Terminal, arguments: list[str]) -> None:
    raise SystemExit(_number(arguments, "exit") if arguments else 0)


def _explain(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.plain_explain = arguments in ([], ["auto"]) or _switch(arguments, "explain")


def _headers(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.headers = _switch(arguments, "headers")


def _help(terminal: Terminal, arguments: list[str]) -> None:
    wanted = arguments[0].lstrip(".") if arguments else ""
    rows = [
        (f".{name} {command.arguments}".rstrip(), command.summary)
        for name, command in COMMANDS.items()
        if wanted in name
    ]
    if not rows:
        terminal.put([f"Nothing matches '{wanted}'\n"])
        return
    room = max(len(usage) for usage, _ in rows)
    terminal.put([f"{usage:<{room}}  {summary}\n" for usage, summary in rows])


def _maxrows(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.rows = _number(arguments, "maxrows")


def _maxwidth(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.width = _number(arguments, "maxwidth")


def _mode(terminal: Terminal, arguments: list[str]) -> None:
    if not arguments:
        terminal.put([f"current output mode: {terminal.look.mode}\n"])
        return
    terminal.look.mode = mode_named(_one(arguments, "mode"))
    terminal.look.separator = None


def mode_named(name: str) -> Mode:
    """An output mode by its name; DuckDB's duckbox is our box. Raises InvalidValueError."""
    wanted = {"duckbox": "box"}.get(name.lower(), name.lower())
    found = next((mode for mode in MODES if mode == wanted), None)
    if found is None:
        raise InvalidValueError(
            f'There is no output mode "{name}".', hint=candidates(wanted, MODES)
        )
    return found


def _nullvalue(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.null = _one(arguments, "nullvalue")


def _once(terminal: Terminal, arguments: list[str]) -> None:
    terminal.output.send_to(_one(arguments, "once"), once=True)


def _open(terminal: Terminal, arguments: list[str]) -> None:
    read_only = arguments[:1] in (["--readonly"], ["-readonly"])
    paths = arguments[1:] if read_only else arguments
    terminal.reopen(_one(paths, "open") if paths else ":memory:", read_only)


def _output(terminal: Terminal, arguments: list[str]) -> None:
    terminal.output.send_to(_one(arguments, "output") if arguments else "")


def _pager(terminal: Terminal, arguments: list[str]) -> None:
    if arguments in ([], ["automatic"], ["auto"]):
        terminal.look.pager = "automatic"
    else:
        terminal.look.pager = "on" if _switch(arguments, "pager") else "off"


def _print(terminal: Terminal, arguments: list[str]) -> None:
    terminal.put([arguments[0] + "\n"])


def _read(terminal: Terminal, arguments: list[str]) -> str:
    return read_text(_one(arguments, "read"))


def read_text(name: str) -> str:
    """The text of a terminal. Raises StorageError."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(f'"{name}" could not be read: {error.strerror}.') from error
    except UnicodeDecodeError as error:
        raise StorageError(f'"{name}" is not a text in UTF-8.') from error


def _separator(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.separator = _one(arguments, "separator").replace("\\t", "\t")


def _shell(terminal: Terminal, arguments: list[str]) -> None:
    done = subprocess.run(arguments[0], shell=True, check=False)
    if done.returncode:
        raise StatementError(f"The program ended with status {done.returncode}.")


def _show(terminal: Terminal, arguments: list[str]) -> None:
    look = terminal.look
    values: Mapping[str, object] = {
        "bail": look.bail,
        "changes": look.changes,
        "echo": look.echo,
        "headers": look.headers,
        "maxrows": "automatic" if look.rows is None else look.rows,
        "mode": look.mode,
        "nullvalue": f'"{look.null}"',
        "output": terminal.output.name,
        "pager": look.pager,
        "separator": repr(look.column_separator),
        "timer": look.timer,
    }
    words = {True: "on", False: "off"}
    terminal.put(
        f"{name:>12}: {words[value] if isinstance(value, bool) else value}\n"
        for name, value in values.items()
    )


def _timer(terminal: Terminal, arguments: list[str]) -> None:
    terminal.look.timer = _switch(arguments, "timer")


def _version(terminal: Terminal, arguments: list[str]) -> None:
    terminal.put([f"AugurSQL {__version__} (DuckDB {listed.duckdb_version(terminal.session)})\n"])


COMMANDS: Mapping[str, Command] = {
    "bail": Command("on|off", "Stop after an error; on in scripts unless said otherwise", _bail),
    "cd": Command("DIRECTORY", "Change the working directory", _cd),
    "changes": Command("on|off", "Show how many rows a statement changed", _changes),
    "databases": Command("", "List names and files of attached databases", listed.databases),
    "echo": Command("on|off", "Print each statement before its result", _echo),
    "exit": Command("?CODE?", "Leave, with this exit status", _exit),
    "explain": Command("on|off|auto", "EXPLAIN as plain text, or as rows", _explain),
    "headers": Command("on|off", "Show the names of columns", _headers),
    "help": Command("?PATTERN?", "List the commands", _help),
    "indexes": Command("?TABLE?", "List names of indexes, on tables LIKE this", listed.indexes),
    "maxrows": Command("COUNT", "The most rows that a box shows; 0 for all", _maxrows),
    "maxwidth": Command("COUNT", "The widest a box may be; 0 for the terminal's width", _maxwidth),
    "mode": Command("MODE", f"Set the output mode: {', '.join(MODES)}", _mode),
    "models": Command("", "List names of models", listed.models),
    "nullvalue": Command("STRING", "Show this in place of NULL", _nullvalue),
    "once": Command("FILE", "Send the next result to a file", _once),
    "open": Command("?--readonly? ?FILE?", "Close the database and open another one", _open),
    "output": Command("?FILE?", "Send results to a file, '|program', or the screen again", _output),
    "pager": Command("on|off|automatic", "Show long results in a pager ($PAGER or less)", _pager),
    "print": Command("STRING...", "Print this", _print),
    "quit": Command("", "Leave", _exit),
    "read": Command("FILE", "Run the statements of a file", _read),
    "schema": Command("?PATTERN?", "The statements that made what is LIKE this", listed.schema),
    "separator": Command("STRING", "What parts values in the modes csv, list and tabs", _separator),
    "shell": Command("CMD ARGS...", "Run a command of the operating system", _shell),
    "show": Command("", "Show what these commands have set", _show),
    "system": Command("CMD ARGS...", "Run a command of the operating system", _shell),
    "tables": Command("?PATTERN?", "List names of tables and views LIKE this", listed.tables),
    "timer": Command("on|off", "Show how long each statement takes", _timer),
    "version": Command("", "Show the versions", _version),
}
