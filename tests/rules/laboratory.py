"""Runs a case in three ways: without rules, with them, and by plain DuckDB with answers looked up.

The answers are computed once per text by our own functions, in a database that has no other data.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from tests.rules.cases import Case, Parameters
from tests.rules.counting import counted
from tests.rules.encoder import write_encoder
from tests.rules.tables import LABELLED, Tables, documents, literal
from tests.rules.templates import SPECS, Spec, ours, plain

_NUMBERED = re.compile(r"\b(predict|classify|embed|similarity|search)_\w*?[0-9a-f]{6}\d+\b")
ONE_THREAD = {"threads": 1}  # so that the same rows come in the same chunks, and counts are sure
Writer = Callable[[str], str]
Answers = dict[tuple[str | None, ...], object]
Run = Callable[[str, Parameters], tuple[list[tuple[Any, ...]], list[tuple[str, str]]]]


COUNT, SUCCESS = ("Count", "BIGINT"), ("Success", "BOOLEAN")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave: rows, (name, type) of each column, the rows of what ran after it;
    or its error, as class and message; and the texts that a model evaluated."""

    rows: list[tuple[object, ...]]
    columns: list[tuple[str, str]]
    after: list[list[tuple[object, ...]]]
    error: tuple[str, str] | None = None
    evaluated: int = 0


class Laboratory:
    """Three connections: ours, plain DuckDB's, and the one that knows the answers."""

    def __init__(self, folder: Path) -> None:
        write_encoder(folder / "tiny", documents())
        self._settings = {
            "home": str(folder / "home"),
            "dtype": "fp32",
            "progress": "off",
            "cache": "off",  # which forgets, between statements, what models computed
        }
        self._model = folder / "tiny"
        self.ours = self._opened()
        self._teacher = self._opened()
        self._plain = duckdb.connect(config=ONE_THREAD)
        self._plain.execute(LABELLED)
        for name, spec in SPECS.items():
            self._register(name, spec)

    def close(self) -> None:
        for connection in (self.ours, self._teacher, self._plain):
            connection.close()

    def load(self, tables: Tables) -> None:
        """Puts the tables into both databases."""
        for statement in tables.sql():
            self.ours.execute(statement)
            self._plain.execute(statement)

    def rules(self, case: Case, rules: str, written: Writer | None = None) -> Outcome:
        """The case in our language, with the rules 'on' or 'off'; `written` may spoil it."""
        self.ours.execute(f"SET augur_rules = '{rules}'")
        with counted() as evaluations:
            outcome = _outcome(case, written or ours, self._run_ours)
        return replace(outcome, evaluated=evaluations.texts)

    def oracle(self, case: Case) -> Outcome:
        """The case by DuckDB alone."""
        return _outcome(case, plain, self._run_plain)

    def every_row(self, template: str) -> Counter[tuple[object, ...]]:
        """The rows of a statement by DuckDB alone, none chosen."""
        return Counter(canonical(self._run_plain(plain(template), None)[0]))

    def _opened(self) -> Connection:
        connection = Connection(settings=self._settings, config=ONE_THREAD)
        connection.execute(f"CREATE MODEL tiny FROM '{self._model}'")
        connection.execute("SET augur_encoder = 'tiny'")
        connection.execute(LABELLED)
        connection.execute("CREATE INDEX i ON labelled USING HNSW (text)")
        connection.execute("CREATE INDEX both_columns ON labelled USING HNSW (text, note)")
        return connection

    def _run_ours(
        self, sql: str, parameters: Parameters
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
        cursor = self.ours.execute(sql, parameters)
        if cursor.description is None:  # DuckDB gives rows for a count, and for no count, too.
            return ([(cursor.rowcount,)], [COUNT]) if cursor.rowcount >= 0 else ([], [])
        heads = [(str(column[0]), str(column[1])) for column in cursor.description]
        return cursor.fetchall(), heads

    def _run_plain(
        self, sql: str, parameters: Parameters
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
        with errors.mapped():
            result = self._plain.execute(sql, parameters)
            heads = [(str(column[0]), str(column[1])) for column in result.description or ()]
            rows = result.fetchall() if heads else []
            return ([], []) if heads == [SUCCESS] else (rows, heads)

    def _register(self, name: str, spec: Spec) -> None:
        known: Answers = {}
        if spec.inputs == 1:
            known.update(self._answers(name, [(text,) for text in documents()]))

        def answers(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
            rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
            missing = [row for row in dict.fromkeys(rows) if row not in known]
            known.update(self._answers(name, missing))
            return pa.array([known[row] for row in rows], spec.arrow)

        self._plain.create_function(
            f"oracle_{name}",
            (lambda one: answers([one]))
            if spec.inputs == 1
            else (lambda one, two: answers([one, two])),
            ["VARCHAR"] * spec.inputs,
            spec.type_,
            type="arrow",
            null_handling="special",
        )

    def _answers(self, name: str, inputs: Sequence[tuple[str | None, ...]]) -> Answers:
        """What our function says to each of the inputs."""
        if not inputs:
            return {}
        rows = ", ".join(f"({n}, {', '.join(map(literal, row))})" for n, row in enumerate(inputs))
        heads = ("text", "note")[: SPECS[name].inputs]
        given = f"(VALUES {rows}) AS given(n, {', '.join(heads)})"
        texts = [f"CAST({head} AS VARCHAR)" for head in heads] if name != "both" else list(heads)
        if name == "found":
            spec, given = SPECS[name], f"{given}, LATERAL {{}} AS f"
            sql = f"SELECT n, f.* FROM {given.format(spec.before + texts[0] + spec.after)}"
            found: dict[int, list[Any]] = {n: [] for n in range(len(inputs))}
            cursor = self._teacher.execute(f"{sql} ORDER BY n, rank")
            names = [column[0] for column in cursor.description or ()][1:]
            for n, *values in cursor.fetchall():
                found[n].append(dict(zip(names, values, strict=True)))
            return {row: found[n] for n, row in enumerate(inputs)}
        spec = SPECS[name]
        call = spec.before + spec.between.join(texts) + spec.after
        answered = self._teacher.execute(f"SELECT {call} FROM {given} ORDER BY n").fetchall()
        return {row: value for row, (value,) in zip(inputs, answered, strict=True)}


def canonical(rows: Sequence[tuple[Any, ...]]) -> list[tuple[object, ...]]:
    """Rows whose equal values are equal in Python: NaN is one value, doubles have nine digits."""
    return [tuple(_value(value) for value in row) for row in rows]


def _value(value: object) -> object:
    match value:
        case float():
            return "NaN" if math.isnan(value) else float(f"{value:.9g}")
        case list() | tuple():
            return tuple(_value(item) for item in value)
        case dict():
            return tuple((_value(k), _value(v)) for k, v in value.items())
    return value


@contextmanager
def _caught(found: list[tuple[str, str]]) -> Iterator[None]:
    try:
        yield
    except errors.Error as error:
        found.append((type(error).__name__, _NUMBERED.sub(r"\1", str(error))))


def _outcome(case: Case, written: Writer, run: Run) -> Outcome:
    failed, rows, columns, after = list[tuple[str, str]](), list[Any](), list[Any](), list[Any]()
    for statement in case.before:
        run(statement, None)
    with _caught(failed):
        rows, columns = run(written(case.statement), case.parameters)
        after = [canonical(run(statement, None)[0]) for statement in case.after]
    return Outcome(canonical(rows), columns, after, failed[0] if failed else None)
