"""A served database: the server's start, what the hook adds, and sixteen DuckDB shells at once.

PYTHONPATH=.venv/duckdb-1.5.5:. python benchmarks/serve.py

Needs DuckDB 1.5.5 with Quack's extension, and duckdb-cli.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import duckdb
from data import table, verdict

import augursql
from augursql.database.connectors.extensions import packaged
from augursql.frontends.quack.extension import load
from augursql.frontends.quack.setup import copy_extensions

REVIEWS = Path(__file__).parents[1] / "sql_examples" / "hotel_reviews.csv"
MAIN = "SELECT hotel, predict('rating', review USING INDEX hotels) AS rating FROM reviews"
ROUNDS = 200
SHELLS = 16


def database(folder: Path) -> Path:
    path = folder / "hotels.duckdb"
    with augursql.connect(str(path)) as con:
        con.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}'")
        con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
        con.execute(MAIN).fetchall()
    return path


def start(path: Path) -> tuple[float, str, "subprocess.Popen[str]"]:
    """Seconds until the line is printed, the line, and the server."""
    command = [sys.executable, "-m", "augursql", "serve", str(path), "--quack", "0"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    return time.perf_counter() - started, line, process


def latency(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    """Median seconds of a query over Quack."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        con.execute("FROM query(?)", [sql]).fetchall()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def shells(line: str, count: int, home: Path) -> float:
    """Seconds until as many DuckDB shells have printed the main sentence."""
    found = find_spec("duckdb_cli")
    assert found is not None and found.origin is not None
    binary = Path(found.origin).parent / "duckdb"
    command = (
        line.strip().replace("duckdb", str(binary), 1)
        + f' -csv -c "FROM query(\\$\\$ {MAIN} \\$\\$)"'
    )
    environment = {**os.environ, "HOME": str(home)}
    started = time.perf_counter()
    running = [
        subprocess.Popen(
            ["bash", "-c", command], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(count)
    ]
    lines = [process.communicate()[0].count("\n") for process in running]
    assert lines == [401] * count, lines
    return time.perf_counter() - started


def main() -> None:
    if packaged("quack") is None:
        print(f"skipped: there is no package of Quack's extension for DuckDB {duckdb.__version__}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = database(Path(folder))
        copy_extensions(path.parent)
        begun, line, process = start(path)
        attach = line.split('"')[1]
        try:
            con = duckdb.connect()
            load(con)
            con.execute(attach)
            plain = latency(con, "SELECT 42")
            predicted = latency(con, f"{MAIN} LIMIT 1")
            shells(line, 1, path.parent)
            one, many = shells(line, 1, path.parent), shells(line, SHELLS, path.parent)
            con.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    table(
        ("figure", "measured", "target"),
        [
            ("augur serve: start to line", f"{begun:.2f} s", "2 s"),
            ("SELECT 42 over Quack", f"{1000 * plain:.1f} ms", ""),
            ("the main sentence LIMIT 1", f"{1000 * predicted:.1f} ms", ""),
            ("one shell, 400 rows", f"{one:.2f} s", ""),
            (f"{SHELLS} shells at once, 400 rows each", f"{many:.2f} s, {many / one:.1f}x", ""),
        ],
    )
    verdict(["start"] if begun > 2 else [])


if __name__ == "__main__":
    main()
