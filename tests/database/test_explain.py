"""EXPLAIN: what a statement will ask of its models, told without asking them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from augursql.database.execution import foresight
from augursql.engine.inference.encoder import Encoder, Encoding
from augursql.errors import StaleIndexWarning
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from augursql.types import Monitor

PREDICT = "predict('rating', title USING INDEX hotels)"
COUNTS = (
    "SELECT call, rows, inputs, evaluated, cached FROM augur_calls() WHERE statement ="
    " (SELECT max(statement) FROM augur_calls())"
)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The texts that an encoder was given."""
    encode, texts = Encoder.encode, list[str]()

    def noting(self: Encoder, given: Sequence[str], monitor: Monitor) -> Encoding:
        texts.extend(given)
        return encode(self, given, monitor)

    monkeypatch.setattr(Encoder, "encode", noting)
    yield texts


def told(con: Connection, sql: str, parameters: Any = None, options: str = "") -> dict[str, Any]:
    """Our part of EXPLAIN, as JSON."""
    explained = f"EXPLAIN ({options}FORMAT json) {sql}"
    key, value = con.execute(explained, parameters).fetchall()[0]
    assert key == "augur_plan"
    found: dict[str, Any] = json.loads(value)
    return found


def test_the_text_tells_what_a_user_asks(indexed: Connection, sent: list[str]) -> None:
    sql = f"EXPLAIN SELECT hotel, {PREDICT} AS stars FROM reviews WHERE rating = 5"
    (key, text), (other, plan) = indexed.execute(sql).fetchall()
    assert (key, other) == ("augur_plan", "physical_plan")
    lines = text.splitlines()
    assert lines[0] == f"SELECT hotel, {PREDICT} AS stars FROM reviews WHERE rating = 5"
    assert lines[2] == f"call 1      {PREDICT} -> BIGINT"
    assert lines[3].startswith("  rung      head: learned from the index's labelled rows; head ")
    assert "  model     minilm" in lines
    assert "  index     hotels version 1, 400 rows, 394 texts, up to date" in lines
    assert "  inputs    100 rows, 98 distinct, 0 known, 98 to evaluate" in lines
    assert [line[:12] for line in lines if "tokens/s" in line] == ["  expected  "]
    assert lines[-1] == "rules       none changes this statement"
    assert max(map(len, lines)) <= 100
    assert "hotel" in plan
    assert sent == []


def test_what_is_expected_is_what_happens(indexed: Connection, sent: list[str]) -> None:
    sql = f"SELECT {PREDICT}, embed(city) FROM reviews WHERE id <= 50"
    expected = [call["expected"] for call in told(indexed, sql)["calls"]]
    assert (sent, indexed.execute(COUNTS).fetchall()[0][1:]) == ([], (0, 0, 0, 0))
    indexed.execute(sql).fetchall()
    happened = [row[1:] for row in indexed.execute(COUNTS).fetchall()]
    names = ("rows", "inputs", "evaluated", "cached")
    assert [tuple(call[name] for name in names) for call in expected] == happened
    assert sum(row[2] for row in happened) == len(sent) > 0


def test_known_texts_cost_nothing(indexed: Connection) -> None:
    (call,) = told(indexed, "SELECT predict('rating', review USING INDEX hotels) FROM reviews")[
        "calls"
    ]
    assert call["expected"]["rows"] == 400
    assert (call["expected"]["evaluated"], call["expected"]["tokens"]) == (0, 0)
    assert call["expected"]["cached"] == call["expected"]["inputs"] == 394


def test_a_call_that_is_written_twice_is_one(indexed: Connection) -> None:
    sql = "SELECT embed(title), embed(title) AS again, similarity(title, city) FROM reviews"
    first, second = told(indexed, sql)["calls"]
    assert first["call"] == "embed(title)   (2 times)"
    assert second["expected"]["cached"] == first["expected"]["inputs"]


def test_analyze_runs_once_and_tells_what_happened(indexed: Connection, sent: list[str]) -> None:
    sql = f"EXPLAIN ANALYZE SELECT {PREDICT} FROM reviews WHERE id <= 50"
    (_, text), (other, _) = indexed.execute(sql).fetchall()
    assert other == "analyzed_plan"
    assert f"  actual    50 rows asked, {len(sent)} evaluated, 0 known, " in text
    assert len(sent) == len(set(sent)) > 0
    actual = told(indexed, f"SELECT {PREDICT} FROM reviews WHERE id <= 50", None, "ANALYZE, ")
    assert actual["calls"][0]["actual"]["cached"] == len(sent)


def test_truncated_inputs_are_told(indexed: Connection) -> None:
    sql = "SELECT embed(repeat(review, 40)) FROM reviews WHERE id <= 2"
    (call,) = told(indexed, sql, None, "ANALYZE, ")["calls"]
    assert call["actual"]["truncated"] == 2


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE reviews SET rating = {PREDICT} WHERE id <= 5",
        f"INSERT INTO reviews (id, rating) SELECT id + 1000, {PREDICT} FROM reviews WHERE id <= 5",
        f"DELETE FROM reviews WHERE id <= 5 AND {PREDICT} > 0",
        f"CREATE OR REPLACE TABLE reviews AS SELECT id, {PREDICT} AS p FROM reviews LIMIT 5",
    ],
)
def test_only_analyze_changes_anything(
    indexed: Connection, sent: list[str], statement: str
) -> None:
    state = "SELECT count(*), sum(hash(r)) FROM reviews r"
    before = indexed.execute(state).fetchall()
    (_, text), *_ = indexed.execute(f"EXPLAIN {statement}").fetchall()
    assert "call 1 " in text
    assert (indexed.execute(state).fetchall(), sent) == (before, [])
    (_, text), *_ = indexed.execute(f"EXPLAIN ANALYZE {statement}").fetchall()
    assert indexed.execute(state).fetchall() != before
    assert f"  actual    5 rows asked, {len(sent)} evaluated" in text


def test_an_index_whose_table_is_gone(indexed: Connection) -> None:
    indexed.execute("CREATE TABLE other AS SELECT title FROM reviews LIMIT 3; DROP TABLE reviews")
    (call,) = told(indexed, f"SELECT {PREDICT} FROM other")["calls"]
    assert call["index"].endswith("394 texts, its table is gone or another")


def test_what_cannot_be_known_is_not_told(indexed: Connection) -> None:
    update = told(indexed, f"UPDATE reviews SET rating = {PREDICT}")
    assert update["calls"][0]["expected"] is None
    nested = f"SELECT embed(city) FROM reviews WHERE {PREDICT} = 5"
    calls = told(indexed, nested)["calls"]
    assert [call["expected"] is None for call in calls] == [True, False]
    text = indexed.execute(f"EXPLAIN {nested}").fetchall()[0][1]
    assert text.count("  expected  known only while the statement runs") == 1


def test_staleness(indexed: Connection) -> None:
    indexed.execute("INSERT INTO reviews (id, title, review) VALUES (900, 'New', 'Fresh paint')")
    with pytest.warns(StaleIndexWarning):
        (call,) = told(indexed, f"SELECT {PREDICT} FROM reviews")["calls"]
    assert call["index"] == "hotels version 1, 400 rows, 394 texts, lacks 1 rows"
    indexed.execute("REFRESH INDEX hotels")
    (call,) = told(indexed, f"SELECT {PREDICT} FROM reviews")["calls"]
    assert call["index"] == "hotels version 2, 401 rows, 395 texts, up to date"


def test_rules_are_told_with_the_statement_after_each(indexed: Connection) -> None:
    sql = f"SELECT id, {PREDICT} AS p FROM reviews WHERE {PREDICT} > 1 AND id < 9 ORDER BY id"
    (step,) = told(indexed, sql)["rules"]
    assert (step["rule"], step["reasons"]) == ("guard", ["calls wait for conditions without calls"])
    assert f"CASE WHEN id < 9 THEN {PREDICT} > 1 END" in step["statement"]
    rows = indexed.execute(sql).fetchall()
    indexed.execute("SET augur_rules = 'off'")
    assert told(indexed, sql)["rules"] == []
    assert indexed.execute(step["statement"]).fetchall() == rows


def test_a_query_that_limit_stops_costs_at_most(indexed: Connection) -> None:
    sql = f"SELECT id FROM reviews WHERE {PREDICT} >= 1 LIMIT 2"
    assert told(indexed, sql)["stops"]
    text = indexed.execute(f"EXPLAIN {sql}").fetchall()[0][1]
    assert "  inputs    at most 400 rows, 394 distinct" in text


def test_counting_stops_after_a_while(
    con: Connection, monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    monkeypatch.setattr(foresight, "PATIENCE_S", 0.05)
    con.execute("CREATE TABLE many AS SELECT i FROM range(100000) r(i)")
    sql = "SELECT embed('x' || a.i || b.i) FROM many a, many b"
    found = told(con, sql)
    assert not found["complete"]
    (_, text), *_ = con.execute(f"EXPLAIN {sql}").fetchall()
    assert "  inputs    at least " in text
    assert con.execute("SELECT 'still here'").fetchall() == [("still here",)]
    assert sent == []


def test_the_sql_that_duckdb_gets(indexed: Connection) -> None:
    sql = f"SELECT {PREDICT} AS p FROM reviews"
    assert told(indexed, sql)["sql"] is None
    written = told(indexed, sql, None, "SQL, ")["sql"]
    assert "USING INDEX" not in written
    assert "CAST(title AS VARCHAR)" in written
    assert "\n\nsql\n    SELECT " in indexed.execute(f"EXPLAIN (SQL) {sql}").fetchall()[0][1]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT embed(city || ?) FROM reviews WHERE id <= ?", ["good", 7]),
        ("SELECT embed(city || $2) FROM reviews WHERE id <= $1", [7, "good"]),
        (
            "SELECT embed(city || $a) FROM reviews WHERE id <= $b",
            {"a": "good", "b": 7},
        ),
    ],
)
def test_parameters(con: Connection, sent: list[str], sql: str, parameters: Any) -> None:
    distinct = "SELECT count(DISTINCT city) FROM reviews WHERE id <= 7"
    ((cities,),) = con.execute(distinct).fetchall()
    (call,) = told(con, sql, parameters)["calls"]
    assert (call["expected"]["rows"], call["expected"]["inputs"], sent) == (7, cities, [])
    (call,) = told(con, sql, parameters, "ANALYZE, ")["calls"]
    assert call["actual"]["evaluated"] == cities
    assert all(text.endswith("good") for text in sent)


@pytest.mark.parametrize(
    ("sql", "parameters"), [("SELECT embed('a') AS e", None), ("SELECT embed(?) AS e", ["a"])]
)
def test_what_is_constant_is_not_computed_when_it_is_only_planned(
    con: Connection, sent: list[str], sql: str, parameters: Any
) -> None:
    assert told(con, sql, parameters)["calls"][0]["expected"]["evaluated"] == 1
    assert sent == []
    con.execute(f"EXPLAIN ANALYZE {sql}", parameters)
    assert sent == ["a"]


def test_statements_that_predict(indexed: Connection) -> None:
    sql = "PREDICT rating USING INDEX hotels GIVEN FROM reviews LIMIT 3"
    (call,) = told(indexed, sql)["calls"]
    assert call["expected"]["rows"] == 3


@pytest.mark.parametrize(
    ("sql", "message", "place"),
    [
        (f"SELECT {PREDICT}, nosuch FROM reviews", "nosuch", "nosuch"),
        ("SELECT predict('rating', nosuch USING INDEX hotels) FROM reviews", "nosuch", "nosuch"),
        ("SELECT predict('rating', title USING INDEX hotel) FROM reviews", '"hotels"', "hotel)"),
        ("SELECT predict('stars', title USING INDEX hotels) FROM reviews", "stars", "'stars'"),
        (f"SELECT id FROM reviews WHERE nosuch = 1 AND {PREDICT} = 5", "nosuch", "nosuch"),
    ],
)
@pytest.mark.parametrize("analyze", ["", "ANALYZE "])
def test_an_error_is_about_what_the_user_wrote(
    indexed: Connection, sql: str, message: str, place: str, analyze: str
) -> None:
    statement = f"EXPLAIN {analyze}{sql}"
    with pytest.raises(errors.Error, match=message) as raised:
        indexed.execute(statement)
    _, line, caret = str(raised.value).rsplit("\n", 2)
    assert line.startswith("LINE 1: ")  # DuckDB shortens long ones.
    assert line[caret.index("^") :].startswith(place)


def test_inside_a_transaction(indexed: Connection, sent: list[str]) -> None:
    indexed.execute("BEGIN")
    indexed.execute("DELETE FROM reviews WHERE id > 10")
    (call,) = told(indexed, f"SELECT {PREDICT} FROM reviews")["calls"]
    assert (call["expected"]["rows"], sent) == (10, [])
    indexed.execute("ROLLBACK")
    assert indexed.execute("SELECT count(*) FROM reviews").fetchall() == [(400,)]
