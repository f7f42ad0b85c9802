"""Budgets: a statement that would cost too much ends before it has cost anything."""

import re
from pathlib import Path

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

TITLES = "SELECT predict('rating', title USING INDEX hotels) AS p FROM reviews"
SPENT = "SELECT sum(evaluated), sum(rows) FROM augur_calls()"


def stopped(con: Connection, sql: str) -> str:
    """The message with which a budget ends the statement."""
    with pytest.raises(errors.OperationalError) as raised:
        con.execute(sql).fetchall()
    assert raised.value.sqlstate == "54000"
    assert raised.value.hint is not None
    return str(raised.value)


@pytest.mark.parametrize(
    ("setting", "sql", "needs"),
    [
        ("augur_max_rows = 10", TITLES, "394 inputs of a model, and augur_max_rows allows 10"),
        ("augur_max_tokens = 99", TITLES, r"[\d,]+ tokens, and augur_max_tokens allows 99"),
        (
            "augur_max_seconds = 1",
            "SELECT embed(repeat(review, 30)) FROM reviews, range(30)",
            r"[\d.]+ seconds of a model's time, and augur_max_seconds allows 1",
        ),
    ],
)
def test_each_limit(indexed: Connection, setting: str, sql: str, needs: str) -> None:
    if "seconds" in setting:
        sql = "SELECT embed(i || repeat(review, 20)) FROM reviews, range(20) r(i)"
    indexed.execute(f"SET {setting}")
    message = stopped(indexed, sql)
    assert re.match(f"This needs {needs}", message)
    assert re.search(r"Expected in all: [\d,]+ inputs, [\d,]+ tokens, [\d.,]+ s\.", message)
    assert indexed.execute(SPENT).fetchall() == [(0, 0)]


def test_what_is_enough_is_enough(indexed: Connection) -> None:
    indexed.execute("SET augur_max_rows = 394; SET augur_max_tokens = 100000")
    assert len(indexed.execute(TITLES).fetchall()) == 400
    assert indexed.execute(SPENT).fetchall() == [(394, 400)]
    # What is known costs nothing, and so does what the index holds.
    indexed.execute("SET augur_max_rows = 1")
    indexed.execute(TITLES).fetchall()
    indexed.execute("SELECT predict('rating', review USING INDEX hotels) FROM reviews").fetchall()
    assert indexed.execute(SPENT).fetchall() == [(394, 1200)]


def test_zero_is_no_limit(indexed: Connection) -> None:
    indexed.execute("SET augur_max_rows = 1")
    stopped(indexed, TITLES)
    indexed.execute("SET augur_max_rows = 0")
    assert len(indexed.execute(TITLES).fetchall()) == 400


def test_a_limit_is_a_whole_number(indexed: Connection) -> None:
    for value in ("-1", "0.5", "'many'"):
        with pytest.raises(errors.DataError, match="whole number"):
            indexed.execute(f"SET augur_max_rows = {value}")


@pytest.mark.parametrize(
    "statement",
    [
        f"CREATE TABLE made AS {TITLES}",
        f"INSERT INTO reviews (rating) {TITLES}",
        "UPDATE reviews SET rating = predict('rating', title USING INDEX hotels)",
        "DELETE FROM reviews WHERE predict('rating', title USING INDEX hotels) = 1",
        "UPDATE reviews SET title = 'x' WHERE classify(title, ['good', 'bad']) = 'bad'",
    ],
)
def test_nothing_is_written(indexed: Connection, statement: str) -> None:
    state = "SELECT count(*), sum(hash(r)), (SELECT count(*) FROM duckdb_tables()) FROM reviews r"
    before = indexed.execute(state).fetchall()
    indexed.execute("SET augur_max_rows = 10")
    stopped(indexed, statement)
    assert indexed.execute(state).fetchall() == before
    assert indexed.execute("SELECT sum(evaluated) FROM augur_calls()").fetchall() == [(0,)]


def test_copy_writes_no_file(indexed: Connection, tmp_path: Path) -> None:
    indexed.execute("SET augur_max_rows = 10")
    stopped(indexed, f"COPY ({TITLES}) TO '{tmp_path / 'out.csv'}'")
    assert not (tmp_path / "out.csv").exists()


def test_an_update_stops_in_front_of_the_batch_that_is_too_much(indexed: Connection) -> None:
    indexed.execute("CREATE TABLE many AS SELECT 'text ' || i AS text FROM range(5000) r(i)")
    indexed.execute("SET augur_max_rows = 3000; SET threads = 1")
    message = stopped(indexed, "UPDATE many SET text = embed(text)::VARCHAR")
    assert "4,096 inputs" in message
    assert indexed.execute("SELECT sum(evaluated) FROM augur_calls()").fetchall() == [(2048,)]
    assert indexed.execute("SELECT count(*) FROM many WHERE text LIKE 'text %'").fetchall() == [
        (5000,)
    ]


def test_a_transaction_goes_on(indexed: Connection) -> None:
    indexed.execute("SET augur_max_rows = 10")
    indexed.execute("BEGIN")
    stopped(indexed, TITLES)
    indexed.execute("ROLLBACK")
    assert indexed.execute(f"{TITLES} WHERE id <= 5").fetchall() != []


def test_explain_is_free_and_analyze_is_not(indexed: Connection) -> None:
    indexed.execute("SET augur_max_rows = 10")
    text = indexed.execute(f"EXPLAIN {TITLES}").fetchall()[0][1]
    assert "394 to evaluate" in text
    stopped(indexed, f"EXPLAIN ANALYZE {TITLES}")
    assert indexed.execute(SPENT).fetchall() == [(0, 0)]


QUERIES = [
    f"{TITLES} ORDER BY id",
    "SELECT id, predict('rating', title USING INDEX hotels WITH CONFIDENCE) FROM reviews"
    " ORDER BY id",
    "SELECT classify(title, ['food', 'room']) AS c, count(*) FROM reviews GROUP BY c ORDER BY c",
    "SELECT id, round(similarity(title, CASE WHEN id % 2 = 0 THEN review END), 5) FROM reviews"
    " ORDER BY id",
    "SELECT id FROM reviews WHERE predict('rating', title USING INDEX hotels) = 5 ORDER BY id",
    "SELECT id, predict('rating', title USING INDEX hotels), embed(city) FROM reviews"
    " WHERE predict('rating', title USING INDEX hotels) = 5 ORDER BY id",
    "SELECT t.topic, s.rank, s.id FROM (VALUES ('noise'), ('food')) t(topic),"
    " search('hotels', t.topic, k := 3) s ORDER BY ALL",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_staged_and_inline_execution_give_the_same(indexed: Connection, sql: str) -> None:
    found = []
    for execution in ("inline", "staged", "auto"):
        # Not from the cache, so that both ways are gone.
        indexed.execute(f"SET augur_cache = 'off'; SET augur_execution = '{execution}'")
        rows = indexed.execute(sql).fetchall()
        counts = indexed.execute(
            "SELECT call, rows, evaluated FROM augur_calls() WHERE statement ="
            " (SELECT max(statement) FROM augur_calls())"
        ).fetchall()
        found.append((rows, counts))
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[0][1] == found[2][1]
    # Chunk by chunk, a text may be evaluated in two of them.
    assert sum(c[2] for c in found[1][1]) <= sum(c[2] for c in found[0][1])


def test_an_early_stop_stays_in_a_budget(indexed: Connection) -> None:
    indexed.execute("SET threads = 1; SET augur_cache = 'off'; SET augur_max_rows = 230")
    sql = "SELECT id FROM reviews WHERE predict('rating', title USING INDEX hotels) >= 1 LIMIT 5"
    assert indexed.execute(sql).fetchall() == [(1,), (2,), (3,), (4,), (5,)]
    ((evaluated,),) = indexed.execute("SELECT max(evaluated) FROM augur_calls()").fetchall()
    assert evaluated <= 224
    stopped(indexed, sql.replace(">= 1", "> 5"))
