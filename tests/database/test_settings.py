"""SET, RESET and SHOW augur_..., and the statement texts that carry them."""

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection


def test_set_show_reset(con: Connection) -> None:
    cursor = con.execute("SHOW augur_dtype")
    assert cursor.description is not None
    assert cursor.description[0][0] == "augur_dtype"
    assert cursor.fetchall() == [("auto",)]
    con.execute("SET augur_dtype = 'fp32'")
    assert con.execute("SHOW augur_dtype").fetchall() == [("fp32",)]
    settings = dict(con.execute("FROM augur_settings()").fetchall())
    assert settings["augur_dtype"] == "fp32"
    con.execute("RESET augur_dtype")
    assert con.execute("SHOW augur_dtype").fetchall() == [("auto",)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SET augur_dtyp = 'fp32'", 'Did you mean "augur_dtype"'),
        ("SET augur_dtype = 'fp99'", "auto, fp32, int8, fp16"),
        ("SET augur_threads = -1", "whole number"),
        ("SET augur_offline = 'maybe'", "true or false"),
        ("SHOW augur_nothing", "There is no setting"),
    ],
)
def test_bad_settings(con: Connection, sql: str, message: str) -> None:
    with pytest.raises(errors.Error, match=message):
        con.execute(sql)


def test_precision_is_a_setting(con: Connection) -> None:
    sql = "SELECT embed('the same sentence, twice')"
    con.execute("SET augur_dtype = 'int8'")
    rough = con.execute(sql).fetchall()[0][0]
    con.execute("SET augur_dtype = 'fp32'")
    exact = con.execute(sql).fetchall()[0][0]
    assert rough != exact
    assert sum(a * b for a, b in zip(rough, exact, strict=True)) == pytest.approx(1, abs=0.03)


def test_several_statements_in_one_text(con: Connection) -> None:
    rows = con.execute(
        "CREATE TABLE t AS SELECT 'a;b' AS x; SET augur_seed = 7; -- a comment; with a semicolon\n"
        "CREATE INDEX i ON t USING HNSW (x); SELECT x FROM search('i', ?)",
        ["b"],
    ).fetchall()
    assert rows == [("a;b",)]


def test_a_provider_that_is_not_there(con: Connection) -> None:
    con.execute("SET augur_provider = 'cuda'")
    with pytest.raises(errors.OperationalError, match="(?i)cuda"):
        con.execute("SELECT embed('x')").fetchall()


def test_settings_inside_of_queries(con: Connection) -> None:
    con.execute("SET augur_seed = 7")
    assert con.execute("SELECT * FROM (SHOW augur_seed)").fetchall() == [("7",)]
    cursor = con.execute(
        "SELECT current_setting('augur_seed'), current_setting('augur_seed') + 1 AS more, "
        "typeof(current_setting('augur_dtype')), NOT current_setting('augur_offline')"
    )
    assert cursor.description is not None
    assert [column[0] for column in cursor.description][:2] == [
        "current_setting('augur_seed')",
        "more",
    ]
    assert cursor.fetchall() == [(7, 8, "VARCHAR", True)]
    with pytest.raises(errors.Error, match='Did you mean "augur_seed"') as caught:
        con.execute("SELECT current_setting('augur_sed')")
    assert caught.value.span == (24, 33)
