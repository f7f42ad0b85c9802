"""Transactions, threads, progress: what belongs to a connection as a whole."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection


@pytest.fixture
def standard() -> Iterator[Connection]:
    """A connection that begins transactions by itself, with a committed table `t`."""
    with Connection(settings={"progress": "off"}, autocommit=False) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
        connection.commit()
        yield connection


def count(con: Connection) -> int:
    return int(con.execute("SELECT count(*) FROM t").fetchall()[0][0])


def test_the_first_statement_begins_a_transaction(standard: Connection) -> None:
    assert not standard.autocommit and not standard.in_transaction
    standard.execute("INSERT INTO t VALUES (1)")
    assert standard.in_transaction
    standard.rollback()
    assert not standard.in_transaction
    assert count(standard) == 0
    standard.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    standard.commit()
    standard.commit()
    standard.rollback()
    assert count(standard) == 2


def test_statements_that_begin_and_end_transactions_are_understood(standard: Connection) -> None:
    standard.execute("BEGIN")
    standard.execute("INSERT INTO t VALUES (1)")
    standard.execute("COMMIT")
    assert not standard.in_transaction
    standard.execute("INSERT INTO t VALUES (2)")
    standard.execute("ROLLBACK; SELECT 1")
    assert not standard.in_transaction
    assert count(standard) == 1


def test_after_an_error_a_rollback_helps(standard: Connection) -> None:
    standard.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(augursql.DatabaseError, match="oops"):
        standard.execute("SELECT error('oops')").fetchall()
    assert standard.in_transaction
    standard.rollback()
    assert count(standard) == 0


def test_autocommit_changes_only_between_transactions(standard: Connection) -> None:
    standard.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(augursql.ProgrammingError, match="transaction is open"):
        standard.autocommit = True
    standard.commit()
    standard.autocommit = True
    standard.execute("INSERT INTO t VALUES (2)")
    assert not standard.in_transaction
    standard.begin()
    assert standard.in_transaction
    with pytest.raises(augursql.ProgrammingError, match="transaction is open"):
        standard.autocommit = False
    standard.rollback()
    standard.autocommit = False
    assert count(standard) == 2


def test_an_index_is_part_of_its_transaction(standard: Connection) -> None:
    predict = "SELECT count(predict('y', x USING INDEX i)) FROM docs"
    standard.execute(
        "CREATE TABLE docs AS SELECT 'text ' || i AS x, i % 2 AS y FROM range(50) r(i)"
    )
    standard.commit()
    for ends in (standard.rollback, standard.commit):
        standard.execute("CREATE INDEX i ON docs USING HNSW (x)")
        assert standard.execute(predict).fetchall() == [(50,)]
        ends()
        found = len(standard.execute("SHOW INDEXES").fetchall())
        assert found == (ends == standard.commit)
    assert standard.execute(predict).fetchall() == [(50,)]


@pytest.mark.parametrize("fails", [False, True])
def test_leaving_the_block_commits_unless_it_failed(tmp_path: Path, fails: bool) -> None:
    path = str(tmp_path / "a.duckdb")
    try:
        with augursql.connect(path, autocommit=False) as con:
            con.execute("CREATE TABLE t (a INTEGER)")
            if fails:
                raise KeyError
    except KeyError:
        pass
    with augursql.connect(path) as con:
        assert len(con.execute("SHOW TABLES").fetchall()) == (not fails)


def test_closing_rolls_back_and_ends_all_cursors(tmp_path: Path) -> None:
    path = str(tmp_path / "a.duckdb")
    con = augursql.connect(path, autocommit=False)
    con.execute("CREATE TABLE t (a INTEGER)")
    kept = con.execute("SELECT i FROM range(5000) r(i)")
    con.execute("SELECT 1")
    con.close()
    for use in (kept.fetchall, con.cursor, con.commit, con.close):
        with pytest.raises(augursql.InterfaceError, match="closed"):
            use()
    with augursql.connect(path) as again:
        assert again.execute("SHOW TABLES").fetchall() == []


def test_threads_share_a_connection() -> None:
    failures: list[BaseException] = []

    def work(con: Connection, mark: int) -> None:
        try:
            for number in range(2_500, 2_510):
                cursor = con.cursor()
                sql = "SELECT embed(x) IS NOT NULL, ? FROM texts LIMIT ?"
                cursor.execute(sql, (mark, number))
                rows = [*cursor.fetchmany(7), *cursor.fetchall()]
                assert rows == [(True, mark)] * number
        except BaseException as error:
            failures.append(error)

    with augursql.connect(settings={"progress": "off"}) as con:
        con.execute("CREATE TABLE texts AS SELECT 'text ' || i % 9 AS x FROM range(3000) r(i)")
        threads = [threading.Thread(target=work, args=(con, mark)) for mark in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert augursql.threadsafety == 2


def test_progress_calls_a_function() -> None:
    calls: list[tuple[str, int, int | None]] = []
    with augursql.connect(progress=lambda *call: calls.append(call)) as con:
        con.execute("CREATE TABLE t AS SELECT 'text ' || i AS x FROM range(300) r(i)")
        con.execute("CREATE INDEX i ON t USING HNSW (x)")
        told = [call for call in calls if call[0] == "embedding"]
        assert told[0] == ("embedding", 0, 300)
        assert told[-1] == ("embedding", 300, 300)
        calls.clear()
        con.execute("SELECT embed(x || '!') FROM t").fetchall()
        assert {(label, total) for label, _, total in calls} == {("embed", None)}
        assert max(done for _, done, _ in calls) == 300


def test_an_exception_of_the_progress_function_ends_the_statement() -> None:
    def refuse(label: str, done: int, total: int | None) -> None:
        raise KeyError("enough")

    with augursql.connect(progress=refuse) as con:
        with pytest.raises((augursql.Error, KeyError), match="enough"):
            con.execute("SELECT embed('x')").fetchall()
        assert con.execute("SELECT 1").fetchall() == [(1,)]
