"""The database file is the only truth: restarts, kills, transactions, read-only files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

QUIET = {"progress": "off"}
MAIN = "SELECT id, predict('rating', review USING INDEX hotels) FROM reviews ORDER BY id"


def test_a_new_session_answers_the_same_and_fits_nothing(database: str) -> None:
    with Connection(database, settings=dict(QUIET)) as con:
        first = con.execute(MAIN).fetchall()
        kept = con.execute("SELECT count(*) FROM augur.predictors").fetchall()
    with Connection(database, settings=dict(QUIET)) as con:
        assert con.execute(MAIN).fetchall() == first
        assert con.execute("SELECT count(*) FROM augur.predictors").fetchall() == kept == [(1,)]
        assert con.execute("SELECT sum(evaluated) FROM augur_calls()").fetchall() == [(0,)]


def test_a_read_only_database_predicts_and_keeps_its_catalog_in_memory(database: str) -> None:
    with Connection(database, settings=dict(QUIET)) as con:
        expected = con.execute(MAIN).fetchall()
    size = os.path.getsize(database)
    with Connection(database, read_only=True, settings=dict(QUIET)) as con:
        assert con.execute(MAIN).fetchall() == expected
        con.execute("CREATE INDEX titles ON reviews USING HNSW (title)")
        assert len(con.execute("FROM search('titles', 'noise', k := 3)").fetchall()) == 3
        assert [r[0] for r in con.execute("SHOW INDEXES").fetchall()] == ["hotels", "titles"]
        with pytest.raises(errors.DataError, match="read-only"):
            con.execute("REFRESH INDEX hotels")
    assert os.path.getsize(database) == size


def test_a_graph_is_a_cache(database: str) -> None:
    graphs = Path(database + ".augur") / "graphs"
    settings = {**QUIET, "exact_below": 5}
    sql = "SELECT id FROM search('hotels', 'cold coffee', k := 3)"

    def answer() -> list[tuple[int]]:
        with Connection(database, settings=dict(settings)) as con:
            return con.execute(sql).fetchall()

    first = answer()
    (file,) = graphs.iterdir()
    file.write_bytes(b"damaged" * 100)
    assert answer() == first
    file.unlink()
    assert answer() == first
    assert [f.name for f in graphs.iterdir()] == [file.name]
    with Connection(database, settings=dict(settings)) as con:
        con.execute("DROP INDEX hotels")
    assert list(graphs.iterdir()) == []


def test_a_rolled_back_index_was_never_there(database: str) -> None:
    with Connection(database, settings=dict(QUIET)) as con:
        con.begin()
        con.execute("CREATE INDEX titles ON reviews USING HNSW (title)")
        inside = con.execute("SELECT predict('rating', title USING INDEX titles) FROM reviews")
        assert len(inside.fetchall()) == 60
        con.rollback()
        assert [r[0] for r in con.execute("SHOW INDEXES").fetchall()] == ["hotels"]
        assert len(con.execute(MAIN).fetchall()) == 60
        con.begin()
        con.execute("CREATE INDEX titles ON reviews USING HNSW (title)")
        con.commit()
        assert [r[0] for r in con.execute("SHOW INDEXES").fetchall()] == ["hotels", "titles"]


def test_functions_survive_a_rollback(database: str) -> None:
    with Connection(database, settings=dict(QUIET)) as con:
        con.begin()
        expected = con.execute(MAIN).fetchall()
        con.rollback()
        assert con.execute(MAIN).fetchall() == expected


SLOW_BUILD = """
import augursql
con = augursql.connect({path!r}, settings={{"progress": "off"}})
con.execute("CREATE TABLE big AS SELECT 'number ' || i || ' of a long list of texts ' || "
            "repeat('and ' || i || ' ', 40) AS t, i % 2 AS even FROM range(6000) r(i)")
print("building", flush=True)
con.execute("CREATE INDEX big ON big USING HNSW (t)")
"""


def test_kill_9_in_the_middle_and_on_from_there(tmp_path: Path) -> None:
    path = str(tmp_path / "killed.duckdb")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD.format(path=path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    files = (Path(path), Path(path + ".wal"))
    before = sum(file.stat().st_size for file in files if file.exists())
    for _ in range(600):  # until some hundred vectors are on disk, beside the table of 2.4 MB
        time.sleep(0.1)
        if sum(file.stat().st_size for file in files if file.exists()) > before + 3_500_000:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Connection(path, settings=dict(QUIET)) as con:
        assert con.execute("SHOW INDEXES").fetchall() == []
        (table,) = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'embeddings_%'"
        ).fetchone() or ("",)
        (kept,) = con.execute(f"SELECT count(*) FROM augur.{table}").fetchone() or (0,)
        assert 0 < kept < 6000
        con.execute("DELETE FROM big WHERE md5(t) > '4'")  # the test stays short
        con.execute("CREATE INDEX big ON big USING HNSW (t)")
        answer = con.execute("SELECT predict('even', t USING INDEX big) FROM big").fetchall()
        rows = con.execute("SELECT rows FROM (SHOW INDEXES)").fetchall()
        assert rows == [(len(answer),)]
        doubled = con.execute(
            f"SELECT count(*) - count(DISTINCT hash) FROM augur.{table}"
        ).fetchall()
        assert doubled == [(0,)]


def test_two_connections_to_one_file_in_one_process(database: str) -> None:
    with (
        Connection(database, settings=dict(QUIET)) as one,
        Connection(database, settings=dict(QUIET)) as two,
    ):
        assert one.execute(MAIN).fetchall() == two.execute(MAIN).fetchall()
        one.execute("CREATE INDEX titles ON reviews USING HNSW (title)")
        assert len(two.execute("FROM search('titles', 'x', k := 2)").fetchall()) == 2


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "text.duckdb"
    file.write_text("not a database, but long enough to be taken for one " * 100)
    with pytest.raises(errors.OperationalError, match="could not be opened"):
        Connection(str(file))


def test_a_number_that_was_rolled_back_is_not_taken_for_the_next_index(database: str) -> None:
    with Connection(database, settings=dict(QUIET)) as con:
        con.begin()
        con.execute("CREATE INDEX other ON reviews USING HNSW (title)")
        con.execute("FROM search('other', 'x', k := 1)").fetchall()
        con.rollback()
        con.execute("CREATE TABLE two AS SELECT 'an owl' AS x UNION ALL SELECT 'a fox'")
        con.execute("CREATE INDEX other ON two USING HNSW (x)")
        assert con.execute("SELECT x FROM search('other', 'owls', k := 1)").fetchall() == [
            ("an owl",)
        ]
