"""The prediction cache: what was computed once is not computed again, and never in the way."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from augursql.database.cachetable import CacheTable
from augursql.frontends.dbapi.connection import Connection

TEXTS = "CREATE TABLE t AS SELECT 'room ' || i || ' was fine' AS x FROM range(40) r(i)"
KEEP = "CREATE OR REPLACE TABLE kept AS SELECT x, embed(x) AS v FROM t"
ROWS = "SELECT count(*) FROM augur.cache"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A database file with 40 texts in the table `t`."""
    file = str(tmp_path / "cached.duckdb")
    with Connection(file) as con:
        con.execute(TEXTS)
    return file


def opened(path: str, **options: Any) -> Connection:
    settings = {"progress": "off", **options.pop("settings", {})}
    return Connection(path, settings=settings, **options)


def cost(con: Connection) -> tuple[int, int]:
    """How many texts the last call evaluated, and how many it found."""
    sql = "SELECT evaluated, cached FROM augur_calls() ORDER BY statement DESC LIMIT 1"
    (row,) = con.execute(sql).fetchall()
    return row


def computed(path: str) -> None:
    with opened(path) as con:
        con.execute(KEEP)


def test_a_second_session_evaluates_nothing(path: str) -> None:
    with opened(path) as con:
        con.execute(KEEP)
        assert cost(con) == (40, 0)
        assert con.execute(ROWS).fetchall() == [(40,)]
    with opened(path) as con:
        same = con.execute("SELECT count(*) FROM kept WHERE v = embed(x)").fetchall()
        assert (same, cost(con)) == ([(40,)], (0, 40))
        con.execute("SELECT similarity(x, x), classify(x, ['room 1 was fine', 'y']) FROM t")
        assert con.execute("SELECT max(evaluated) FROM augur_calls()").fetchall() == [(0,)]
        assert con.execute(ROWS).fetchall() == [(41,)]  # the label 'y'


def test_metadata_of_what_was_cached(path: str) -> None:
    sql = "SELECT classify(x, ['a', 'b'] WITH METADATA).metadata FROM t LIMIT 1"
    found = []
    for _ in range(2):
        with opened(path) as con:
            found += [row[0] for row in con.execute(sql).fetchall()]
    first, second = found
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["tokens"] == second["tokens"] > 0


def test_precisions_do_not_mix(path: str) -> None:
    computed(path)
    with opened(path, settings={"dtype": "fp32"}) as con:
        con.execute(KEEP)
        assert cost(con) == (40, 0)
        producers = con.execute("SELECT count(DISTINCT producer) FROM augur.cache").fetchall()
        assert producers == [(2,)]


def test_a_rollback_leaves_the_cache(path: str) -> None:
    computed(path)
    with opened(path) as con:
        con.begin()
        con.execute("CREATE TABLE more AS SELECT embed(x || '!') FROM t")
        con.rollback()
    with opened(path) as con:
        con.execute("SELECT embed(x || '!') FROM t").fetchall()
        assert cost(con) == (0, 40)


def test_the_cache_does_not_stand_in_the_way_of_a_transaction(path: str) -> None:
    with opened(path) as con:
        con.begin()
        con.execute(KEEP)
        con.execute("CREATE INDEX rooms ON t USING HNSW (x)")
        con.commit()
        assert con.execute("SELECT rows FROM (SHOW INDEXES)").fetchall() == [(40,)]
        con.execute("SELECT embed('and then')").fetchall()
    with opened(path) as con:
        con.execute(KEEP)
        assert cost(con) == (0, 40)


def test_off(path: str) -> None:
    with opened(path, settings={"cache": "off"}) as con:
        con.execute(KEEP)
        con.execute(KEEP)
        assert cost(con) == (40, 0)
        con.execute("SELECT embed(x), similarity(x, x) FROM t").fetchall()
        both = "SELECT sum(evaluated) FROM augur_calls() WHERE statement = 4"
        assert con.execute(both).fetchall() == [(40,)]
        with pytest.raises(Exception, match=r"augur\.cache"):
            con.execute(ROWS)
    computed(path)
    with opened(path, settings={"cache": "off"}) as con:
        con.execute(KEEP)
        assert cost(con) == (40, 0)
        con.execute("SET augur_cache = 'on'")
        con.execute("SELECT embed(x) FROM t").fetchall()
        assert cost(con) == (0, 40)


def test_emptied_and_dropped_in_the_middle_of_a_session(path: str) -> None:
    with opened(path, settings={"memo_mb": 0}) as con:
        for statement in ("DELETE FROM augur.cache", "DROP TABLE augur.cache"):
            con.execute(KEEP)
            assert cost(con) == (40, 0)
            con.execute(statement)
            time.sleep(1.1)
        con.execute(KEEP)
        assert con.notices == ()


def test_what_was_used_longest_ago_goes_first(path: str) -> None:
    connection = duckdb.connect(path)
    table = CacheTable(connection, "augur")
    table.create()
    keys = [bytes([n]) * 16 for n in range(100)]
    table.insert([("model", key, bytes(1_000), 3, False) for key in keys])
    connection.execute("UPDATE augur.cache SET used = used - INTERVAL 1 DAY")
    table.touch([("model", key) for key in keys[:20]])
    table.evict(200_000)
    assert table.rows() == 100
    table.evict(50_000)
    stored, _ = table.fetch("model", keys, 3_600)
    assert set(keys[:20]) <= set(stored.keys)
    size = connection.execute("SELECT sum(bytes) FROM augur.cache").fetchall()[0][0]
    assert 40_000 < size <= 50_000
    connection.close()


def test_the_bound_holds(path: str) -> None:
    with opened(path, settings={"cache_mb": 1}) as con:
        con.execute("SELECT embed('number ' || i) FROM range(1000) r(i)").fetchall()
        size = con.execute("SELECT sum(bytes) FROM augur.cache").fetchall()[0][0]
        assert 500_000 < size < 1_000_000


def test_what_is_read_counts_as_used(path: str) -> None:
    computed(path)
    with opened(path) as con:
        con.execute("UPDATE augur.cache SET used = used - INTERVAL 1 DAY")
        con.execute("SELECT embed(x) FROM t LIMIT 5").fetchall()
        recent = f"{ROWS} WHERE used > (SELECT min(used) FROM augur.cache)"
        assert con.execute(recent).fetchall() == [(5,)]


def test_in_memory_there_is_no_table(con: Connection) -> None:
    for expected in ((5, 0), (0, 5)):
        con.execute("SELECT embed(title) FROM (FROM reviews ORDER BY id LIMIT 5)").fetchall()
        assert cost(con) == expected
    found = con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'cache'").fetchall()
    assert found == []


def test_a_read_only_database_has_a_side_file(path: str) -> None:
    before = os.path.getsize(path)
    sql = "SELECT embed(x) FROM t"
    for expected in ((40, 0), (0, 40)):
        with opened(path, read_only=True) as con:
            con.execute(sql).fetchall()
            assert (cost(con), con.notices) == (expected, ())
    assert os.path.getsize(path) == before
    assert Path(path + ".augur", "cache.duckdb").exists()


LOCK = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_side_file_of_another_process_is_left_alone(path: str) -> None:
    file = Path(path + ".augur", "cache.duckdb")
    file.parent.mkdir()
    command = [sys.executable, "-c", LOCK, str(file)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin is not None and other.stdout is not None
    other.stdout.readline()
    with opened(path, read_only=True) as con:
        assert len(con.execute("SELECT embed(x) FROM t").fetchall()) == 40
        assert con.notices == ()
    other.communicate()


def foreign(file: Path) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA augur; CREATE TABLE augur.cache AS SELECT 1 AS one")


@pytest.mark.parametrize("spoil", [foreign, lambda file: file.write_bytes(b"no database" * 1000)])
def test_a_side_file_that_is_not_ours(path: str, spoil: Callable[[Path], object]) -> None:
    file = Path(path + ".augur", "cache.duckdb")
    file.parent.mkdir()
    spoil(file)
    content = file.read_bytes()
    with opened(path, read_only=True) as con:
        assert len(con.execute("SELECT embed(x) FROM t").fetchall()) == 40
        assert ["prediction cache" in notice.text for notice in con.notices] == [True]
        assert len(con.execute("SELECT embed(x) FROM t").fetchall()) == 40
        assert con.notices == ()
    assert file.read_bytes() == content


def test_a_table_that_is_not_ours(path: str) -> None:
    foreign(Path(path))
    with opened(path) as con:
        con.execute(KEEP)
        assert ["prediction cache" in notice.text for notice in con.notices] == [True]
        assert con.execute("SELECT count(v) FROM kept").fetchall() == [(40,)]
        assert con.execute("FROM augur.cache").fetchall() == [(1,)]


def test_damaged_vectors_are_made_again(path: str) -> None:
    computed(path)
    with opened(path) as con:
        con.execute("UPDATE augur.cache SET value = 'short' WHERE tokens > 0")
    with opened(path) as con:
        expected = con.execute("SELECT count(*) FROM kept WHERE v = embed(x)").fetchall()
        assert (expected, cost(con)) == ([(40,)], (40, 0))


def test_a_disk_that_is_nearly_full(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(path)._replace(free=1_000_000)
    monkeypatch.setattr("augursql.database.cache.shutil.disk_usage", lambda _: full)
    with opened(path) as con:
        con.execute(KEEP)
        assert ["MB of disk" in notice.text for notice in con.notices] == [True]
        con.execute("SELECT embed(x || '!') FROM t").fetchall()
        assert con.notices == ()


def test_many_threads_and_two_sessions(path: str) -> None:
    with opened(path, config={"threads": 4}) as one, opened(path, config={"threads": 4}) as two:
        one.execute("CREATE TABLE many AS SELECT 'row ' || i % 300 AS x FROM range(50000) r(i)")
        sql = "SELECT count(embed(x)), count(similarity(x, 'row')) FROM many"
        answers: list[object] = []

        def ask(con: Connection) -> None:
            answers.append(con.execute(sql).fetchall())

        threads = [threading.Thread(target=ask, args=(con,)) for con in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [[(50_000, 50_000)]] * 2
        assert one.notices == two.notices == ()
    with opened(path) as con:
        con.execute(sql).fetchall()
        assert con.execute("SELECT sum(evaluated) FROM augur_calls()").fetchall() == [(0,)]


def test_a_cancelled_statement_keeps_what_it_had(path: str) -> None:
    with opened(path) as con:
        con.execute(
            "CREATE TABLE long AS SELECT i || repeat(' and ' || i, 40) AS x FROM range(9000) r(i)"
        )

        def stop_once_something_is_kept() -> None:
            with duckdb.connect(path) as other:
                found = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'cache'"
                while not other.execute(found).fetchall():
                    time.sleep(0.05)
            con.interrupt()

        stop = threading.Thread(target=stop_once_something_is_kept)
        stop.start()
        with pytest.raises(Exception, match="cancelled"):
            con.execute("CREATE TABLE z AS SELECT embed(x) AS v FROM long")
        stop.join()
        (kept,) = con.execute(ROWS).fetchall()[0]
        assert 0 < kept < 9_000


SLOW = """
import augursql
con = augursql.connect({path!r}, settings={{"progress": "off"}})
con.execute("CREATE TABLE big AS SELECT i || ' of a list ' || repeat('and ' || i || ' ', 40) AS t "
            "FROM range(6000) r(i)")
print("computing", flush=True)
con.execute("CREATE TABLE done AS SELECT t, embed(t) AS v FROM big")
"""


def test_kill_9_in_the_middle_of_a_statement(tmp_path: Path) -> None:
    path = str(tmp_path / "killed.duckdb")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(path=path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    files = (Path(path), Path(path + ".wal"))
    before = sum(file.stat().st_size for file in files if file.exists())
    for _ in range(600):  # until some hundred vectors are on disk
        time.sleep(0.1)
        if sum(file.stat().st_size for file in files if file.exists()) > before + 500_000:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with opened(path) as con:
        assert (
            con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'done'").fetchall() == []
        )
        (kept,) = con.execute(ROWS).fetchall()[0]
        assert 0 < kept < 6_000
        # The longest come first; the test stays short with the texts that are there and a few more.
        con.execute(
            "CREATE TABLE few AS SELECT t FROM big WHERE unhex(sha256(t))[1:16] IN "
            "(SELECT input FROM augur.cache) UNION ALL (SELECT 'new ' || t FROM big LIMIT 20)"
        )
        con.execute("CREATE TABLE done AS SELECT t, embed(t) AS v FROM few")
        assert cost(con) == (20, kept)
