"""What a connection refuses, and where it ends: misuse, processes, copies, Ctrl-C."""

import copy
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection


@pytest.fixture
def plain() -> Iterator[Connection]:
    """A connection in memory, with nothing in it."""
    with Connection(settings={"progress": "off"}) as connection:
        yield connection


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
def test_connections_and_cursors_stay_where_they_are(
    plain: Connection, how: Callable[[object], object]
) -> None:
    for thing in (plain, plain.cursor()):
        with pytest.raises(TypeError, match="cannot be copied or sent"):
            how(thing)


@pytest.mark.parametrize("sql", ["selec", "SELECT predict('a', 'b' USING INDEX nope)"])
def test_errors_can_be_sent(plain: Connection, sql: str) -> None:
    with pytest.raises(augursql.ProgrammingError) as caught:
        plain.execute(sql)
    error, sent = caught.value, pickle.loads(pickle.dumps(caught.value))
    assert (type(sent), str(sent)) == (type(error), str(error))
    assert (sent.sqlstate, sent.hint, sent.span) == (error.sqlstate, error.hint, error.span)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_does_not_use_the_connection(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with Connection(str(tmp_path / "a.duckdb")) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
        child = os.fork()
        if child == 0:
            try:
                con.execute("INSERT INTO t VALUES (1)")
            except BaseException as error:
                told.write_text(f"{type(error).__name__}: {error}")
            os._exit(0)
        os.waitpid(child, 0)
        assert con.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    assert told.read_text().startswith("InterfaceError: The connection belongs to another process")


@pytest.mark.parametrize("text", [None, b"SELECT 1", 5])
def test_a_statement_is_text(plain: Connection, text: str) -> None:
    with pytest.raises(augursql.InterfaceError, match="is a str, not"):
        plain.execute(text)
    with pytest.raises(augursql.InterfaceError, match="is a str, not"):
        plain.executemany(text, [])


def test_half_a_character_is_no_text(plain: Connection) -> None:
    with pytest.raises(augursql.ProgrammingError, match="surrogates not allowed"):
        plain.execute("SELECT 'é\ud800'")
    assert plain.execute("SELECT 'é😀'").fetchall() == [("é😀",)]


def test_a_number_of_rows_is_not_negative(plain: Connection) -> None:
    cursor = plain.execute("SELECT 1")
    with pytest.raises(augursql.InterfaceError, match="0 or more"):
        cursor.fetchmany(-1)
    assert cursor.fetchmany(0) == []
    assert cursor.fetchmany(5) == [(1,)]


@pytest.mark.parametrize(
    ("sql", "given"),
    [
        ("SELECT ?", [1, 2]),
        ("SELECT ?, ?", [1]),
        ("SELECT ?", None),
        ("SELECT $a", {"b": 1}),
        ("SELECT $a", {"a": 1, "b": 2}),
        ("SELECT :a", {"a": 1}),
        ("SELECT ?", 5),
        ("SELECT embed(?) IS NULL", ["x", "y"]),
        ("SELECT embed($a) IS NULL", {"b": "x"}),
    ],
)
def test_parameters_that_do_not_fit(plain: Connection, sql: str, given: object) -> None:
    with pytest.raises(augursql.ProgrammingError):
        plain.execute(sql, given)  # type: ignore[arg-type]


def test_paths_are_paths(tmp_path: Path) -> None:
    with augursql.connect(tmp_path / "a.duckdb") as con:
        con.execute("CREATE TABLE t (a INTEGER)")
    assert (tmp_path / "a.duckdb").exists()


def test_a_closed_connection_is_not_entered(plain: Connection) -> None:
    reader = plain.execute("SELECT i FROM range(90000) r(i)").fetch_record_batches(100)
    reader.read_next_batch()
    plain.close()
    with pytest.raises(augursql.InterfaceError, match="was closed"):
        reader.read_next_batch()
    with pytest.raises(augursql.InterfaceError, match="closed"), plain:
        pass


def test_a_cursor_is_closed_while_it_streams(plain: Connection) -> None:
    cursor = plain.execute("SELECT embed('a' || i % 3) IS NOT NULL FROM range(90000) r(i)")
    cursor.fetchmany(5)
    cursor.close()
    cursor.close()
    assert plain.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(augursql.InterfaceError, match="cursor is closed"):
        cursor.fetchone()


def test_cancel_reaches_one_who_fetches(plain: Connection) -> None:
    sql = "SELECT embed(i || repeat(' and ' || i, 60)) IS NOT NULL FROM range(50000) r(i)"
    timer = threading.Timer(0.5, plain.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(augursql.OperationalError, match="cancelled"):
        for _ in plain.execute(sql):
            pass
    timer.join()
    assert time.monotonic() - started < 10
    assert plain.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("batches", [False, True])
def test_ctrl_c_while_fetching(plain: Connection, batches: bool) -> None:
    sql = "SELECT embed(i || repeat(' and ' || i, 60)) IS NOT NULL FROM range(50000) r(i)"
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        cursor = plain.execute(sql)
        for _ in cursor.fetch_record_batches(100) if batches else cursor:
            pass
    timer.join()
    assert plain.execute("SELECT 1").fetchall() == [(1,)]


def test_what_many_predictions_changed_is_counted(indexed: Connection) -> None:
    indexed.execute("CREATE TABLE answers (id INTEGER, rating INTEGER)")
    insert = "INSERT INTO answers SELECT ?, predict('rating', ? USING INDEX hotels)"
    assert indexed.executemany(insert, [(900, "good"), (901, "bad")]).rowcount == 2


def test_implicit_transactions_of_two_connections_do_not_clash(tmp_path: Path) -> None:
    path = str(tmp_path / "a.duckdb")
    with augursql.connect(path, autocommit=False) as one:
        one.execute("CREATE TABLE t (a INTEGER)")
        one.commit()
        with augursql.connect(path, autocommit=False) as two:
            for con in (one, two):
                con.execute("INSERT INTO t VALUES (1)")
            for con in (one, two):
                assert con.execute("SELECT embed('x') IS NOT NULL").fetchall() == [(True,)]
            for con in (one, two):
                con.commit()
        assert one.execute("SELECT count(*) FROM t").fetchall() == [(2,)]
