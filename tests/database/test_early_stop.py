"""Early stop: WHERE with a call and a LIMIT asks about a few rows, and gives the same ones."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from augursql.database.execution import streaming
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

MANY = """
CREATE TABLE many AS SELECT i AS id, 'text ' || i AS text, i % 7 AS k,
    DATE '2024-01-01' + (i % 100)::INTEGER AS day FROM range(1500) r(i)
"""
SOME = "similarity(text, 'text 1') > 0.5"
ASKED = "SELECT evaluated FROM augur_calls() ORDER BY statement DESC LIMIT 1"

# DuckDB 1.5 gathers what passes a filter until it has 64 rows: three batches of 32, 64 and 128.
FEW = 224 if duckdb.__version__.startswith("1.") else 32


@pytest.fixture
def many(con: Connection) -> Connection:
    con.execute("SET threads = 1; SET augur_cache = 'off'")
    con.execute(MANY)
    return con


def both(con: Connection, sql: str, parameters: Any = None) -> tuple[list[Any], int]:
    """The rows with rules, which are those without, and how many texts were evaluated."""
    con.execute("SET augur_rules = 'off'")
    expected = con.execute(sql, parameters)
    columns, rows = expected.description, expected.fetchall()
    con.execute("SET augur_rules = 'on'")
    found = con.execute(sql, parameters)
    assert found.description == columns
    assert found.fetchall() == rows
    return rows, con.execute(ASKED).fetchall()[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT id FROM many WHERE {SOME} LIMIT 3",
        f"SELECT * FROM many WHERE {SOME} LIMIT 3",
        f"SELECT id, day FROM many WHERE {SOME} AND k <> 3 LIMIT 3 OFFSET 4",
        f"SELECT day, id AS n FROM many WHERE {SOME} ORDER BY day DESC, id LIMIT 3",
        f"SELECT m.id, r.hotel FROM many m JOIN reviews r USING (id) WHERE {SOME} LIMIT 3",
        f"WITH w AS (SELECT * FROM many WHERE k = 2) SELECT id FROM w WHERE {SOME} LIMIT 3",
        f"FROM many SELECT id, {SOME} WHERE {SOME} LIMIT 3",
    ],
)
def test_few_rows_are_asked_about_and_the_rows_are_the_same(many: Connection, sql: str) -> None:
    rows, evaluated = both(many, sql)
    assert len(rows) == 3
    assert evaluated <= FEW + 1


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_do_not_make_it_much_more(many: Connection, threads: int) -> None:
    many.execute(f"SET threads = {threads}")
    _, evaluated = both(many, f"SELECT id FROM many WHERE {SOME} LIMIT 3")
    assert evaluated <= 200


def test_few_hits_take_all_rows(many: Connection) -> None:
    sql = "SELECT id FROM many WHERE similarity(text, 'text 1') > 0.999 LIMIT 1500"
    rows, evaluated = both(many, sql)
    assert 0 < len(rows) < 1500
    assert evaluated == 1500


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT id, ? FROM many WHERE similarity(text, ?) > ? AND k <> ? LIMIT 3", None),
        ("SELECT id, $1 FROM many WHERE similarity(text, $2) > $3 AND k <> $4 LIMIT 3", None),
        (
            "SELECT id, $a FROM many WHERE similarity(text, $b) > $c AND k <> $d LIMIT 3",
            {"a": "told", "b": "text 1", "c": 0.5, "d": 3},
        ),
    ],
)
def test_parameters(many: Connection, sql: str, parameters: Any) -> None:
    rows, evaluated = both(many, sql, parameters or ["told", "text 1", 0.5, 3])
    assert [row[1] for row in rows] == ["told"] * 3
    assert evaluated <= FEW + 1


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (f"CREATE OR REPLACE TABLE made AS SELECT id FROM many WHERE {SOME} LIMIT 3", "made"),
        (f"INSERT INTO kept (id) SELECT id FROM many WHERE {SOME} ORDER BY id LIMIT 3", "kept"),
    ],
)
def test_what_is_written_is_the_same(many: Connection, statement: str, table: str) -> None:
    many.execute("CREATE TABLE kept (id BIGINT, told VARCHAR DEFAULT 'by default')")
    many.execute("SET augur_rules = 'off'").execute(statement)
    expected = many.execute(f"FROM {table}").fetchall()
    many.execute("DELETE FROM kept; SET augur_rules = 'on'").execute(statement)
    (evaluated,) = many.execute(ASKED).fetchall()[0]
    assert many.execute(f"FROM {table}").fetchall() == expected
    assert len(expected) == 3
    assert evaluated <= FEW + 1


def test_copy(many: Connection, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    many.execute(f"COPY (SELECT id FROM many WHERE {SOME} LIMIT 3) TO '{file}' (HEADER false)")
    assert len(file.read_text().split()) == 3


@pytest.mark.parametrize(
    "value",
    [
        "'b'::ENUM('a', 'b')",
        "170141183460469231731687303715884105727::HUGEINT",
        "'00000000-0000-0000-0000-000000000001'::UUID",
        "'10101'::BIT",
        "TIME '12:00:00'",
        "INTERVAL 3 MONTHS",
        "1.50::DECIMAL(30, 2)",
        "{'a': [1, NULL], 'b': MAP {'k': 1}}",
        "union_value(num := 3)",
        "'{\"a\": 1}'::JSON",
        "'\\x00\\xFF'::BLOB",
        "NULL",
    ],
)
def test_types_stay(many: Connection, value: str) -> None:
    rows, _ = both(many, f"SELECT id, {value} AS v FROM many WHERE {SOME} LIMIT 3")
    assert len(rows) == 3


def test_what_is_too_much_to_hold_runs_as_it_was_written(
    many: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MOST_ROWS", 100)
    rows, evaluated = both(many, f"SELECT id FROM many WHERE {SOME} LIMIT 3")
    assert len(rows) == 3
    assert evaluated > 1000


def test_inside_a_transaction(many: Connection) -> None:
    many.execute("BEGIN")
    many.execute("DELETE FROM many WHERE id < 10")
    rows, evaluated = both(many, f"SELECT id FROM many WHERE {SOME} LIMIT 3")
    assert rows[0][0] >= 10
    assert evaluated <= FEW + 1
    many.execute("ROLLBACK")
    rows, _ = both(many, f"SELECT id FROM many WHERE {SOME} LIMIT 3")
    assert rows[0][0] < 10


def test_results_read_one_after_the_other(many: Connection) -> None:
    sql = f"SELECT id FROM many WHERE {SOME} LIMIT 3"
    first = many.execute(sql)
    assert first.fetchone() is not None
    assert many.execute(sql).fetchall() == many.execute(sql).fetchall()


def test_a_read_only_database(indexed_file: Path, tmp_path: Path) -> None:
    path = str(shutil.copy(indexed_file, tmp_path / "read.duckdb"))
    settings = {"progress": "off", "cache": "off"}
    with Connection(path, settings=settings, config={"access_mode": "READ_ONLY"}) as con:
        con.execute("SET threads = 1")
        where = "predict('rating', title USING INDEX hotels) >= 1"
        rows, evaluated = both(con, f"SELECT id, hotel FROM reviews WHERE {where} LIMIT 3")
    assert len(rows) == 3
    assert evaluated <= FEW


def test_an_error_is_about_what_the_user_wrote(many: Connection) -> None:
    for sql in (
        f"SELECT nosuch FROM many WHERE {SOME} LIMIT 3",
        f"SELECT id FROM many WHERE {SOME} ORDER BY nosuch LIMIT 3",
        f"SELECT id FROM many WHERE nosuch > 3 AND {SOME} LIMIT 3",
    ):
        with pytest.raises(errors.ProgrammingError, match="nosuch") as raised:
            many.execute(sql)
        assert f"LINE 1: {sql}" in str(raised.value)
