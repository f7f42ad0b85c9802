"""ATTACH ... (TYPE adbc): SQLite files, and that filters which go to a source change no answer."""

import datetime
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection
from tests.database.connectors.conftest import Server

COLUMNS = {
    "i": [0, 1, -7, 2**40, None, 3, 3],
    "f": [0.5, -1e300, 0.1, None, 2.0, 3.0, 3.5],
    "t": ["it's", "", 'a"b', "é", None, "\\", "Zebra"],
    "d": [datetime.date(2024, 1, 1), None, datetime.date(1969, 7, 20)],
    "b": [True, False, None],
}
CONSTANTS = {
    "i": ["0", "3", "-7", "1099511627776"],
    "f": ["0.1", "2.0", "-1e300", "3"],
    "t": ["'it''s'", "'a'", "'Z'", "'é'", "'\\'", "''"],
    "d": ["DATE '2024-01-01'", "DATE '1969-07-20'", "DATE '2000-01-01'"],
    "b": ["true", "false"],
}


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def condition(draw: random.Random, depth: int = 2) -> str:
    """A random condition on the columns."""
    if depth and draw.random() < 0.6:
        parts = condition(draw, depth - 1), condition(draw, depth - 1)
        joined = f"({parts[0]} {draw.choice(['AND', 'OR'])} {parts[1]})"
        return f"NOT {joined}" if draw.random() < 0.3 else joined
    column = draw.choice(list(COLUMNS))
    constants = CONSTANTS[column]
    form = draw.randrange(5)
    if form == 0:
        return f"{column} IS {draw.choice(['', 'NOT '])}NULL"
    if form == 1:
        some = ", ".join(draw.sample(constants, 2))
        return f"{column} {draw.choice(['', 'NOT '])}IN ({some})"
    if form == 2 and column == "t":
        return "t LIKE " + draw.choice(["'a%'", "'%s'", "'Z_b%'"])
    return f"{column} {draw.choice(['=', '<>', '<', '<=', '>', '>='])} {draw.choice(constants)}"


def make_numbers(con: Connection) -> None:
    """A table `local` of all kinds of values, with NULLs."""
    draw = random.Random(7)
    made = [tuple(draw.choice(values) for values in COLUMNS.values()) for _ in range(400)]
    con.execute("CREATE TABLE local (n INTEGER, i BIGINT, f DOUBLE, t VARCHAR, d DATE, b BOOLEAN)")
    con.executemany(
        "INSERT INTO local VALUES (?, ?, ?, ?, ?, ?)", [(n, *r) for n, r in enumerate(made)]
    )


@pytest.fixture
def source(request: pytest.FixtureRequest, sqlite_file: Path) -> str:
    """The address of an empty source of each kind."""
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres")
        return server.address
    return f"sqlite:{sqlite_file}"


@pytest.mark.parametrize("source", ["sqlite", "postgres"], indirect=True)
def test_no_filter_that_goes_to_a_source_changes_an_answer(con: Connection, source: str) -> None:
    make_numbers(con)
    con.execute(f"ATTACH '{source}' AS wh (TYPE adbc)")
    con.execute("CREATE TABLE wh.numbers AS FROM local")
    con.execute(
        "CREATE VIEW there AS SELECT n, i, f, t, d::DATE AS d, b::BOOLEAN AS b FROM wh.numbers"
    )
    draw = random.Random(11)
    for _ in range(60):
        where = condition(draw)
        selected = "SELECT n, d FROM {} WHERE " + where + " ORDER BY n"
        here, there = rows(con, selected.format("local")), rows(con, selected.format("there"))
        assert there == here, where
    con.execute("DROP VIEW there")


@pytest.fixture
def declared(con: Connection, sqlite_file: Path) -> Iterator[Connection]:
    """A SQLite file as `s`, in whose table `t` the first 2,000 rows say nothing of types."""
    with closing(sqlite3.connect(sqlite_file)) as file, file:
        file.execute(
            "CREATE TABLE t (i INTEGER, x REAL, s VARCHAR(9), y BLOB, b BOOLEAN, d DATE, z)"
        )
        file.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", [(None,) * 7] * 2000)
        file.execute("INSERT INTO t VALUES (1, 2, 'it''s', x'00ff', 1, '2024-01-02', 5)")
        file.execute("CREATE TABLE wrong (i INTEGER)")
        file.execute("INSERT INTO wrong VALUES ('no number')")
    con.execute(f"ATTACH 'sqlite:{sqlite_file}' AS s (TYPE adbc)")
    yield con


def test_declared_types_count_whatever_the_first_rows_hold(declared: Connection) -> None:
    described = [row[1] for row in rows(declared, "DESCRIBE s.t")]
    assert described == ["BIGINT", "DOUBLE", "VARCHAR", "BLOB", "BOOLEAN", "VARCHAR", "VARCHAR"]
    found = rows(declared, "FROM s.t WHERE i IS NOT NULL")
    assert found == [(1, 2.0, "it's", b"\x00\xff", True, "2024-01-02", "5")]
    assert rows(declared, "SELECT count(*), count(z) FROM s.t") == [(2001, 1)]


def test_a_value_of_another_type_is_an_error(declared: Connection) -> None:
    with pytest.raises(augursql.OperationalError, match="no number|what its table does not hold"):
        declared.execute("FROM s.wrong").fetchall()


def test_an_index_and_predictions_in_a_file(con: Connection, sqlite_file: Path) -> None:
    con.execute(f"ATTACH 'sqlite:{sqlite_file}' AS s (TYPE adbc)")
    con.execute("CREATE TABLE s.reviews AS SELECT hotel, review, rating FROM reviews LIMIT 80")
    con.execute("CREATE INDEX hotels ON s.reviews USING HNSW (review)")
    predicted = (
        "SELECT hotel, predict('rating', review USING INDEX hotels) AS rating FROM s.reviews"
    )
    con.execute(f"CREATE TABLE s.scored AS {predicted}")
    # From the source into the source: SQLite cannot be read while it is written to.
    con.execute(f"INSERT INTO s.scored {predicted} LIMIT 3")
    con.execute("INSERT INTO s.scored (hotel) VALUES ('x')")
    with closing(sqlite3.connect(sqlite_file)) as file:
        assert file.execute("SELECT count(*), count(rating) FROM scored").fetchall() == [(84, 83)]


def test_detached_and_closed_files_are_let_go(sqlite_file: Path) -> None:
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"ATTACH 'sqlite:{sqlite_file}' AS s (TYPE adbc)")
        con.execute("CREATE TABLE s.t AS SELECT 1 AS i")
        con.execute("DETACH s")
        with pytest.raises(augursql.Error):
            con.execute("FROM s.t")
        con.execute(f"ATTACH 'sqlite:{sqlite_file}' AS s (TYPE adbc)")
    with closing(sqlite3.connect(sqlite_file)) as file, file:
        file.execute("DROP TABLE t")
