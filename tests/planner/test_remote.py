"""What a source is asked: its SQL, and conditions that never find too few rows."""

import datetime

import pytest

from augursql.planner.remote import (
    Among,
    Both,
    Column,
    Compare,
    Condition,
    Either,
    IsNull,
    Negated,
    RemoteTable,
    Unknown,
    select_sql,
)

TABLE = RemoteTable(("public", 't"1'), (Column("i"), Column("t"), Column("u", "text"), Column("f")))


def where(condition: Condition, dialect: str = "postgres") -> str:
    """What stands behind WHERE, '' where every row is asked for."""
    return select_sql(TABLE, ["i"], condition, dialect).partition(" WHERE ")[2]


def test_names_and_casts() -> None:
    assert (
        select_sql(TABLE, ["i", "u"], Unknown(), "postgres")
        == 'SELECT "i", CAST("u" AS TEXT) AS "u" FROM "public"."t""1"'
    )
    assert select_sql(TABLE, ["i"], Unknown(), "bigquery") == 'SELECT `i` FROM `public`.`t"1`'
    nothing = select_sql(RemoteTable(("t",), ()), [], Unknown(), "snowflake", some=False)
    assert nothing == 'SELECT * FROM "t" WHERE 1 = 0'


@pytest.mark.parametrize(
    ("dialect", "literal"),
    [
        ("postgres", r"'it''s \'"),
        ("snowflake", r"'it\'s \\'"),
        ("bigquery", r"'it\'s \\'"),
        ("databricks", r"'it\'s \\'"),
        ("mysql", r"'it''s \\'"),
    ],
)
def test_strings_are_written_as_the_source_reads_them(dialect: str, literal: str) -> None:
    assert where(Compare("t", "=", "it's \\"), dialect).endswith(f"= {literal}")


def test_what_is_not_known_is_left_out() -> None:
    known = Compare("i", ">", 3)
    assert where(Both(known, Unknown())) == '"i" > 3'
    assert where(Either(known, Unknown())) == ""
    assert where(Negated(Both(known, Unknown()))) == ""
    assert where(Negated(Either(known, Unknown()))) == ""
    assert where(Compare("f", ">", float("nan"))) == ""
    assert where(Negated(Compare("f", "<", 1.5))) == ""
    assert where(Compare("t", "=", "\0")) == ""


def test_what_a_collation_may_judge_otherwise_is_left_out() -> None:
    ranges = Compare("t", ">", "m"), Compare("t", "<>", "m"), Negated(Compare("t", "=", "m"))
    for condition in ranges:
        assert where(condition, "mysql") == ""
        assert 'COLLATE "C"' in where(condition, "postgres")
    assert where(Compare("t", "=", "m"), "mysql") == "`t` = 'm'"


def test_without_a_dialect_nothing_is_written_that_could_be_misread() -> None:
    assert where(Compare("t", "=", "plain"), "") == "\"t\" = 'plain'"
    assert where(Compare("t", "=", "it's"), "") == ""
    assert where(Among("t", ("a", "b\\")), "") == ""


def test_negation() -> None:
    assert where(Negated(Among("i", (1, 2)))) == '"i" IS NULL OR ("i" <> 1 AND "i" <> 2)'
    assert where(Negated(IsNull("i"))) == 'NOT "i" IS NULL'
    both = Both(Compare("i", "<", 1), Compare("i", "=", 2))
    assert where(Negated(both)) == '"i" >= 1 OR "i" <> 2'


def test_moments() -> None:
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 6)
    assert where(Compare("i", "=", moment)) == (
        "\"i\" = CAST('2024-01-02 03:04:05.000006' AS TIMESTAMP)"
    )
    there = moment.replace(tzinfo=datetime.UTC)
    assert where(Compare("i", "=", there), "bigquery").endswith(
        "CAST('2024-01-02 03:04:05.000006+00:00' AS TIMESTAMP)"
    )
    assert where(Compare("i", "=", moment.date())) == "\"i\" = CAST('2024-01-02' AS DATE)"
