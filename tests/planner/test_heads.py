"""PREDICT, PROMPT and EVALUATE ... GIVEN: where they stand and what their heads say."""

import pytest

from augursql.errors import StatementError, UnsupportedError
from augursql.planner.parse import parse
from augursql.planner.plan import Given, GivenQuery


def blocks(text: str) -> tuple[Given, ...]:
    (statement,) = parse(text)
    assert isinstance(statement, GivenQuery)
    return statement.blocks


WHOLE = "PREDICT r USING INDEX i GIVEN SELECT 1"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "explain {}",
        "EXPLAIN ANALYZE {}",
        "EXPLAIN (FORMAT json) {}",
        "DESCRIBE {}",
        "SELECT * FROM ({}) AS p",
        "SELECT a FROM t WHERE x IN ({})",
        "WITH p AS ({}) FROM p",
        "WITH p AS MATERIALIZED (SELECT 1), q AS (SELECT 2) {}",
        "SELECT 1 UNION ALL BY NAME {}",
        "SELECT 1 EXCEPT {}",
        "CREATE OR REPLACE TEMP TABLE t AS {}",
        "CREATE VIEW v (a, b) AS {}",
        "CREATE MACRO m(x) AS TABLE {}",
        "CREATE TABLE t AS WITH p AS (SELECT 1) {}",
        "PREPARE p AS {}",
        "INSERT INTO t {}",
        "INSERT OR REPLACE INTO s.t (a, b) {}",
        "INSERT INTO t BY NAME {}",
        "COPY ({}) TO 'x.csv'",
        "MERGE INTO t USING ({}) AS s ON true WHEN MATCHED THEN DELETE",
    ],
)
def test_where_a_query_can_stand(text: str) -> None:
    sql = text.format(WHOLE)
    (block,) = blocks(sql)
    assert sql[slice(*block.span)] == WHOLE
    assert sql[slice(*block.query)] == "SELECT 1"


def test_a_head_with_everything() -> None:
    sql = (
        'PREDICT rating AS stars WITH CONFIDENCE, METADATA USING INDEX "My i" TOP 5 RANDOM, '
        '"Mood" USING INDEX given OPTIONS (seed = 3, strategy = vote) -- why\n GIVEN FROM t'
    )
    (block,) = blocks(sql)
    first, second = block.items
    assert (first.alias, second.alias) == ("stars", None)
    call = first.call
    assert (call.kind, call.target, call.index, call.top) == ("predict", "rating", "My i", 5)
    assert call.with_ == ("confidence", "metadata")
    assert (second.call.target, second.call.index) == ("Mood", "given")
    assert second.call.options == (("seed", 3), ("strategy", "vote"))
    assert second.clauses is not None
    assert sql[slice(*second.clauses)] == "USING INDEX given OPTIONS (seed = 3, strategy = vote)"


def test_a_prompt() -> None:
    sql = "PROMPT 'Is {review} {{x}}?' AS a USING MODEL m OVER i TOP 2 RETURNS BOOLEAN GIVEN FROM t"
    (block,) = blocks(sql)
    (item,) = block.items
    assert (item.alias, item.call.index, item.call.returns) == ("a", "i", "BOOLEAN")
    assert [(a.name, sql[slice(*a.span)]) for a in item.call.inputs] == [("review", "{review}")]
    assert item.over is not None and sql[slice(*item.over)] == "OVER"


def test_blocks_inside_of_blocks_and_after_each_other() -> None:
    sql = "PREDICT a GIVEN PREDICT b GIVEN SELECT * FROM (EVALUATE c GIVEN FROM t)"
    assert [sql[slice(*block.query)][:9] for block in blocks(sql)] == [
        "PREDICT b",
        "SELECT * ",
        "FROM t",
    ]
    sql = "PREDICT a GIVEN FROM t UNION FROM u UNION ALL PREDICT b GIVEN FROM v ORDER BY 1"
    first, second = blocks(sql)
    assert sql[slice(*first.query)] == "FROM t UNION FROM u"
    assert sql[slice(*second.query)] == "FROM v ORDER BY 1"


@pytest.mark.parametrize(
    ("text", "ctes"),
    [
        ("WITH a AS (SELECT 1) {}", ["WITH a AS (SELECT 1)"]),
        (
            "WITH RECURSIVE a(x, y) AS NOT MATERIALIZED (FROM b), b AS (FROM c) SELECT * FROM ({})",
            ["WITH RECURSIVE a(x, y) AS NOT MATERIALIZED (FROM b), b AS (FROM c)"],
        ),
        ("WITH a AS (FROM t), b AS ({}), c AS (FROM b) FROM c", ["WITH a AS (FROM t)"]),
        ("WITH a AS ({}) FROM a", []),
        (
            "WITH a AS (FROM t) FROM (WITH b AS (FROM a) FROM b, ({}))",
            ["WITH a AS (FROM t)", "WITH b AS (FROM a)"],
        ),
        ("SELECT now()::TIMESTAMP WITH TIME ZONE, (SELECT 1 FROM ({}))", []),
    ],
)
def test_with_clauses_that_a_block_can_see(text: str, ctes: list[str]) -> None:
    sql = text.format(WHOLE)
    (block,) = blocks(sql)
    assert [sql[slice(*span)] for span in block.ctes] == ctes


@pytest.mark.parametrize("tail", ["RETURNING a", "ON CONFLICT DO NOTHING"])
def test_what_insert_says_behind_its_query_is_not_given(tail: str) -> None:
    sql = f"INSERT INTO t PREDICT a GIVEN FROM u {tail}"
    (block,) = blocks(sql)
    assert sql[slice(*block.query)] == "FROM u"


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("PREDICT rating USING INDEX i", "PREDICT needs GIVEN", "PREDICT"),
        ("EXPLAIN PREDICT rating USING INDEX i", "PREDICT needs GIVEN", "PREDICT"),
        ("PREDICT rating GIVEN t", "GIVEN is followed by a query", "GIVEN"),
        ("PREDICT a b GIVEN FROM t", "does not understand this", "b"),
        ("PREDICT a, GIVEN FROM t", "name of a target is missing", ","),
        ("PREDICT a AS GIVEN FROM t", "name of the column is missing", "AS"),
        ("PREDICT a TOP 3 GIVEN FROM t", "TOP stands after USING INDEX", "TOP"),
        ("PREDICT a USING INDEX i TOP 0 GIVEN FROM t", "whole number from 1", "0"),
        ("PREDICT a WITH SPEED GIVEN FROM t", "does not know SPEED", "SPEED"),
        ("PREDICT a RETURNS DOUBLE GIVEN FROM t", "has no RETURNS", "RETURNS"),
        ("EVALUATE a AS b GIVEN FROM t", "leave out AS", "AS"),
        ("EVALUATE a WITH METADATA GIVEN FROM t", "leave out WITH", "METADATA"),
        ("PROMPT 'a {b' USING MODEL m GIVEN FROM t", "no partner", "{"),
        ("PROMPT '{}' USING MODEL m GIVEN FROM t", "placeholder is empty", "{}"),
        ("PROMPT 'x' WITH PROBABILITIES GIVEN FROM t", "does not know PROB", "PROBABILITIES"),
        ("PROMPT 'x', 'y' GIVEN FROM t", "does not understand this", ","),
    ],
)
def test_errors(text: str, message: str, at: str) -> None:
    for sql in (text, f"SELECT 1;\n{text}"):
        with pytest.raises(StatementError) as caught:
            parse(sql)
        assert message in caught.value.message
        assert caught.value.span is not None and caught.value.sql == sql
        assert sql[slice(*caught.value.span)] == at


@pytest.mark.parametrize("before", ["EXPLAIN", "PREPARE p AS", "CREATE VIEW v AS"])
def test_an_evaluation_runs_at_once(before: str) -> None:
    with pytest.raises(UnsupportedError, match="runs at once"):
        parse(f"{before} EVALUATE a USING INDEX i GIVEN FROM t")
