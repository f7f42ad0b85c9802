"""`augur shell-setup`: prepares the DuckDB shell to ask a server of ours."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from augursql.database.connectors.extensions import packaged
from augursql.errors import StorageError
from augursql.frontends.quack.extension import EXTENSIONS
from augursql.frontends.quack.server import PORT
from augursql.planner.lexer import literal

BEGIN, END = "-- AugurSQL: begin", "-- AugurSQL: end"
SHELL = "1.5.5"


def main(given: Sequence[str]) -> int:
    """Prints or writes the macro; returns the exit status. Raises StorageError."""
    options = _parser().parse_args(given)
    lines = macro(f"quack:{options.host}:{options.quack}", options.token)
    if not options.write:
        print(lines)
        return 0
    for told in (*copy_extensions(Path.home()), write(Path.home() / ".duckdbrc", lines)):
        print(told)
    return 0


def macro(uri: str, token: str | None) -> str:
    """What a shell runs to make `FROM augur($$ ... $$)` ask the server."""
    named = f", token = {literal(token)}" if token else ""
    return "\n".join(
        (
            BEGIN,
            f"CREATE OR REPLACE TEMP MACRO augur(statement) AS TABLE FROM "
            f"quack_query({literal(uri)}, statement{named});",
            END,
        )
    )


def write(file: Path, lines: str) -> str:
    """Puts the lines into a shell's start file, in the place of those of an earlier time.

    What the user has in it stays. Only its owner may read it: it may hold a token.
    """
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        kept = re.sub(rf"{BEGIN}.*?{END}\n?", "", before, flags=re.DOTALL)
        ending = "" if not kept or kept.endswith("\n") else "\n"
        new = file.with_name(f"{file.name}.new")
        new.touch(mode=0o600)
        new.write_text(f"{kept}{ending}{lines}\n", encoding="utf-8")
        new.replace(file)
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f'"{file}" could not be written: {error}') from error
    return f"Wrote {file}. In the DuckDB shell: FROM augur($$ SELECT ... $$);"


def copy_extensions(home: Path) -> list[str]:
    """Gives the shell the extensions that it needs, from their wheels; says what it did."""
    told = []
    folder = home / ".duckdb" / "extensions" / f"v{SHELL}" / _platform()
    for name in EXTENSIONS:
        source, target = packaged(name, SHELL), folder / f"{name}.duckdb_extension"
        if source is None or target.exists():
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            new = target.with_name(f"{target.name}.new")
            new.write_bytes(source.read_bytes())
            new.replace(target)
        except OSError as error:
            raise StorageError(f'"{target}" could not be written: {error}') from error
        told.append(f"Wrote {target}")
    return told


def _platform() -> str:
    """DuckDB's name of this platform, such as 'linux_amd64'."""
    with duckdb.connect() as connection:
        return str(connection.execute("PRAGMA platform").fetchall()[0][0])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "augur shell-setup",
        description="Prints the macro by which the DuckDB shell asks a server: "
        "FROM augur($$ SELECT predict(...) ... $$).",
    )
    add = parser.add_argument
    add("--quack", type=int, default=PORT, metavar="PORT", help=f"the server's port; {PORT}")
    add("--host", default="localhost", help="where the server is")
    add("--token", help="its token; without one, the shell's own secret of type quack serves")
    add(
        "--write",
        action="store_true",
        help=f"write it to ~/.duckdbrc, and Quack's extensions to where DuckDB {SHELL} looks",
    )
    return parser
