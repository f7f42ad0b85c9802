"""The dot commands that do something: files, programs, the database, the end."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from augursql import __version__
from augursql.errors import StatementError, StorageError
from augursql.frontends.shell.arguments import Arguments
from augursql.frontends.shell.files import FORMATS, format_of, reading
from augursql.frontends.shell.listed import duckdb_version
from augursql.frontends.shell.terminal import Terminal
from augursql.planner.lexer import literal, quoted


def change_folder(terminal: Terminal, arguments: Arguments) -> None:
    """.cd"""
    folder = arguments.one()
    try:
        os.chdir(Path(folder).expanduser())
    except OSError as error:
        raise StorageError(f'"{folder}" cannot be entered: {error.strerror}.') from error


def edit(terminal: Terminal, arguments: Arguments) -> str:
    """.edit: the last statement in the person's editor; what it is then is run."""
    if not sys.stdin.isatty():
        raise StatementError(".edit: there is no terminal for an editor.")
    wanted = (os.environ.get(name) for name in ("DUCKDB_EDITOR", "EDITOR", "VISUAL"))
    editor = next((name for name in wanted if name), "vi")
    with tempfile.TemporaryDirectory(prefix="augur-") as folder:
        file = Path(folder, "statement.sql")
        file.write_text(terminal.statement, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)
        except OSError as error:
            raise StorageError(
                f'The editor "{editor}" cannot be run: {error.strerror}.',
                hint="Name one in the environment variable EDITOR.",
            ) from error
        if done.returncode:
            raise StatementError(f"The editor ended with status {done.returncode}.")
        text = read_text(str(file))
    terminal.tell(text.rstrip())
    return text


def leave(terminal: Terminal, arguments: Arguments) -> None:
    """.exit and .quit"""
    raise SystemExit(arguments.number() if arguments.text else 0)


def import_file(terminal: Terminal, arguments: Arguments) -> str:
    """.import: the rows of a file into a table, which is created where there is none."""
    words, options, form = list(arguments.words), list[str](), None
    plain = list[str]()
    while words:
        word = words.pop(0)
        name = word.removeprefix("--")
        form = next((known for known in FORMATS if known == name), form)
        if not word.startswith("--"):
            plain.append(word)
        elif name not in FORMATS:
            if not words or not name.isidentifier():
                raise arguments.wrong(f"{word} needs a value")
            options.append(f"{name} = {_value(words.pop(0))}")
    if len(plain) != 2:
        raise arguments.wrong("needs a file and a table")
    source = reading([plain[0]], form or format_of(plain[0]), options)
    table = ".".join(map(quoted, plain[1].split(".")))
    if _exists(terminal, plain[1].split(".")):
        return f"INSERT INTO {table} FROM {source};"
    return f"CREATE TABLE {table} AS FROM {source};"


def last(terminal: Terminal, arguments: Arguments) -> None:
    """.last"""
    terminal.show_whole()


def once(terminal: Terminal, arguments: Arguments) -> None:
    """.once"""
    terminal.output.send_to(_target(arguments), once=True)


def open_database(terminal: Terminal, arguments: Arguments) -> None:
    """.open"""
    words = arguments.words
    options = {word.lstrip("-") for word in words if word.startswith("-")}
    paths = [word for word in words if not word.startswith("-")]
    if len(paths) > 1 or options - {"readonly", "new"}:
        raise arguments.wrong("needs one file")
    path = str(Path(paths[0]).expanduser()) if paths else ":memory:"
    terminal.reopen(path, "readonly" in options, new="new" in options)


def output(terminal: Terminal, arguments: Arguments) -> None:
    """.output"""
    terminal.output.send_to(_target(arguments) if arguments.text else "")


def print_text(terminal: Terminal, arguments: Arguments) -> None:
    """.print"""
    text = arguments.text
    quoted_ = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    terminal.put([(text[1:-1] if quoted_ else text) + "\n"])


def read(terminal: Terminal, arguments: Arguments) -> str:
    """.read"""
    return read_text(arguments.one())


def read_text(name: str) -> str:
    """The text of a file. Raises StorageError."""
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(f'"{name}" could not be read: {error.strerror}.') from error
    except UnicodeDecodeError as error:
        raise StorageError(f'"{name}" is not a text in UTF-8.') from error


def shell(terminal: Terminal, arguments: Arguments) -> None:
    """.shell and .system"""
    if not arguments.text:
        raise arguments.wrong("needs a command")
    done = subprocess.run(arguments.text, shell=True, check=False)
    if done.returncode:
        raise StatementError(f"The program ended with status {done.returncode}.")


def version(terminal: Terminal, arguments: Arguments) -> None:
    """.version"""
    terminal.put([f"AugurSQL {__version__} (DuckDB {duckdb_version(terminal.session)})\n"])


def _target(arguments: Arguments) -> str:
    """A file, or a program with its arguments behind '|', which may stand without quotes."""
    return arguments.text if arguments.text.startswith("|") else arguments.one()


def _value(word: str) -> str:
    """An option's value: numbers, booleans and lists as they are, all else as a string."""
    plain = word.lower() in ("true", "false") or word[:1] in "[{" or word.isdecimal()
    return word if plain else literal(word)


def _exists(terminal: Terminal, path: list[str]) -> bool:
    wanted = zip(("table_name", "schema_name", "database_name"), reversed(path), strict=False)
    where = " AND ".join(f"lower({column}) = lower({literal(name)})" for column, name in wanted)
    rows = terminal.session.execute(f"SELECT 1 FROM duckdb_tables() WHERE {where}").fetchall()
    return bool(rows)
