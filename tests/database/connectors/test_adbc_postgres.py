"""ATTACH ... (TYPE adbc): a real PostgreSQL server behind the ADBC driver."""

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection
from tests.database.connectors.conftest import PASSWORD, Server

TYPES = """
CREATE TABLE types (i2 smallint, i4 int, i8 bigint, n numeric, n92 numeric(9,2), f4 real,
  f8 double precision, t text, vc varchar(10), ch char(5), b bool, d date, ts timestamp,
  tz timestamptz, u uuid, j jsonb, ai int[], m mood)
"""
VALUES = """
INSERT INTO types VALUES (1, 2, 3, 4.5, 5.25, 0.1, 7.5, 'it''s', 'vc', 'ch', true, '2024-01-02',
  '2024-01-02 03:04:05.678', '2024-01-02 03:04:05+02', 'b5a9c1c0-0000-4000-8000-000000000001',
  '{"b": 2}', '{1,2}', 'sad'), (NULL)
"""


@pytest.fixture
def wh(con: Connection, postgres: Server) -> Iterator[Connection]:
    """A connection with a server of 5,000 numbers and one table of many types as `wh`."""
    postgres.run(
        "DROP TYPE IF EXISTS mood",
        "CREATE TYPE mood AS ENUM ('ok', 'sad')",
        TYPES,
        VALUES.replace(", (NULL)", ", (NULL" + ", NULL" * 17 + ")"),
        "CREATE SCHEMA other",
        "CREATE TABLE other.numbers AS SELECT i, 'n' || i AS name FROM generate_series(1, 5000) i",
        "CREATE VIEW few AS SELECT * FROM other.numbers WHERE i < 4",
    )
    con.execute(f"ATTACH '{postgres.address}' AS wh (TYPE adbc)")
    yield con


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def test_tables_appear_as_in_any_other_database(wh: Connection) -> None:
    listed = rows(
        wh,
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = 'wh' ORDER BY ALL",
    )
    assert listed == [
        ("main", "few"),
        ("main", "types"),
        ("other", "numbers"),
        ("public", "few"),
        ("public", "types"),
    ]
    assert rows(wh, "SELECT count(*), max(i) FROM wh.other.numbers") == [(5000, 5000)]
    assert rows(wh, "SELECT i FROM wh.few ORDER BY i") == [(1,), (2,), (3,)]
    wh.execute("DETACH wh")
    assert rows(wh, "SHOW ALL TABLES") == [
        row for row in rows(wh, "SHOW ALL TABLES") if row[2] == "reviews"
    ]


def test_types(wh: Connection) -> None:
    described = {row[0]: row[1] for row in rows(wh, "DESCRIBE wh.types")}
    assert described == {
        "i2": "SMALLINT", "i4": "INTEGER", "i8": "BIGINT", "n": "DOUBLE", "n92": "DECIMAL(9,2)",
        "f4": "FLOAT", "f8": "DOUBLE", "t": "VARCHAR", "vc": "VARCHAR", "ch": "VARCHAR",
        "b": "BOOLEAN", "d": "DATE", "ts": "TIMESTAMP", "tz": "TIMESTAMP WITH TIME ZONE",
        "u": "VARCHAR", "j": "VARCHAR", "ai": "INTEGER[]", "m": "VARCHAR",
    }  # fmt: skip
    found = rows(wh, "SELECT n, n92, t, u, j, ai, m FROM wh.types WHERE i2 = 1")
    uuid = "b5a9c1c0-0000-4000-8000-000000000001"
    assert found == [(4.5, Decimal("5.25"), "it's", uuid, '{"b": 2}', [1, 2], "sad")]


@pytest.mark.parametrize(
    "condition",
    [
        "n92 = 5.25", "n > 4", "f4 = 0.1::FLOAT", "t = 'it''s'", "ch = 'ch'", "t < 'j'",
        "d = DATE '2024-01-02'", "ts BETWEEN '2024-01-02' AND '2024-01-03'", "m = 'sad'",
        "tz < '2024-01-02 01:04:06+00'", "i4 IN (2, 9)", "i4 NOT IN (3, 4)", "t LIKE 'it%'",
        "u = 'b5a9c1c0-0000-4000-8000-000000000001'", "b", "NOT (i2 = 2 OR t = 'x')",
        "f8 <> 1", "i8 + 1 = 4", "n92 IN (5.25, 6)", "ai[1] = 1",
    ],
)  # fmt: skip
def test_conditions(wh: Connection, condition: str) -> None:
    assert rows(wh, f"SELECT i2 FROM wh.types WHERE {condition}") == [(1,)]
    assert rows(wh, f"SELECT i2 FROM wh.types WHERE NOT ({condition})") == []


def test_the_source_is_asked_for_little(wh: Connection, postgres: Server) -> None:
    wh.execute(
        "SELECT name FROM wh.other.numbers WHERE i > 7 AND i <= 9 AND name <> 'x'"
    ).fetchall()
    asked = postgres.asked('"numbers"')[-1]
    # A column that is filtered by comes along, because its filter is applied here again.
    assert asked.count('"name"') == 2 and "SELECT *" not in asked
    assert """WHERE ("i" > 7 AND "i" <= 9) AND ("name") COLLATE "C" <> 'x'""" in asked
    wh.execute("SELECT i FROM wh.other.numbers WHERE i = 4321").fetchall()
    asked = postgres.asked('"numbers"')[-1]
    assert 'SELECT "i" FROM "other"."numbers" WHERE "i" = 4321' in asked


def test_a_limit_stops_the_reading(wh: Connection, postgres: Server) -> None:
    postgres.run(
        "CREATE TABLE long AS SELECT i, repeat('x', 200) x FROM generate_series(1, 200000) i"
    )
    wh.execute("ATTACH OR REPLACE '" + postgres.address + "' AS wh (TYPE adbc)")
    assert len(rows(wh, "SELECT x FROM wh.long LIMIT 3")) == 3
    # The connection that was left in the middle is not used again.
    assert rows(wh, "SELECT count(*) FROM wh.long") == [(200000,)]


def test_scans_of_one_query_do_not_disturb_each_other(wh: Connection) -> None:
    joined = "SELECT count(*) FROM wh.other.numbers a JOIN wh.other.numbers b USING (i)"
    assert rows(wh, joined) == [(5000,)]


def test_results_stream(wh: Connection) -> None:
    cursor = wh.execute("SELECT i FROM wh.other.numbers")
    first = cursor.fetchone()
    assert first is not None
    assert len(cursor.fetchall()) == 4999


def test_an_index_and_predictions_on_an_attached_table(wh: Connection, postgres: Server) -> None:
    wh.execute("CREATE TABLE wh.reviews AS SELECT * FROM reviews")
    wh.execute("CREATE INDEX hotels ON wh.public.reviews USING HNSW (review)")
    predicted = "predict('rating', review USING INDEX hotels)"
    wh.execute(f"CREATE TABLE wh.scored AS SELECT hotel, {predicted} AS rating FROM wh.reviews")
    expected = rows(wh, f"SELECT hotel, {predicted} FROM reviews ORDER BY ALL")
    assert rows(wh, "SELECT hotel, rating FROM wh.scored ORDER BY ALL") == expected
    inserted = wh.execute(
        "INSERT INTO wh.public.scored (rating, hotel) "
        f"SELECT {predicted}, 'new' FROM wh.reviews LIMIT 5"
    )
    assert inserted.rowcount == 5
    assert rows(wh, "SELECT count(*) FROM wh.scored WHERE hotel = 'new'") == [(5,)]
    # The index is a snapshot: no query reads the whole remote table to see what has changed.
    before = len(postgres.asked('"reviews"'))
    rows(wh, f"SELECT {predicted} FROM reviews LIMIT 1")
    assert len(postgres.asked('"reviews"')) == before
    postgres.run("INSERT INTO reviews SELECT * FROM reviews LIMIT 1")
    assert dict(rows(wh, "DESCRIBE INDEX hotels"))["rows lacking"] == "1"


def test_what_is_written_is_written_wholly_or_not_at_all(wh: Connection) -> None:
    wh.execute("CREATE TABLE wh.kept AS SELECT 1 AS i, 'a' AS t, 1.5::DECIMAL(9,2) AS p")
    failing = "CASE WHEN i = 4999 THEN error('no') ELSE i END"
    with pytest.raises(augursql.Error, match="no"):
        wh.execute(f"INSERT INTO wh.kept SELECT {failing}, 't', 2 FROM wh.other.numbers")
    with pytest.raises(augursql.Error, match="does not fit"):
        wh.execute("INSERT INTO wh.kept SELECT 5000000000")
    assert rows(wh, "FROM wh.kept") == [(1, "a", Decimal("1.50"))]
    wh.execute("INSERT INTO wh.kept BY NAME SELECT 2.25 AS p, 'b' AS t")
    wh.execute("INSERT INTO wh.kept VALUES (?, ?, NULL)", [3, "it's"])
    written = rows(wh, "FROM wh.kept ORDER BY t")
    assert written == [(1, "a", Decimal("1.50")), (None, "b", Decimal("2.25")), (3, "it's", None)]


def test_errors_in_writing_say_what_to_do(wh: Connection) -> None:
    for sql, told in [
        ("INSERT INTO wh.typs SELECT 1", 'Did you mean "wh.types"'),
        ("INSERT INTO wh.types (i22) SELECT 1", 'no column "i22"'),
        ("INSERT INTO wh.types (i2, i4) SELECT 1", "has 2 columns"),
        ("CREATE TABLE wh.types AS SELECT 1", "exists already"),
        ("CREATE TABLE wh.fresh (i INTEGER)", "made of a query"),
    ]:
        with pytest.raises(augursql.Error, match=told) as raised:
            wh.execute(sql)
        assert "LINE 1" in str(raised.value)
    assert wh.execute("CREATE TABLE IF NOT EXISTS wh.types AS SELECT 1").rowcount == 0


def test_a_source_can_be_attached_in_a_transaction_that_is_rolled_back(
    con: Connection, postgres: Server
) -> None:
    con.execute("BEGIN")
    con.execute("CREATE TABLE here (i INTEGER)")
    con.execute(f"ATTACH '{postgres.address}' AS wh (TYPE adbc)")
    con.execute("CREATE TABLE wh.made AS SELECT 7 AS i")
    con.execute("INSERT INTO here FROM wh.made")
    con.execute("ROLLBACK")
    assert rows(con, "FROM wh.made") == [(7,)]


def test_a_read_only_source(con: Connection, postgres: Server) -> None:
    postgres.run("CREATE TABLE t AS SELECT 1 AS i", "CREATE SCHEMA other")
    con.execute(f"ATTACH '{postgres.address}' AS wh (TYPE adbc, READ_ONLY, SCHEMA 'public')")
    assert rows(con, "FROM wh.t") == [(1,)]
    with pytest.raises(augursql.NotSupportedError, match="READ_ONLY"):
        con.execute("INSERT INTO wh.t SELECT 2")


def test_names_that_are_taken(wh: Connection, postgres: Server) -> None:
    attach = f"'{postgres.address}' AS wh (TYPE adbc)"
    with pytest.raises(augursql.ProgrammingError, match="already"):
        wh.execute(f"ATTACH {attach}")
    wh.execute(f"ATTACH IF NOT EXISTS {attach}")
    wh.execute(f"ATTACH OR REPLACE {attach}")
    assert rows(wh, "SELECT count(*) FROM wh.few") == [(3,)]
    with pytest.raises(augursql.ProgrammingError, match="already"):
        wh.execute(f"ATTACH OR REPLACE '{postgres.address}' AS memory (TYPE adbc)")


def test_a_source_that_goes_away_is_told_without_its_password(
    wh: Connection, postgres: Server
) -> None:
    postgres.run("DROP TABLE types")
    with pytest.raises(augursql.OperationalError, match="does not exist") as raised:
        wh.execute("SELECT * FROM wh.types").fetchall()
    assert PASSWORD not in str(raised.value)


def test_an_attached_source_is_the_sessions_own(wh: Connection) -> None:
    other = wh.cursor().connection
    found = list[object]()

    def look() -> None:
        found.append(rows(other, "SELECT count(*) FROM wh.few"))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [[(3,)]]
    with pytest.raises(Exception, match="wh.public.few"):
        wh._session.connection.cursor().execute("FROM wh.few")
