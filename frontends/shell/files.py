"""Files of rows: how DuckDB reads and writes them, by their names or by what they hold."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from augursql.errors import InvalidValueError, StorageError
from augursql.planner.lexer import literal

Format = Literal["csv", "tsv", "json", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
STANDARD = "-"
PART = ".part-"

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_READERS: dict[Format, str] = {
    "csv": "read_csv",
    "tsv": "read_csv",
    "json": "read_json",
    "jsonl": "read_json",
    "parquet": "read_parquet",
}
_WRITERS: dict[Format, str] = {
    "csv": "FORMAT csv, HEADER",
    "tsv": "FORMAT csv, HEADER, DELIMITER '\\t'",
    "json": "FORMAT json, ARRAY",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet",
}


def format_of(name: str) -> Format:
    """The format that a file's name tells, `.gz` and `.zst` aside. Raises InvalidValueError."""
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in (".gz", ".zst"):
        suffix = path.with_suffix("").suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidValueError(
            f'The name "{name}" does not tell a format.',
            hint=f"Names end in {', '.join(_SUFFIXES)}; or say --input-format, --output-format.",
        )
    return _SUFFIXES[suffix]


@contextmanager
def readable(names: Sequence[str], format_: Format | None) -> Iterator[str]:
    """SQL that reads files, globs, or standard input ('-'), while the block runs.

    Raises StorageError.
    """
    if list(names) != [STANDARD]:
        yield reading(names, format_ or format_of(names[0]))
        return
    with tempfile.TemporaryDirectory(prefix="augur-") as folder:
        # Standard input can be read once; DuckDB looks at a file more often than that.
        copy = os.path.join(folder, "input")
        with _failing("Standard input", "kept"), open(copy, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield reading([copy], format_ or _format_within(copy))


@contextmanager
def replaced(name: str, format_: Format) -> Iterator[str]:
    """SQL behind COPY ... TO that writes a file, which appears only when the block has succeeded.

    '-' is standard output. It, and a device or a pipe with a name, get the rows when they are
    whole. Raises StorageError.
    """
    path = Path(name)
    if name == STANDARD or (path.exists() and not path.is_file()):
        yield from _poured(name, format_)
        return
    if not path.parent.is_dir():
        raise StorageError(f'There is no folder "{path.parent}".', hint="Create it first.")
    path = path.resolve()  # What a link leads to is replaced, and not the link.
    part = path.with_name(PART + path.name)  # With its suffix: '.gz' means compression.
    try:
        yield f"{literal(str(part))} ({_WRITERS[format_]})"
        with _failing(f'"{name}"', "written"):
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _poured(name: str, format_: Format) -> Iterator[str]:
    if os.path.isdir(name):
        raise StorageError(f'"{name}" is a folder.', hint="Name a file in it.")
    with tempfile.TemporaryDirectory(prefix="augur-") as folder:
        whole = os.path.join(folder, f"{PART}output")
        yield f"{literal(whole)} ({_WRITERS[format_]})"
        with open(whole, "rb") as rows:
            if name == STANDARD:
                sys.stdout.flush()
                shutil.copyfileobj(rows, sys.stdout.buffer)
                sys.stdout.buffer.flush()
                return
            with _failing(f'"{name}"', "written"), open(name, "wb", buffering=0) as device:
                shutil.copyfileobj(rows, device)


@contextmanager
def _failing(what: str, done: str) -> Iterator[None]:
    """Tells what the operating system refuses as an error of ours."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"{what} could not be {done}: {error.strerror}.") from error


def reading(names: Sequence[str], format_: Format, options: Sequence[str] = ()) -> str:
    """SQL that reads files or globs; `options` are arguments of DuckDB's reader."""
    listed = ", ".join(literal(name) for name in names)
    return f"{_READERS[format_]}({', '.join([f'[{listed}]', 'union_by_name = true', *options])})"


def _format_within(path: str) -> Format:
    """What the first bytes of a file say."""
    with open(path, "rb") as file:
        begin = file.read(64).lstrip()
    if begin.startswith(b"PAR1"):
        return "parquet"
    return "json" if begin[:1] in (b"{", b"[") else "csv"
