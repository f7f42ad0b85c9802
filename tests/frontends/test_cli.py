"""The command `augur`, as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REVIEWS = Path(__file__).parents[2] / "sql_examples" / "hotel_reviews.csv"


def augur(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "augursql", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_command() -> None:
    done = augur(":memory:", "-c", "SELECT 42 AS answer")
    assert (done.returncode, done.stderr) == (0, "")
    assert "answer" in done.stdout
    assert "42" in done.stdout


def test_nothing_is_said_at_the_end() -> None:
    done = augur(":memory:", "-c", "SELECT embed('a') IS NULL AS lost")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_script_from_standard_input(tmp_path: Path) -> None:
    script = (
        f"CREATE TABLE reviews AS FROM '{REVIEWS}';\n"
        "CREATE INDEX hotels ON reviews USING HNSW (review); -- a comment; here\n"
        "SELECT hotel, predict('rating', review USING INDEX hotels) AS rating FROM reviews LIMIT 3;"
    )
    path = str(tmp_path / "a.duckdb")
    done = augur(path, stdin=script)
    assert done.returncode == 0, done.stderr
    assert "hotel" in done.stdout
    assert 'Index "hotels" version 1: 400 rows' in done.stderr
    again = augur(path, "-c", "SELECT name FROM (SHOW INDEXES)")
    assert "hotels" in again.stdout


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT predict('x', 'y' USING INDEX nope)", 'There is no index "nope".'),
        ("SELECT predict('x' USING INDEX i)", "^"),
        ("SELEC 1", "syntax error"),
        ("SELECT nocolumn FROM (SELECT embed('a') AS b)", "nocolumn"),
    ],
)
def test_an_error_is_short_with_a_caret_and_no_traceback(sql: str, message: str) -> None:
    done = augur(":memory:", "-c", sql)
    assert done.returncode == 1
    assert message in done.stderr
    assert "LINE 1" in done.stderr
    assert "^" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("sql", ["SELECT embed('a') AS e", "SELECT 42 AS e"])
def test_explain_is_printed_as_plain_text(sql: str) -> None:
    done = augur(":memory:", "-c", f"EXPLAIN {sql}; SELECT 'next' AS after")
    assert done.returncode == 0, done.stderr
    assert "explain_value" not in done.stdout
    assert "PROJECTION" in done.stdout.upper()
    assert "after" in done.stdout
    if "embed" in sql:
        assert done.stdout.startswith(f"{sql}\n\ncall 1      embed('a') -> FLOAT[384]\n")
        assert "\n\nrules       none changes this statement\n\n" in done.stdout


def test_the_first_error_stops_the_script() -> None:
    done = augur(stdin="SELECT 1 AS one; SELECT nope; SELECT 2 AS two;")
    assert done.returncode == 1
    assert "one" in done.stdout
    assert "two" not in done.stdout


def test_nothing_for_eyes_in_a_pipe(tmp_path: Path) -> None:
    done = augur(
        ":memory:",
        "-c",
        f"CREATE TABLE r AS FROM '{REVIEWS}'; CREATE INDEX i ON r USING HNSW (review);"
        "SELECT review FROM r",
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "…" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("│")]) == 402


def test_ctrl_c_stops_plain_sql_too() -> None:
    sql = "SELECT 'started'; SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)"
    process = subprocess.Popen(
        [sys.executable, "-m", "augursql", "-c", sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "started" not in process.stdout.readline():
        pass
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err.strip()) == (130, "Interrupted.")


def test_ctrl_c_stops_within_a_second(tmp_path: Path) -> None:
    sql = (
        "CREATE TABLE t AS SELECT 'row ' || i || repeat(' and ' || i, 60) AS x "
        "FROM range(50000) r(i); CREATE INDEX i ON t USING HNSW (x); SELECT 'finished'"
    )
    path = tmp_path / "interrupted.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-m", "augursql", str(path), "-c", sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    # The files grow with the table, and again when the first vectors are stored.
    files, grown, last, quiet = (path, Path(f"{path}.wal")), 0, 0, 0
    for _ in range(600):
        time.sleep(0.1)
        size = sum(file.stat().st_size for file in files if file.exists())
        grown += size != last and (quiet >= 5 or not last)
        quiet = 0 if size != last else quiet + 1
        last = size
        if grown > 1 and size > 1_000_000:
            break
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted." in err
    assert "finished" not in out
    assert time.monotonic() - pressed < 5, "one second on a quiet machine"
    assert augur(str(path), "-c", "SHOW INDEXES").returncode == 0


def test_the_demo_and_the_demo_on_ones_own_file(tmp_path: Path) -> None:
    done = augur("demo")
    assert done.returncode == 0, done.stderr
    for expected in ("CREATE INDEX demo", "predicted", "similarity", "accuracy", "Fill in"):
        assert expected in done.stdout
    own = tmp_path / "own.csv"
    own.write_text(
        "body,mood\n"
        + "".join(
            f"a sunny happy day number {i},good\nrain and sorrow {i},bad\n" for i in range(40)
        )
    )
    done = augur("demo", "--data", str(own))
    assert done.returncode == 0, done.stderr
    assert "predict('mood', body USING INDEX demo)" in done.stdout
    missing = augur("demo", "--data", "nowhere.csv")
    assert missing.returncode == 1
    assert "nowhere.csv" in missing.stderr


def test_import_is_light() -> None:
    heavy = "duckdb pyarrow numpy onnxruntime sqlglot torch huggingface_hub tokenizers onnx"
    code = f"import sys, augursql; print([m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plain_sql_loads_no_planner_and_no_engine() -> None:
    code = (
        "import sys, augursql; con = augursql.connect(); con.execute('SELECT 1').fetchall(); "
        "con.close(); print([m for m in ('sqlglot', 'onnxruntime', 'numpy', 'pyarrow') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "leaked" not in done.stderr
