"""The statements about sources that are attached by ADBC."""

import pytest

from augursql.errors import AugurError
from augursql.planner import plan
from augursql.planner.parse import parse
from augursql.planner.sources import Attach, CreateSecret, Detach, DropSecret, Sources, WriteSource

SOURCES = Sources(frozenset({"wh"}), frozenset({"mine"}))


def only(sql: str) -> plan.Statement:
    [statement] = parse(sql, sources=SOURCES)
    return statement


def test_attach() -> None:
    found = only(
        "ATTACH OR REPLACE DATABASE 'postgresql://h/db' AS Wh "
        "(TYPE adbc, SECRET mine, \"a.b\" 'c', x.y = 3, READ_ONLY)"
    )
    assert isinstance(found, Attach)
    assert (found.name, found.address, found.or_replace) == ("Wh", "postgresql://h/db", True)
    assert found.options == (("secret", "mine"), ("a.b", "c"), ("x.y", 3), ("read_only", True))


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'host=h' AS pg (TYPE postgres)",
        "ATTACH 'adbc.duckdb' AS adbc",
        "CREATE SECRET s (TYPE s3, SECRET 'adbc')",
        "DETACH other",
        "DROP SECRET other",
        "INSERT INTO local SELECT 1",
        "INSERT INTO local.wh SELECT 1",
        "CREATE TABLE local (adbc INTEGER)",
        "CREATE TABLE t AS SELECT * FROM wh.t",
        "SELECT type adbc FROM (SELECT 1 AS type)",
        "UPDATE wh.t SET a = 1",
    ],
)
def test_what_is_duckdbs_stays_as_it_is(sql: str) -> None:
    assert only(sql) == plan.Verbatim(sql, 0, sql)


def test_detach_and_secrets() -> None:
    assert isinstance(only("DETACH DATABASE IF EXISTS WH"), Detach)
    assert isinstance(only("DROP SECRET IF EXISTS mine"), DropSecret)
    made = only("CREATE OR REPLACE TEMPORARY SECRET IF NOT EXISTS s (TYPE 'ADBC', PASSWORD 'x')")
    assert isinstance(made, CreateSecret)
    assert made.options == (("password", "x"),)


def test_writing() -> None:
    insert = only('INSERT INTO wh."S".t (a, "B") SELECT predict(\'x\', y USING INDEX i) FROM z')
    assert isinstance(insert, WriteSource) and isinstance(insert.query, plan.Query)
    assert (insert.parts, insert.columns) == (("wh", "S", "t"), ("a", "B"))
    whole = insert.whole
    start, end = insert.query.calls[0].span
    assert whole[start:end] == "predict('x', y USING INDEX i)"
    by_name = only("INSERT INTO wh.t BY NAME (SELECT 1 AS a)")
    assert isinstance(by_name, WriteSource)
    assert by_name.by_name and by_name.query.text == "(SELECT 1 AS a)"
    made = only("CREATE OR REPLACE TABLE wh.t AS WITH a AS (SELECT 1) SELECT * FROM a")
    assert isinstance(made, WriteSource) and made.creates and made.or_replace


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("ATTACH 'x' (TYPE adbc)", "needs a name"),
        ("ATTACH x AS y (TYPE adbc)", "a string"),
        ("ATTACH 'x' AS y (TYPE adbc) z", "nothing more"),
        ("CREATE PERSISTENT SECRET s (TYPE adbc)", "not written to disk"),
        ("CREATE TABLE wh.t (a INTEGER)", "made of a query"),
    ],
)
def test_errors_have_their_place(sql: str, told: str) -> None:
    with pytest.raises(AugurError, match=told) as raised:
        only(sql)
    assert raised.value.span is not None
