"""PREDICT and PROMPT ... GIVEN as statements and as subqueries."""

from pathlib import Path
from typing import Any

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

VOTE = "USING INDEX hotels OPTIONS (strategy = 'vote')"
CALL = f"predict('rating', review {VOTE})"


def rows(con: Connection, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    return con.execute(sql, parameters).fetchall()


def names(con: Connection, sql: str) -> list[str]:
    description = con.execute(sql).description
    assert description is not None
    return [column[0] for column in description]


def test_rows_plus_predictions_in_their_order(indexed: Connection) -> None:
    given = "SELECT id, review FROM reviews ORDER BY id DESC LIMIT 9"
    sql = f"PREDICT rating {VOTE} GIVEN {given}"
    assert names(indexed, sql) == ["id", "review", "rating_predictions"]
    assert rows(indexed, sql) == rows(indexed, f"SELECT *, {CALL} FROM ({given})")


def test_everything_from_one_call(indexed: Connection) -> None:
    sql = (
        f"PREDICT rating WITH CONFIDENCE, PROBABILITIES, EXPLANATION, METADATA {VOTE} "
        "GIVEN SELECT review FROM reviews LIMIT 7"
    )
    assert names(indexed, sql) == [
        "review",
        "rating_predictions",
        "rating_probability",
        *(f"rating_probabilities_{n}" for n in range(1, 6)),
        "rating_explanation",
        "rating_metadata",
    ]
    for row in rows(indexed, sql):
        prediction, probability, probabilities = row[1], row[2], row[3:8]
        assert sum(probabilities) == pytest.approx(1)
        assert probabilities[prediction - 1] == probability == max(probabilities)
        assert len(row[8]["rows"]) == 5 and row[9]["strategy"] == "vote"
    (asked,) = rows(indexed, "SELECT rows FROM augur_calls() ORDER BY statement DESC LIMIT 1")
    assert asked == (7,)


def test_an_estimated_number_has_no_probabilities(con: Connection) -> None:
    con.execute("CREATE TABLE few AS SELECT review, rating / 2 AS half FROM reviews LIMIT 40")
    con.execute("CREATE INDEX few ON few USING HNSW (review)")
    sql = "PREDICT half AS h WITH CONFIDENCE, PROBABILITIES USING INDEX few GIVEN FROM few LIMIT 2"
    assert names(con, sql) == ["review", "half", "h", "h_probability", "h_probabilities"]
    assert [row[3:] for row in rows(con, sql)] == [(None, None), (None, None)]


def test_several_targets(indexed: Connection) -> None:
    sql = (
        f"PREDICT rating AS a {VOTE}, rating AS b WITH CONFIDENCE USING INDEX hotels TOP 3 RANDOM "
        "GIVEN SELECT review FROM reviews LIMIT 4"
    )
    assert names(indexed, sql) == ["review", "a", "b", "b_probability"]


def test_wherever_a_subquery_can_stand(indexed: Connection, tmp_path: Path) -> None:
    some = "SELECT id, review FROM reviews ORDER BY id LIMIT"
    plain = rows(indexed, f"SELECT id, {CALL} FROM ({some} 5)")
    predict = f"PREDICT rating AS p {VOTE} GIVEN {some}"
    assert rows(indexed, f"SELECT id, p FROM ({predict} 5)") == plain
    assert rows(indexed, f"WITH x AS ({predict} 5) SELECT id, p FROM x") == plain
    assert rows(indexed, f"WITH y AS ({some} 5) PREDICT rating {VOTE} GIVEN FROM y")[0][0] == 1
    both = rows(indexed, f"SELECT id, p FROM ({predict} 2 UNION ALL {predict} 3)")
    assert sorted(both) == sorted(plain[:2] + plain[:3])
    assert rows(indexed, f"SELECT (SELECT max(p) FROM ({predict} 5))") == [
        (max(p for _, p in plain),)
    ]
    indexed.execute(f"CREATE TABLE kept AS {predict} 3")
    indexed.execute(f"INSERT INTO kept {predict} 2")
    indexed.execute(f"INSERT INTO kept (id, review, p) {predict} ?", [1])
    assert rows(indexed, "SELECT count(*) FROM kept") == [(6,)]
    file = tmp_path / "out.csv"
    indexed.execute(f"COPY ({predict} 4) TO '{file}'")
    assert rows(indexed, f"SELECT id, p FROM '{file}'") == plain[:4]
    indexed.execute(f"EXPLAIN {predict} 4")
    indexed.execute(f"PREPARE q AS {predict} $1")
    assert [(row[0], row[2]) for row in rows(indexed, "EXECUTE q(2)")] == plain[:2]


def test_parameters_keep_their_order(indexed: Connection) -> None:
    sql = (
        f"SELECT ?, id FROM (PREDICT rating {VOTE} GIVEN SELECT id, review FROM reviews "
        "WHERE id > ? ORDER BY id) WHERE id < ?"
    )
    assert rows(indexed, sql, ["a", 3, 6]) == [("a", 4), ("a", 5)]
    named = sql.replace("?", "$x", 1).replace("?", "$y", 1).replace("?", "$z", 1)
    assert rows(indexed, named, {"x": "a", "y": 3, "z": 6}) == [("a", 4), ("a", 5)]


def test_several_statements_and_nested_ones(indexed: Connection) -> None:
    given = "SELECT review FROM reviews LIMIT 3"
    sql = (
        f"CREATE TABLE one AS PREDICT rating AS a {VOTE} GIVEN {given}; SELECT 1;"
        f"PREDICT rating AS c {VOTE} GIVEN PREDICT rating AS b {VOTE} GIVEN FROM one"
    )
    cursor = indexed.execute(sql)
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset()
    found = cursor.fetchall()
    assert len(found) == 3 and all(row[1] == row[2] == row[3] for row in found)


def test_names_of_ours_stay_names(indexed: Connection) -> None:
    indexed.execute("CREATE TABLE predict AS SELECT id AS given, review AS evaluate FROM reviews")
    sql = (
        "SELECT given AS predict, p.rating_predictions FROM (PREDICT rating "
        f"{VOTE} GIVEN SELECT given, evaluate AS review FROM predict) AS p ORDER BY p.given LIMIT 2"
    )
    assert [row[0] for row in rows(indexed, sql)] == [1, 2]


@pytest.mark.parametrize(
    ("sql", "message", "at"),
    [
        (f"PREDICT rating {VOTE} GIVEN SELECT title FROM reviews", 'no column "review"', "rating"),
        (f"PREDICT rating {VOTE} GIVEN SELECT nothing FROM reviews", "nothing", "nothing"),
        (f"PREDICT rating {VOTE} GIVEN SELECT embed(review, id) FROM t", "too many", "embed("),
        (
            "PROMPT 'Is {review} good?' USING MODEL llm GIVEN FROM reviews",
            "No language model",
            "llm",
        ),
        ("PROMPT '{revue}' USING MODEL llm GIVEN FROM reviews", 'mean "review"', "{revue}"),
        ("SELECT prompt('Hello {hotel}' USING MODEL minilm) FROM reviews", "encoder", "minilm"),
        ("SELECT predict('rating', review USING MODEL llm) FROM reviews", 'no model "llm"', "llm"),
    ],
)
def test_errors_point_into_the_text(indexed: Connection, sql: str, message: str, at: str) -> None:
    with pytest.raises(errors.Error) as caught:
        indexed.execute(f"SELECT 1;\n{sql}")
    text = str(caught.value)
    assert message in text
    line, carets = text.splitlines()[-2:]
    assert line == f"LINE 2: {sql}" and line[carets.index("^") :].startswith(at)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (SELECT 1 AS revue) {} FROM x",
        "WITH x AS (SELECT ? AS revue) SELECT * FROM ({} FROM x)",
        "{} (WITH x AS (SELECT 1 AS revue) FROM x)",
    ],
)
def test_a_lacking_column_in_a_with_clause(indexed: Connection, sql: str) -> None:
    with pytest.raises(errors.Error, match='no column "review".*made of "review".*mean "revue"'):
        indexed.execute(sql.format(f"PREDICT rating {VOTE} GIVEN"), [1] if "?" in sql else None)


def test_a_column_that_only_duckdb_can_know(indexed: Connection) -> None:
    with pytest.raises(errors.Error, match="review"):
        indexed.execute(f"PREDICT rating {VOTE} GIVEN SELECT similarity('a', 'b') AS s")


def test_inside_a_transaction(indexed: Connection) -> None:
    indexed.execute("BEGIN; CREATE TABLE t AS FROM reviews LIMIT 3")
    sql = f"WITH x AS (FROM t) SELECT rating_predictions FROM (PREDICT rating {VOTE} GIVEN FROM x)"
    assert len(rows(indexed, sql)) == 3
    with pytest.raises(errors.Error):
        indexed.execute("PREDICT rating USING INDEX none GIVEN FROM nowhere")
    indexed.execute("INSERT INTO t FROM reviews LIMIT 1; COMMIT")
    assert rows(indexed, "SELECT count(*) FROM t") == [(4,)]
