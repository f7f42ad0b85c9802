"""What cursors give: several results of one text, counts, types, Arrow in all its forms."""

import datetime
from collections.abc import Iterator

import duckdb
import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection

DIVISIBLE = hasattr(duckdb.DuckDBPyConnection, "abort")
LATE = "SELECT CASE WHEN i > 2500000 THEN error('oops') ELSE i END FROM range(3000000) r(i)"


@pytest.fixture
def plain() -> Iterator[Connection]:
    """A connection in memory, with nothing in it."""
    with Connection(settings={"progress": "off"}) as connection:
        yield connection


def evaluations(con: Connection) -> int:
    """How many texts a call has evaluated since the connection was opened."""
    return int(con.execute("SELECT sum(evaluated) FROM augur_calls()").fetchall()[0][0])


def test_nextset_goes_through_what_gives_rows(plain: Connection) -> None:
    cursor = plain.cursor()
    cursor.execute(
        "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2); SELECT a FROM t;"
        "UPDATE t SET a = a + 1; SELECT embed(a::VARCHAR) IS NOT NULL AS e FROM t; SELECT 7 AS z;"
    )
    assert cursor.fetchall() == [(1,), (2,)]
    assert cursor.nextset()
    assert cursor.fetch_arrow().to_pydict() == {"e": [True, True]}
    assert cursor.nextset()
    assert cursor.description is not None and cursor.description[0][0] == "z"
    assert cursor.nextset() is None
    assert cursor.fetchall() == [(7,)]
    assert evaluations(plain) == 2


def test_sets_outlive_other_statements(plain: Connection) -> None:
    cursor = plain.cursor().execute("SELECT 1; SELECT i FROM range(9000) r(i)")
    plain.execute("CREATE TABLE other (a INTEGER)")
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset()
    assert len(cursor.fetchall()) == 9000


def test_parameters_belong_to_the_last_statement(plain: Connection) -> None:
    cursor = plain.execute("SELECT 1; SELECT ? + 1", [4])
    assert cursor.nextset()
    assert cursor.fetchall() == [(5,)]


def test_a_syntax_error_runs_nothing(plain: Connection) -> None:
    with pytest.raises(augursql.ProgrammingError, match="selec"):
        plain.execute("CREATE TABLE t (a INTEGER); selec 1")
    with pytest.raises(augursql.ProgrammingError, match="t does not exist"):
        plain.execute("FROM t")


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("INSERT INTO t VALUES (4), (5)", 2),
        ("UPDATE t SET a = 0 WHERE a > 1", 2),
        ("DELETE FROM t", 3),
        ("WITH x AS (SELECT 9 AS a) INSERT INTO t FROM x", 1),
        ("-- copied\nCREATE TABLE u AS FROM t", 3),
        ("CREATE VIEW v AS FROM t", -1),
        ("SET threads = 2", -1),
        ("CREATE TABLE u (a INTEGER); INSERT INTO u FROM t", 3),
        ("TRUNCATE t", 3),
        ("MERGE INTO t USING (SELECT 7 AS b) ON a = b WHEN NOT MATCHED THEN INSERT VALUES (7)", 1),
        ("BEGIN; ROLLBACK", -1),
        ("CHECKPOINT", -1),
        ("COMMENT ON TABLE t IS 'numbers'", -1),
    ],
)
def test_changes_are_counted_and_give_no_rows(plain: Connection, sql: str, count: int) -> None:
    plain.execute("CREATE TABLE t AS FROM range(1, 4) r(a)")
    cursor = plain.execute(sql)
    assert (cursor.rowcount, cursor.description) == (count, None)
    with pytest.raises(augursql.ProgrammingError, match="no rows"):
        cursor.fetchone()


def test_rows_that_look_like_a_count_are_rows(plain: Connection) -> None:
    for sql in (
        'SELECT 3::BIGINT AS "Count"',
        'WITH t AS (SELECT 3::BIGINT AS "Count") FROM t',
        'SELECT true AS "Success"',
        '/* INSERT */ FROM (SELECT 3::BIGINT AS "Count")',
        'PREPARE p AS SELECT true AS "Success"; EXECUTE p',
    ):
        assert len(plain.execute(sql).fetchall()) == 1
    plain.execute("CREATE TABLE t (a BIGINT)")
    cursor = plain.execute("INSERT INTO t VALUES (3) RETURNING a")
    assert cursor.fetchall() == [(3,)]


def test_rowcount_and_rownumber_of_a_query(plain: Connection) -> None:
    cursor = plain.cursor()
    assert (cursor.rowcount, cursor.rownumber, cursor.lastrowid) == (-1, None, None)
    cursor.execute("FROM range(5)")
    assert (cursor.rowcount, cursor.rownumber) == (-1, 0)
    cursor.fetchmany(3)
    assert (cursor.rowcount, cursor.rownumber) == (-1, 3)
    assert [row[0] for row in cursor] == [3, 4]
    assert (cursor.rowcount, cursor.rownumber) == (5, 5)
    cursor.execute("FROM range(5)").fetch_arrow()
    assert cursor.rowcount == 5


def test_what_returning_gives_is_counted_and_fetched(plain: Connection) -> None:
    plain.execute("CREATE TABLE t AS FROM range(5) r(a)")
    cursor = plain.execute("UPDATE t SET a = a + 10 WHERE a > 2 RETURNING a")
    assert cursor.rowcount == 2
    assert sorted(cursor.fetchall()) == [(13,), (14,)]
    table = plain.execute("DELETE FROM t RETURNING a").fetch_arrow()
    assert table.num_rows == 5


def test_results_in_memory_are_counted(plain: Connection) -> None:
    cursor = plain.execute("SELECT i FROM range(3) r(i); SELECT i FROM range(5000) r(i)")
    assert cursor.rowcount == 3
    assert cursor.nextset()
    assert cursor.rowcount == -1
    cursor.fetchmany(10)
    plain.execute("SELECT 1")
    assert cursor.rowcount == 5000
    assert len(cursor.fetchall()) == 4990


def test_a_pivot_of_columns_that_are_not_listed(plain: Connection) -> None:
    plain.execute("CREATE TABLE t AS FROM (VALUES ('x', 1), ('y', 2), ('x', 3)) v(k, n)")
    assert plain.execute("PIVOT t ON k USING sum(n)").fetchall() == [(4, 2)]
    sql = "PIVOT (SELECT k, similarity(k, k) AS s FROM t) ON k USING round(max(s))"
    assert plain.execute(sql).fetchall() == [(1, 1)]


@pytest.mark.parametrize(
    ("type_", "group"),
    [
        ("VARCHAR", "STRING"),
        ("JSON", "STRING"),
        ("UUID", "STRING"),
        ("ENUM('a')", "STRING"),
        ("BLOB", "BINARY"),
        ("HUGEINT", "NUMBER"),
        ("DECIMAL(5, 2)", "NUMBER"),
        ("DOUBLE", "NUMBER"),
        ("DATE", "DATETIME"),
        ("TIMESTAMPTZ", "DATETIME"),
        ("INTERVAL", "DATETIME"),
    ],
)
def test_type_objects(plain: Connection, type_: str, group: str) -> None:
    cursor = plain.execute(f"SELECT NULL::{type_}")
    assert cursor.description is not None
    names = ("STRING", "BINARY", "NUMBER", "DATETIME", "ROWID")
    equal = [name for name in names if cursor.description[0][1] == getattr(augursql, name)]
    assert equal == [group]
    assert len({getattr(augursql, name) for name in names}) == 5


def test_values_made_by_the_constructors(plain: Connection) -> None:
    given = [augursql.Date(2026, 1, 2), augursql.Timestamp(2026, 1, 2, 3), augursql.Binary(b"x")]
    assert plain.execute("SELECT ?, ?, ?", given).fetchall() == [tuple(given)]
    noon = datetime.datetime(2026, 1, 2, 12).timestamp()
    assert augursql.TimeFromTicks(noon) == augursql.Time(12)


MANY_TYPES = """SELECT i, i::HUGEINT AS h, 'eeccb8c5-9943-b2bb-bb5e-222f4e14b687'::UUID AS u,
'a'::ENUM('a', 'b') AS e, '{}'::JSON AS j, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS z,
{'a b': [i]} AS s, MAP {i: 'x'} AS m, INTERVAL 40 DAYS AS v, 1.5::DECIMAL(9, 2) AS "q q",
NULL AS i FROM range(5000) r(i)"""


def test_rows_that_were_kept_are_what_they_would_have_been(plain: Connection) -> None:
    plain.execute("SET TimeZone = 'America/New_York'")
    direct = plain.execute(MANY_TYPES)
    described, rows = direct.description, direct.fetchall()
    table = plain.execute(MANY_TYPES).fetch_arrow()
    cursors = [plain.cursor().execute(MANY_TYPES) for _ in range(3)]
    plain.execute("SELECT 1")
    assert cursors[0].description == described
    first = cursors[0].fetchone()
    assert [first, *cursors[0].fetchall()] == rows
    assert cursors[1].fetch_arrow().equals(table)
    assert cursors[2].fetchmany(2) == rows[:2]


def test_a_dataframe_of_rows_that_were_kept(plain: Connection) -> None:
    cursor = plain.cursor().execute("SELECT i, i::HUGEINT AS h FROM range(5000) r(i)")
    plain.execute("SELECT 1")
    assert list(cursor.fetch_df()["i"]) == list(range(5000))


def test_rows_that_arrow_cannot_hold_are_kept_as_rows(plain: Connection) -> None:
    sql = "SELECT 340282366920938463463374607431768211455::UHUGEINT, '0101'::BIT"
    rows = plain.execute(sql).fetchall()
    cursor = plain.cursor().execute(sql)
    plain.execute("SELECT 1")
    with pytest.raises(augursql.NotSupportedError, match="held as Python"):
        cursor.fetch_arrow()
    assert cursor.fetchall() == rows


def test_arrow_after_rows_loses_none(plain: Connection) -> None:
    cursor = plain.execute("SELECT i FROM range(5000) r(i)")
    cursor.fetchone()
    if DIVISIBLE:
        assert cursor.fetch_arrow().num_rows == 4999
    else:
        with pytest.raises(augursql.NotSupportedError, match="another form"):
            cursor.fetch_arrow()
        assert len(cursor.fetchall()) == 4999


def test_rows_are_given_once(plain: Connection) -> None:
    cursor = plain.execute("SELECT 1 AS a")
    assert cursor.fetch_arrow().num_rows == 1
    with pytest.raises(augursql.ProgrammingError, match="already"):
        cursor.fetch_arrow()
    assert cursor.fetchall() == []


def test_record_batches_go_on_while_others_execute(plain: Connection) -> None:
    plain.execute("CREATE TABLE t AS SELECT 'text ' || (i % 50) AS x, i FROM range(9000) r(i)")
    reader = plain.execute("SELECT i, embed(x) AS e FROM t").fetch_record_batches(1000)
    first = reader.read_next_batch()
    assert first.num_rows == 1000
    assert plain.execute("SELECT 5").fetchall() == [(5,)]
    assert sum(batch.num_rows for batch in reader) == 8000
    assert evaluations(plain) == 50


def test_record_batches_can_be_read_by_the_connection_itself(plain: Connection) -> None:
    reader = plain.execute("SELECT i FROM range(9000) r(i)").fetch_record_batches(100)
    assert plain.execute("SELECT count(*) FROM reader").fetchall() == [(9000,)]
    assert reader.schema.names == ["i"]


def test_record_batches_end_when_their_cursor_executes(plain: Connection) -> None:
    cursor = plain.execute("SELECT i FROM range(9000) r(i)")
    reader = cursor.fetch_record_batches(100)
    with pytest.raises(augursql.ProgrammingError, match="no rows"):
        cursor.fetchone()
    assert cursor.execute("SELECT 5").fetchall() == [(5,)]
    with pytest.raises(augursql.InterfaceError, match="executed again"):
        reader.read_next_batch()


@pytest.mark.parametrize("other", [False, True])
def test_errors_reach_the_one_who_fetches(plain: Connection, other: bool) -> None:
    def read() -> None:
        cursor = plain.cursor().execute(LATE)
        if other:
            assert plain.execute("SELECT 5").fetchall() == [(5,)]
        cursor.fetchall()

    def read_batches() -> None:
        reader = plain.cursor().execute(LATE).fetch_record_batches(10_000)
        if other:
            assert plain.execute("SELECT 5").fetchall() == [(5,)]
        for _ in reader:
            pass

    for reading in (read, read_batches):
        with pytest.raises(augursql.DatabaseError, match="oops"):
            reading()
    assert plain.execute("SELECT 6").fetchall() == [(6,)]


def test_polars(plain: Connection) -> None:
    pytest.importorskip("polars")
    frame = plain.execute("SELECT 1 AS a, 'x' AS b").fetch_polars()
    assert frame.rows() == [(1, "x")]


def test_executemany_takes_iterators_and_names_and_is_all_or_nothing(plain: Connection) -> None:
    plain.execute("CREATE TABLE t (a INTEGER)")
    assert plain.executemany("INSERT INTO t VALUES (?)", ((i,) for i in range(9))).rowcount == 9
    sets = [{"a": 1}, {"a": 2}]
    assert plain.executemany("INSERT INTO t VALUES ($a)", sets).rowcount == 2
    assert plain.executemany("INSERT INTO t VALUES (?)", []).rowcount == 0
    for sql in ("INSERT INTO t VALUES (?)", "INSERT INTO t SELECT ? WHERE embed('x') IS NOT NULL"):
        with pytest.raises(augursql.DatabaseError, match="Could not convert"):
            plain.executemany(sql, [(1,), ("x",)])
    assert plain.execute("SELECT count(*) FROM t").fetchall() == [(11,)]


def test_callproc_calls_a_function(plain: Connection) -> None:
    cursor = plain.cursor()
    assert cursor.callproc("concat", ["a", "b"]) == ["a", "b"]
    assert cursor.fetchall() == [("ab",)]
    with pytest.raises(augursql.ProgrammingError, match="no name"):
        cursor.callproc("lower(x); DROP", ["a"])


def test_messages_are_the_notices(con: Connection) -> None:
    con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    assert "hotels" in str(con.messages[0][1])
    assert con.messages[0][0] is con.Warning
    other = con.cursor().execute("SELECT 1")
    assert other.messages == con.messages == []
