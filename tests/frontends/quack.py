"""A real `augur serve`, and the real DuckDB shell."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from augursql.database.connectors.extensions import packaged
from augursql.frontends.quack.extension import EXTENSIONS
from augursql.frontends.quack.setup import copy_extensions

needs_quack = pytest.mark.skipif(
    not all(packaged(name) for name in EXTENSIONS),
    reason=f"Quack's extension for DuckDB {duckdb.__version__} is not installed",
)


def shell_file() -> str:
    """The DuckDB shell itself; the command `duckdb` is a Python program around it."""
    found = find_spec("duckdb_cli")
    assert found is not None and found.origin is not None
    return str(Path(found.origin).parent / "duckdb")


@dataclass
class Shell:
    """The DuckDB shell in a home of its own, which has Quack's extensions."""

    home: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        copy_extensions(self.home)
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "duckdb").symlink_to(shell_file())
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "HOME": str(self.home), "PATH": path}

    def start(self, line: str, sql: str) -> "subprocess.Popen[str]":
        """Runs a command line as a user pastes it, with statements to run."""
        return subprocess.Popen(
            ["bash", "-c", f'{line} -csv -c "$1"', "bash", sql],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, line: str, sql: str) -> tuple[str, str]:
        """What it prints, and what it complains of."""
        return self.start(line, sql).communicate(timeout=120)


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`augur serve` on a free port: the line that it prints, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "augursql", "serve", *arguments, "--quack", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("duckdb "), process.communicate(timeout=60)
        yield line, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def query(sql: str) -> str:
    """A statement for the server."""
    return f"FROM query($$ {sql} $$);"


def uri_of(line: str) -> str:
    found = re.search(r"quack:\S+:\d+", line)
    assert found is not None
    return found[0]


def token_of(line: str) -> str:
    found = re.search(r"TOKEN '([^']+)'", line)
    assert found is not None
    return found[1]
