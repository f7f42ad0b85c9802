"""The DuckDB shell on a database that `augur serve` serves."""

import csv
import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection
from augursql.frontends.quack.extension import load
from tests.frontends.quack import Shell, needs_quack, query, served, token_of, uri_of

pytestmark = needs_quack

MAIN = "SELECT hotel, predict('rating', review USING INDEX hotels) AS rating FROM reviews"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def path(indexed_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of its own for the server, with a view of predictions."""
    copy = Path(shutil.copy(indexed_file, tmp_path_factory.mktemp("served") / "hotels.duckdb"))
    with Connection(str(copy)) as connection:
        connection.execute(f"CREATE VIEW first_guesses AS {MAIN}")
        connection.execute("CREATE VIEW guesses AS FROM first_guesses WHERE rating > 1")
        connection.execute(
            "CREATE TABLE many AS SELECT 'a text that nobody has embedded, ' || i AS text "
            "FROM range(200_000) r(i)"
        )
    return copy


@pytest.fixture(scope="module")
def line(path: Path) -> Iterator[str]:
    with served(str(path)) as (line, _):
        yield line


def rows(printed: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(printed)))


def test_the_main_sentence(shell: Shell, line: str, indexed: Connection) -> None:
    printed, complaints = shell.run(line, query(f"{MAIN} ORDER BY ALL"))
    assert complaints == ""
    expected = indexed.execute(f"{MAIN} ORDER BY ALL").fetchall()
    assert [(row["hotel"], int(row["rating"])) for row in rows(printed)] == expected


def test_the_database_opened_by_its_address(shell: Shell, line: str) -> None:
    secret = f"CREATE OR REPLACE PERSISTENT SECRET (TYPE quack, TOKEN '{token_of(line)}')"
    shell.run("duckdb", secret)
    try:
        printed, complaints = shell.run(f"duckdb '{uri_of(line)}'", query(f"{MAIN} LIMIT 2"))
    finally:
        shell.run("duckdb", "DROP PERSISTENT SECRET __default_quack")
    assert complaints == ""
    assert len(rows(printed)) == 2


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT predict('rating', review USING INDEX hotel) FROM reviews",
            'Did you mean "hotels"',
        ),
        ("SELECT predict('rating', revew USING INDEX hotels) FROM reviews", '"review"'),
        ("SELECT predict('ratin', review USING INDEX hotels) FROM reviews", '"rating"'),
    ],
)
def test_a_wrong_name_is_told_with_its_place_and_candidates(
    shell: Shell, line: str, sql: str, told: str
) -> None:
    printed, complaints = shell.run(line, query(sql))
    assert printed == ""
    assert told in complaints
    assert f"LINE 1:  {sql}" in complaints
    assert "^^" in complaints


def test_an_error_while_rows_are_computed_tells_no_path_of_the_server(
    shell: Shell, line: str
) -> None:
    limited = query("SET augur_max_rows = 3") + query("SELECT count(embed(text)) AS n FROM many")
    _, complaints = shell.run(line, limited)
    assert "augur_max_rows" in complaints
    assert str(Path(augursql.__file__).parents[1]) not in complaints
    assert ".py" not in complaints


def test_statements_that_are_no_queries(shell: Shell, line: str) -> None:
    statements = (
        "CREATE OR REPLACE TABLE fifty AS SELECT * FROM reviews LIMIT 50",
        "CREATE INDEX few ON fifty USING HNSW (review)",
        "SELECT name FROM (SHOW INDEXES) WHERE name = 'few'",
        "EXPLAIN SELECT predict('rating', review USING INDEX few) FROM reviews",
        "DROP INDEX few",
    )
    printed, complaints = shell.run(line, "".join(query(sql) for sql in statements))
    assert complaints == ""
    assert 'Index ""few"" version 1: 50 rows' in printed
    assert "name\nfew\n" in printed.replace("\r", "")
    assert "augur_plan" in printed


def test_a_clients_own_tables_and_transactions(shell: Shell, line: str) -> None:
    statements = (
        "BEGIN",
        "CREATE TEMP TABLE mine AS SELECT review FROM reviews LIMIT 5",
        "CREATE TABLE written AS "
        "SELECT predict('rating', review USING INDEX hotels) AS r FROM mine",
        "SELECT count(r) AS n FROM written",
        "ROLLBACK",
        "SELECT count(*) AS tables FROM duckdb_tables() WHERE table_name = 'written'",
    )
    printed, complaints = shell.run(line, "".join(query(sql) for sql in statements))
    assert complaints == ""
    assert "n\n5\n" in printed.replace("\r", "")
    assert "tables\n0\n" in printed.replace("\r", "")


def test_settings_are_a_clients_own(shell: Shell, line: str) -> None:
    printed, _ = shell.run(line, query("SET augur_seed = 7") + query("SHOW augur_seed"))
    assert "7" in printed
    printed, _ = shell.run(line, query("SHOW augur_seed"))
    assert "7" not in printed


def test_a_scan_of_predictions_is_refused(shell: Shell, line: str) -> None:
    _, complaints = shell.run(line, "SELECT * FROM guesses LIMIT 2")
    assert 'The view "guesses" computes predictions' in complaints
    assert "FROM query($$ SELECT * FROM guesses LIMIT 10 $$)" in complaints
    printed, complaints = shell.run(line, query("SELECT * FROM guesses LIMIT 2"))
    assert complaints == ""
    assert len(rows(printed)) == 2


def test_tables_are_there_without_our_words(shell: Shell, line: str) -> None:
    printed, complaints = shell.run(
        line, "SELECT count(*) AS n FROM reviews; CREATE TABLE memory.mine AS FROM reviews"
    )
    assert complaints == ""
    assert "400" in printed


def test_sixteen_shells_at_once_and_one_cancels(
    shell: Shell, line: str, indexed: Connection
) -> None:
    expected = indexed.execute(f"{MAIN} ORDER BY ALL").fetchall()
    endless = shell.start(line, query("SELECT count(embed(text)) AS n FROM many"))
    others = [shell.start(line, query(f"{MAIN} ORDER BY ALL")) for _ in range(15)]
    number = _running(shell, line, "count(embed(text))")
    printed, complaints = shell.run(line, query(f"SELECT augur_cancel({number}) AS done"))
    assert (printed.split(), complaints) == (["done", "true"], "")
    _, told = endless.communicate(timeout=60)
    assert "cancelled" in told
    for other in others:
        printed, complaints = other.communicate(timeout=120)
        assert complaints == ""
        assert [(row["hotel"], int(row["rating"])) for row in rows(printed)] == expected


def test_what_does_not_run_cannot_be_cancelled(shell: Shell, line: str) -> None:
    printed, _ = shell.run(line, query("SELECT augur_cancel(1000000) AS done"))
    assert printed.split() == ["done", "false"]


def _running(shell: Shell, line: str, part: str) -> str:
    """The number of a running statement, once it computes."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        printed, _ = shell.run(line, query("FROM augur_running()"))
        for row in rows(printed):
            if part in row["statement"] and row["progress"]:
                return row["id"]
    raise AssertionError("It never ran.")


def test_a_wrong_token(shell: Shell, line: str) -> None:
    wrong = line.replace(token_of(line), "0" * 32)
    _, complaints = shell.run(wrong, "SELECT 1")
    assert "Authentication failed" in complaints


def test_clients_do_not_change_who_is_let_in(shell: Shell, line: str) -> None:
    _, complaints = shell.run(
        line, query("SET GLOBAL quack_authorization_function = 'quack_nop_authorization'")
    )
    assert "not changed by its clients" in complaints
    printed, complaints = shell.run(line, query("SELECT 'quack_stop' AS text"))
    assert (printed.split(), complaints) == (["text", "quack_stop"], "")


def test_an_index_in_the_making_is_listed_and_cancelled(shell: Shell, line: str) -> None:
    making = shell.start(line, query("CREATE INDEX slow ON many USING HNSW (text)"))
    number = _running(shell, line, "INDEX slow")
    assert "true" in shell.run(line, query(f"SELECT augur_cancel({number}) AS done"))[0]
    assert "cancelled" in making.communicate(timeout=60)[1]


def test_connections_that_come_and_go_leave_no_functions_behind(shell: Shell, line: str) -> None:
    count = query(
        "SELECT count(*) AS n FROM duckdb_functions() WHERE function_name LIKE 'predict%'"
    )
    seen = []
    for _ in range(6):
        assert shell.run(line, query(f"{MAIN} LIMIT 1"))[1] == ""
        time.sleep(1.5)  # It takes the server a second to see who has left.
        seen.append(shell.run(line, count)[0])
    assert seen[-1] == seen[1]


@pytest.mark.parametrize("name", ["order", "memory", "a b", "it's", 'say "so"', "$HOME `x`"])
def test_the_line_can_be_pasted_whatever_the_file_is_called(
    shell: Shell, tmp_path: Path, name: str
) -> None:
    with augursql.serve(tmp_path / f"{name}.duckdb", port=0, token='a$b`c"d\\e!f') as server:
        assert shell.run(server.line, query("SELECT 42 AS a")) == ("a\n42\n", "")


def test_the_macro_of_shell_setup(shell: Shell, line: str) -> None:
    start = shell.home / ".duckdbrc"
    start.write_text("SELECT 'mine' AS kept;")
    port = uri_of(line).rpartition(":")[2]
    for token in ("another", token_of(line)):
        done = subprocess.run(
            [sys.executable, "-m", "augursql", "shell-setup", "--write", "--quack", port]
            + ["--token", token],
            env=shell.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert str(start) in done.stdout
    try:
        assert start.read_text().count("MACRO augur") == 1
        assert start.stat().st_mode & 0o077 == 0
        sql = f"FROM augur($$ {MAIN} LIMIT 1 $$)"
        printed, complaints = shell.run(f"duckdb -init {start}", sql)
        assert "Error" not in complaints
        assert "kept" in printed and "rating" in printed
    finally:
        start.unlink()


def test_it_stops_and_the_database_is_whole(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    with served(str(path)) as (line, process):
        assert shell.run(line, query("CREATE TABLE t AS SELECT 42 AS a"))[1] == ""
        running = shell.start(
            line, query("SELECT count(embed('t' || i)) AS n FROM range(500_000) r(i)")
        )
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert running.communicate(timeout=60)[1] != ""
    assert not path.with_name("new.duckdb.wal").exists()
    with Connection(str(path)) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(42,)]


def test_served_from_python(shell: Shell) -> None:
    with augursql.serve(port=0) as server:
        printed, complaints = shell.run(server.line, query("SELECT embed('a') IS NOT NULL AS e"))
        assert complaints == ""
        assert "true" in printed
        with pytest.raises(augursql.errors.StorageError, match="cannot listen"):
            augursql.serve(port=server.port)


def test_a_server_without_files(shell: Shell) -> None:
    with augursql.serve(port=0, external_access=False) as server:
        _, complaints = shell.run(server.line, query("FROM read_csv('/etc/passwd')"))
        assert "disabled by configuration" in complaints
        assert "true" in shell.run(server.line, query("SELECT embed('a') IS NOT NULL AS e"))[0]


def test_elsewhere_than_this_machine_only_with_users() -> None:
    with pytest.raises(augursql.errors.InvalidValueError, match="Without users"):
        augursql.serve(host="0.0.0.0")


def test_the_pinned_extension_still_rewrites() -> None:
    """The hook is not documented: the day that it only admits and refuses, this fails."""
    with duckdb.connect() as connection:
        load(connection)
        found = connection.execute(
            "SELECT return_type, parameters FROM duckdb_functions() "
            "WHERE function_name = 'quack_nop_authorization'"
        ).fetchall()
    assert found == [("VARCHAR", ["col0", "col1"])]
