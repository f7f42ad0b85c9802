"""EVALUATE ... GIVEN: a row of metrics for each rung."""

from typing import Any

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

VOTE = "rating USING INDEX hotels OPTIONS (strategy = 'vote')"


def rows(con: Connection, sql: str, parameters: Any = None) -> list[dict[str, Any]]:
    cursor = con.execute(sql, parameters)
    assert cursor.description is not None
    return [
        dict(zip([c[0] for c in cursor.description or []], r, strict=True))
        for r in cursor.fetchall()
    ]


def test_rungs_are_compared(indexed: Connection) -> None:
    found = rows(
        indexed,
        f"EVALUATE {VOTE}, rating USING INDEX hotels OPTIONS (strategy = 'head'), "
        "rating USING INDEX hotels TOP 5 RANDOM GIVEN SELECT * FROM reviews",
    )
    assert (
        list(found[0])
        == (
            "target rung model index rows accuracy macro_f1 log_loss calibration_error mae rmse r2 "
            "spearman tokens seconds"
        ).split()
    )
    assert [row["rung"] for row in found] == ["vote", "head", "random"]
    assert {(row["target"], row["index"], row["rows"]) for row in found} == {
        ("rating", "hotels", 376)
    }
    vote, head, chance = found
    assert vote["accuracy"] > chance["accuracy"] and head["spearman"] > chance["spearman"]
    assert all(0 < row["macro_f1"] < 1 and row["log_loss"] > 0 for row in found)
    assert [notice for notice in indexed.notices] == [
        notice for notice in indexed.notices if "24 rows have no value of" in str(notice)
    ]


def test_accuracy_is_that_of_predict(indexed: Connection) -> None:
    (measured,) = rows(indexed, f"EVALUATE {VOTE} GIVEN FROM reviews")
    call = "predict('rating', review USING INDEX hotels OPTIONS (strategy = 'vote'))"
    (plain,) = rows(
        indexed,
        f"SELECT avg((p = rating)::INT) AS accuracy, avg(abs(p - rating)) AS mae "
        f"FROM (SELECT rating, {call} AS p FROM reviews) WHERE rating IS NOT NULL",
    )
    assert measured["accuracy"] == pytest.approx(plain["accuracy"])
    assert measured["mae"] == pytest.approx(plain["mae"])


def test_metrics_fit_the_type(con: Connection) -> None:
    con.execute(
        "CREATE TABLE few AS SELECT review, rating / 2 AS half, rating > 3 AS happy FROM reviews "
        "LIMIT 60"
    )
    con.execute("CREATE INDEX few ON few USING HNSW (review)")
    number, label = rows(con, "EVALUATE half USING INDEX few, happy USING INDEX few GIVEN FROM few")
    assert number["accuracy"] is None and number["log_loss"] is None and number["mae"] > 0
    assert label["mae"] is None and label["r2"] is None and 0 <= label["calibration_error"] <= 1


def test_labels_that_the_index_has_not_are_wrong(indexed: Connection) -> None:
    (found,) = rows(indexed, f"EVALUATE {VOTE} GIVEN SELECT review, 9 AS rating FROM reviews")
    assert found["accuracy"] == 0 and found["log_loss"] > 20 and found["rows"] == 400


def test_without_a_label_there_is_nothing_to_measure(indexed: Connection) -> None:
    sql = f"EVALUATE {VOTE} GIVEN SELECT review, NULL AS rating FROM reviews"
    (found,) = rows(indexed, sql)
    assert (found["rows"], found["accuracy"], found["mae"]) == (0, None, None)


def test_it_stands_in_from_with_parameters(indexed: Connection) -> None:
    sql = (
        f"SELECT rung, rows, ? AS a FROM (EVALUATE {VOTE} GIVEN FROM reviews "
        "WHERE id <= ? AND rating IS NOT NULL) WHERE rows < ?"
    )
    (found,) = rows(indexed, sql, ["x", 20, 999])
    assert found["rung"] == "vote" and found["rows"] <= 20 and found["a"] == "x"
    indexed.execute(f"CREATE TABLE kept AS EVALUATE {VOTE} GIVEN FROM reviews LIMIT 20")
    indexed.execute(f"WITH r AS (FROM reviews LIMIT 9) EVALUATE {VOTE} GIVEN FROM r")
    assert len(rows(indexed, "FROM kept")) == 1
    outer = f"WITH r AS (FROM reviews LIMIT 9) SELECT rows FROM (EVALUATE {VOTE} GIVEN FROM r)"
    assert rows(indexed, outer)[0]["rows"] <= 9


def test_the_given_rows_may_be_predicted_ones(indexed: Connection) -> None:
    predict = f"PREDICT {VOTE} GIVEN FROM reviews"
    given = f"SELECT * REPLACE (rating_predictions AS rating) FROM ({predict})"
    (found,) = rows(indexed, f"EVALUATE {VOTE} GIVEN {given}")
    assert found["accuracy"] == 1


def test_what_was_measured_is_kept(indexed: Connection) -> None:
    sql = f"EVALUATE {VOTE} GIVEN FROM reviews LIMIT 30"
    (found,) = rows(indexed, f"SET augur_progress = 'off'; {sql}")
    (kept,) = rows(indexed, "SELECT * EXCLUDE (evaluated_at) FROM augur.evaluations")
    assert kept == {"statement": sql} | found
    tables = rows(indexed, "SELECT table_name FROM duckdb_tables() WHERE temporary")
    assert tables == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"EVALUATE {VOTE} GIVEN SELECT review FROM reviews", 'no column "rating"'),
        (f"EVALUATE {VOTE} GIVEN SELECT rating FROM reviews", 'no column "review"'),
        ("EVALUATE rating USING MODEL m GIVEN FROM reviews", "There is no model"),
        (f"EVALUATE {VOTE} GIVEN SELECT review, 'x' AS rating FROM reviews", "Could not convert"),
        (f"EXPLAIN EVALUATE {VOTE} GIVEN FROM reviews", "runs at once"),
    ],
)
def test_errors(indexed: Connection, sql: str, message: str) -> None:
    with pytest.raises(errors.Error, match=message):
        indexed.execute(sql)
    assert rows(indexed, "SELECT table_name FROM duckdb_tables() WHERE temporary") == []
