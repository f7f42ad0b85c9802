"""Plays the commands of one file on one side, and writes down every answer."""

import gzip
import os
import pickle
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb

from tests.sqllogic.script import Step, read
from tests.sqllogic.sides import CONFIG, Answer, Connection, Side, ask, told

STATEMENT_SECONDS = 20.0
_PRESENT = frozenset(
    "skip_reload noforcestorage no_force_storage notwindows notmingw notmusl 64bit longdouble"
    " strinline nothreadsan no_alternative_verify no_latest_storage no_vector_verification"
    " no_extension_autoloading".split()
)


class Skipped(Exception):
    """The file, or the rest of it, cannot be played here; the message says why."""


@dataclass(frozen=True)
class Entry:
    """A statement and its answer; None while it ran when the process ended."""

    line: int
    sql: str
    ordered: bool
    answer: Answer | None


@dataclass
class Player:
    """`out` takes the entries; `variables` are replaced in statements, loops add theirs.

    A database is opened by the first statement that needs it, under the name of its connection.
    """

    side: Side
    out: IO[bytes]
    variables: dict[str, str]
    path: str = ":memory:play"
    read_only: bool = False
    connections: dict[str, Connection] = field(default_factory=dict)
    running: tuple[Connection, float] | None = None
    late: bool = False

    def play(self, steps: list[Step]) -> None:
        for step in steps:
            if not all(condition.runs(self.variables) for condition in step.conditions):
                continue
            match step.words[0]:
                case "statement" | "query":
                    self._ask(step)
                case "loop" | "foreach":
                    for variables in step.rounds():
                        outer, self.variables = self.variables, {**self.variables, **variables}
                        self.play(step.body)
                        self.variables = outer
                case "continue":
                    return
                case "concurrentloop" | "concurrentforeach" | "tags" | "hash-threshold" | "reset":
                    pass  # what threads do to each other is not the same twice
                case "mode":
                    pass
                case _:
                    self._act(step)

    def _ask(self, step: Step) -> None:
        sql = self._replaced(step.sql)
        self._write(Entry(step.line, sql, step.ordered, None))
        try:
            connection = self._connection(step.connection)
        except Exception as error:
            answer = Answer(error=told(error))
        else:
            self.running = connection, time.monotonic() + STATEMENT_SECONDS
            answer = ask(connection, sql)
            self.running = None
        if self.late:
            raise Skipped(f"line {step.line} ran longer than {STATEMENT_SECONDS:.0f} s")
        self._write(Entry(step.line, sql, step.ordered, answer))

    def _act(self, step: Step) -> None:
        words = [self._replaced(word) for word in step.words]
        match words[0]:
            case "require":
                _require(words[1:])
            case "require-env":
                raise Skipped(f"require-env {words[1]}")
            case "test-env":
                self.variables[words[1]] = words[2]
            case "set" if words[1] == "seed":
                self._ask(Step(step.line, ("statement", "ok"), f"SELECT setseed({words[2]})"))
            case "set" if words[1] == "variable":
                self.variables[words[2]] = words[3]
            case "set":
                pass
            case "load":
                self.close()
                self.path = words[1] if len(words) > 1 else ":memory:play"
                self.read_only = words[2:3] == ["readonly"]
            case "restart":
                self.close()
            case "reconnect":
                self._close("")
            case "sleep":
                time.sleep(min(float(words[1]), 1.0) / (1000 if "milli" in words[2] else 1))
            case "unzip":
                target = words[2] if len(words) > 2 and words[2] != "NULL" else ""
                _unzip(words[1], target or f"{self.variables['TEST_DIR']}/{Path(words[1]).stem}")
            case "include":
                self.play(read(Path(words[1]).read_text()))
            case "halt":
                raise Skipped("halt")
            case other:
                raise Skipped(f"{other} is not known to this runner")

    def _connection(self, name: str) -> Connection:
        if name not in self.connections:
            self.connections[name] = self.side.connect(self.path, self.read_only)
        return self.connections[name]

    def _close(self, name: str) -> None:
        connection = self.connections.pop(name, None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        for name in list(self.connections):
            self._close(name)

    def _replaced(self, text: str) -> str:
        for name, value in self.variables.items():
            text = text.replace("${" + name + "}", value).replace("{" + name + "}", value)
        return text.replace("__TEST_DIR__", self.variables["TEST_DIR"]).replace(
            "__WORKING_DIRECTORY__", os.getcwd()
        )

    def _write(self, entry: Entry | str) -> None:
        pickle.dump(entry, self.out)
        self.out.flush()

    def watch(self) -> None:
        """Interrupts a statement that takes too long; runs in a thread of its own."""
        while True:
            time.sleep(0.5)
            if self.running is not None and time.monotonic() > self.running[1]:
                self.late = True
                self.running[0].interrupt()


def _require(words: list[str]) -> None:
    name = words[0].lower()
    if name in _PRESENT or (name == "vector_size" and int(words[1]) <= 2048):
        return
    if (name, words[1:2]) in (("exact_vector_size", ["2048"]), ("block_size", ["262144"])):
        return
    with duckdb.connect(config=dict(CONFIG)) as connection:
        query = "SELECT count(*) FROM duckdb_extensions() WHERE loaded AND extension_name = ?"
        if connection.execute(query, [name]).fetchall() != [(1,)]:
            raise Skipped(f"require {' '.join(words)}")


def _unzip(source: str, target: str) -> None:
    with gzip.open(source) as packed, open(target, "wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
