"""What it costs to be there: import, the first statement, and plain SQL through our connection.

python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time

import duckdb
from data import table, verdict

import augursql

ROUNDS = 7
STATEMENTS = 3_000


def process(*command: str) -> float:
    """Median seconds of a whole process."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def per_statement(con: object) -> float:
    started = time.perf_counter()
    for _ in range(STATEMENTS):
        con.execute("SELECT 42").fetchall()
    return (time.perf_counter() - started) / STATEMENTS


def main() -> None:
    python = sys.executable
    nothing = process(python, "-c", "pass")
    imported = process(python, "-c", "import augursql") - nothing
    answered = process(python, "-m", "augursql", ":memory:", "-c", "SELECT 42")
    ours, theirs = augursql.connect(), duckdb.connect()
    pairs = [(per_statement(ours), per_statement(theirs)) for _ in range(5)]
    added = statistics.median(a - b for a, b in pairs)
    ours.close()
    theirs.close()
    table(
        ("figure", "measured", "target"),
        [
            ("import augursql", f"{1000 * imported:.0f} ms", "300 ms"),
            ("augur :memory: -c 'SELECT 42'", f"{1000 * answered:.0f} ms", "600 ms"),
            ("plain SQL, added a statement", f"{1000 * added:.3f} ms", "0.2 ms"),
        ],
    )
    missed = []
    if imported > 0.3:
        missed.append("import")
    if answered > 0.6:
        missed.append("first statement")
    if added > 0.0002:
        missed.append("plain SQL")
    verdict(missed)


if __name__ == "__main__":
    main()
