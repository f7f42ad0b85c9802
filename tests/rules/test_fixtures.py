"""The rules as their fixtures tell them: one file for each rule, to be read as a specification.

A fixture is a sentence in words, then a statement, then what the rule makes of it, and fixtures are
parted by an empty line or by `;;`:

    -- A call in WHERE waits for the cheap conditions.
    -- rows to the model: 100 -> 3
    SELECT id FROM t WHERE k = 3 AND predict('label', text USING INDEX i) = 'a';
    -- becomes
    SELECT id FROM t WHERE k = 3 AND CASE WHEN k = 3 THEN predict(...) = 'a' END;

`-- stays as it is` stands where the rule leaves a statement alone; other rules may still change it.
The counts, which may be left out, are the texts that are evaluated without rules and with all of
them. SCHEMA holds the tables.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from augursql.frontends.dbapi.connection import Connection
from tests.rules.counting import counted
from tests.rules.encoder import write_encoder
from tests.rules.laboratory import ONE_THREAD, canonical

# The counts are those of DuckDB 2.0: its older versions try conditions in another order, and stop
# later. NEAREST joins came with it.
OLD = duckdb.__version__.startswith("1.")
FIXTURES = Path(__file__).parent / "fixtures"
# Texts of t and u are all different, and none of them is in the index; `often` has ten.
SCHEMA = """
CREATE TABLE labelled AS SELECT id, 'w' || id AS text, ['a', 'b', 'c'][1 + id % 3] AS label,
    (id % 5)::INTEGER AS score, id % 2 = 0 AS flag FROM range(60) r(id);
CREATE TABLE t AS SELECT id, id % 33 AS k, 't' || id AS text, id % 4 = 0 AS even,
    DATE '2024-01-01' + (id % 50)::INTEGER AS day FROM range(1, 101) r(id);
CREATE TABLE u AS SELECT id, id * 2 AS t_id, id % 8 AS k, 'u' || id AS text FROM range(1, 41) r(id);
CREATE TABLE often AS SELECT id, id % 4 AS k, 'o' || id % 10 AS text FROM range(100) r(id);
CREATE INDEX i ON labelled USING HNSW (text)
"""
WORDS = [f"{table}{n}" for table in "wtuo" for n in range(101)]


@dataclass(frozen=True, slots=True)
class Fixture:
    """`becomes` is the statement itself where the rule leaves it alone; `counts` may be missing."""

    rule: str
    words: str
    statement: str
    becomes: str
    counts: tuple[int, int] | None


def rewritten(connection: Connection, sql: str, rule: str) -> str:
    """What the rule of that name makes of a statement, as EXPLAIN tells."""
    connection.execute("SET augur_rules = 'on'")
    told = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
    steps = {step["rule"]: step["statement"] for step in json.loads(told)["rules"]}
    return str(steps.get(rule, sql))


def fixtures(text: str, rule: str) -> list[Fixture]:
    """Reads a file of fixtures. Raises ValueError, with its first line, where one is incomplete."""
    return [_fixture(block, rule) for block in re.split(r"\n\s*\n|^;;$", text, flags=re.M) if block]


def _fixture(block: str, rule: str) -> Fixture:
    lines = block.strip().splitlines()
    heads = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    ends = [n for n, line in enumerate(lines) if line in ("-- becomes", "-- stays as it is")]
    words = " ".join(heads[: len(heads) - 1])
    counted = re.search(r"\s*rows to the model: (\d+) -> (\d+)", words)
    if len(ends) != 1 or not heads or not words:
        raise ValueError(f"{rule}: not a fixture: {lines[0] if lines else ''}")
    statement = _statement(lines[: ends[0]])
    becomes = _statement(lines[ends[0] + 1 :])
    stays = lines[ends[0]] == "-- stays as it is"
    if not statement or stays == bool(becomes):
        raise ValueError(f"{rule}: a statement is missing, or one too many: {lines[0]}")
    return Fixture(
        rule,
        words.replace(counted[0], "") if counted else words,
        statement,
        becomes or statement,
        (int(counted[1]), int(counted[2])) if counted else None,
    )


def _statement(lines: list[str]) -> str:
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return sql.strip().removesuffix(";")


FOUND = [
    f
    for file in sorted(FIXTURES.glob("*.sql"))
    for f in fixtures(file.read_text(), file.stem)
    if not (OLD and "NEAREST" in f.statement)
]
NAMES = [f"{fixture.rule}: {fixture.words[:50]}" for fixture in FOUND]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    folder = tmp_path_factory.mktemp("fixtures")
    write_encoder(folder / "tiny", WORDS)
    settings = {"home": str(folder / "home"), "dtype": "fp32", "progress": "off"}
    with Connection(settings={**settings, "cache": "off"}, config=ONE_THREAD) as made:
        made.execute(f"CREATE MODEL tiny FROM '{folder / 'tiny'}'")
        made.execute("SET augur_encoder = 'tiny'")
        made.execute(SCHEMA)
        yield made


def run(connection: Connection, sql: str, rules: str) -> tuple[list[tuple[object, ...]], int]:
    """The rows of a statement and the texts that it had evaluated."""
    connection.execute(f"SET augur_rules = '{rules}'")
    with counted() as evaluations:
        rows = canonical(connection.execute(sql).fetchall())
    return rows, evaluations.texts


@pytest.mark.parametrize("fixture", FOUND, ids=NAMES)
def test_the_rule_does_what_it_says(connection: Connection, fixture: Fixture) -> None:
    made = rewritten(connection, fixture.statement, fixture.rule)
    assert " ".join(made.split()) == " ".join(fixture.becomes.split())


@pytest.mark.parametrize("fixture", FOUND, ids=NAMES)
def test_both_forms_have_the_same_rows(connection: Connection, fixture: Fixture) -> None:
    runs = [
        run(connection, sql, rules)[0]
        for sql in (fixture.statement, fixture.becomes)
        for rules in ("off", "on")
    ]
    for rows in runs[1:]:
        if "order by" in fixture.statement.lower():
            assert rows == runs[0]
        assert Counter(rows) == Counter(runs[0])


@pytest.mark.parametrize("fixture", FOUND, ids=NAMES)
def test_the_model_sees_as_many_rows_as_it_says(connection: Connection, fixture: Fixture) -> None:
    before, after = counts = tuple(
        run(connection, fixture.statement, rules)[1] for rules in ("off", "on")
    )
    assert after <= before, "rules never cost evaluations"
    assert run(connection, fixture.becomes, "off")[1] <= before, "nor does this one by itself"
    if fixture.counts is not None and not OLD:
        assert counts == fixture.counts


def test_an_incomplete_fixture_is_told() -> None:
    for wrong in ("SELECT 1;", "-- Words.\nSELECT 1;", "-- Words.\nSELECT 1;\n-- becomes"):
        with pytest.raises(ValueError, match="guard"):
            fixtures(wrong, "guard")
    (made,) = fixtures("-- A.\n-- rows to the model: 5 -> 3\nSELECT 1;\n-- stays as it is\n", "r")
    assert made == Fixture("r", "A.", "SELECT 1", "SELECT 1", (5, 3))
