"""PEP 249: connections, cursors, results, errors."""

import threading
import time

import duckdb
import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection


def test_fetching(con: Connection) -> None:
    cursor = con.cursor()
    cursor.execute("SELECT i FROM range(5) t(i)")
    assert cursor.description is not None
    assert cursor.description[0][0] == "i"
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany(2) == [(1,), (2,)]
    assert list(cursor) == [(3,), (4,)]
    assert cursor.fetchone() is None


def test_arrow_and_dataframe(indexed: Connection) -> None:
    sql = (
        "SELECT id, predict('rating', review USING INDEX hotels WITH CONFIDENCE) AS p FROM reviews"
    )
    table = indexed.execute(sql).fetch_arrow()
    assert table.num_rows == 400
    assert str(table.schema.field("p").type) == "struct<prediction: int64, confidence: double>"
    frame = indexed.execute(sql).fetch_df()
    assert list(frame.columns) == ["id", "p"]
    assert len(frame) == 400


def test_executemany_and_parameters(con: Connection) -> None:
    con.execute("CREATE TABLE t (a INTEGER, b VARCHAR)")
    con.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y")])
    assert con.execute("SELECT b FROM t WHERE a = $a", {"a": 2}).fetchall() == [("y",)]


def test_two_cursors_do_not_disturb_each_other(indexed: Connection) -> None:
    one, two = indexed.cursor(), indexed.cursor()
    one.execute("SELECT id, predict('rating', review USING INDEX hotels) FROM reviews ORDER BY id")
    first = one.fetchmany(10)
    two.execute("SELECT embed('x')")
    rest = one.fetchall()
    assert [row[0] for row in first + rest] == list(range(1, 401))
    assert len(two.fetchall()) == 1


def test_transactions(con: Connection) -> None:
    con.execute("CREATE TABLE t (a INTEGER)")
    con.begin()
    con.execute("INSERT INTO t VALUES (1)")
    con.rollback()
    con.commit()
    con.rollback()
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_errors_are_pep_249s_with_place_and_state() -> None:
    with augursql.connect() as con:
        with pytest.raises(augursql.ProgrammingError) as caught:
            con.execute("SELECT predict('rating', 'x' USING INDEX hotel)")
        error = caught.value
        assert error.sqlstate == "42704"
        assert error.span is not None
        assert (
            "USING INDEX hotel"[-5:]
            == "SELECT predict('rating', 'x' USING INDEX hotel)"[slice(*error.span)]
        )
        with pytest.raises(augursql.ProgrammingError):
            con.execute("SELECT nothing FROM nowhere")
        with pytest.raises(augursql.ProgrammingError, match="no rows"):
            con.cursor().fetchall()
    with pytest.raises(augursql.InterfaceError, match="closed"):
        con.execute("SELECT 1")
    with pytest.raises(augursql.InterfaceError, match="closed"):
        con.close()


class Recorder:
    """A monitor that remembers what it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.advanced = 0
        self.ended = 0

    def begin(self, label: str, total: int | None) -> None:
        self.begun.append((label, total))

    def advance(self, count: int) -> None:
        self.advanced += count

    def end(self) -> None:
        self.ended += 1

    def check(self) -> None:
        return None


def test_progress_is_reported_to_a_monitor() -> None:
    recorder = Recorder()
    with augursql.connect(monitor=recorder) as con:
        con.execute("CREATE TABLE t AS SELECT 'text ' || i AS x FROM range(300) r(i)")
        con.execute("CREATE INDEX i ON t USING HNSW (x)")
        assert ("embedding", 300) in recorder.begun
        assert recorder.advanced == 300
        con.execute("SELECT embed(x || '!') FROM t").fetchall()
        assert ("embed", None) in recorder.begun
        assert recorder.advanced == 600
        assert recorder.ended >= len(recorder.begun)


def test_interrupt_from_another_thread(con: Connection) -> None:
    con.execute(
        "CREATE TABLE slow AS SELECT 'row ' || i || repeat(' and ' || i, 60) AS x "
        "FROM range(50000) r(i)"
    )
    timer = threading.Timer(1.5, con.interrupt)
    timer.start()
    started = time.monotonic()
    with pytest.raises(augursql.OperationalError, match="cancelled"):
        con.execute("SELECT embed(x) FROM slow").fetchall()
    timer.join()
    assert time.monotonic() - started < 10
    assert con.execute("SELECT embed('still here') IS NOT NULL").fetchall() == [(True,)]


def test_several_connections_in_several_threads(tmp_path: object) -> None:
    answers: list[object] = []

    def work() -> None:
        with augursql.connect() as con:
            con.execute("CREATE TABLE t AS SELECT 'text ' || i AS x FROM range(3000) r(i)")
            answers.append(con.execute("SELECT count(embed(x)) FROM t").fetchall()[0][0])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [3000] * 3


def test_variables_of_the_caller_are_tables_as_in_duckdb(con: Connection) -> None:
    frame = con.execute("SELECT 7 AS seven").fetch_arrow()
    assert con.execute("FROM frame").fetchall() == [(7,)]
    assert frame.num_rows == 1
    number = 7
    with pytest.raises(augursql.Error, match=f'"number" of type "int".*{__name__.split(".")[-1]}'):
        con.execute("FROM number")
    assert number == 7


@pytest.mark.parametrize("name", ["sql", "self", "parameters", "frame", "call", "sys"])
def test_our_own_variables_are_no_tables(con: Connection, name: str) -> None:
    with pytest.raises(augursql.ProgrammingError) as ours:
        con.execute(f"FROM {name}")
    with duckdb.connect() as plain, pytest.raises(duckdb.CatalogException) as theirs:
        plain.execute(f"FROM {name}")
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


@pytest.mark.parametrize(
    "text",
    [
        "DROP INDEX no_index",
        "SELECT 1;\nDROP INDEX no_index",
        "DROP INDEX IF EXISTS no_index; selec 1",
        "SELECT 'hnsw';\n SELECT nothing",
        "SELECT search(1)",
        "-- given",
    ],
)
def test_plain_sql_with_words_of_ours_fails_as_in_duckdb(con: Connection, text: str) -> None:
    def message(connection: object) -> str:
        try:
            connection.execute(text)
        except Exception as error:
            return str(error)
        return ""

    with duckdb.connect() as plain:
        assert message(con) == message(plain)
