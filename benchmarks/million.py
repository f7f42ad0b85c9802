"""An index of a million short texts: peak memory, kill -9 in the middle, and on from there.

    python benchmarks/million.py [--rows 1000000] [--folder DIR]

The build runs in a process of its own, is killed once a third is embedded, and is started again.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from data import table, verdict

BUILD = """
import sys, augursql
con = augursql.connect(sys.argv[1])
con.execute("CREATE INDEX big ON texts USING HNSW (t)")
print(con.notices[-1].text, flush=True)
con.close()
"""

MAKE = """
CREATE TABLE texts AS SELECT
    ['the', 'our', 'a', 'this', 'their'][1 + i % 5] || ' ' ||
    ['quiet', 'noisy', 'clean', 'dirty', 'lovely', 'dated', 'tiny'][1 + i // 5 % 7] || ' ' ||
    ['room', 'lobby', 'pool', 'bar', 'bed', 'shower', 'view'][1 + i // 35 % 7] ||
    ' on floor ' || (i % 97) || ' at ' || i AS t, i % 3 AS label
FROM range({rows}) r(i)
"""


def embedded(path: str) -> int:
    with duckdb.connect(path) as con:
        names = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'embeddings_%'"
        ).fetchall()
        if not names:
            return 0
        return con.execute(f"SELECT count(*) FROM augur.{names[0][0]}").fetchall()[0][0]


def build(path: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", BUILD, path])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(dir=options.folder)
    path = os.path.join(folder, "million.duckdb")
    with duckdb.connect(path) as con:
        con.execute(MAKE.format(rows=options.rows))
    first = build(path)
    third = options.rows * 384 * 4 / 3
    while first.poll() is None and on_disk(path) < third:
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = embedded(path)
    started = time.perf_counter()
    status = build(path).wait()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 1024**3
    table(
        ("figure", "value"),
        [
            ("texts", f"{options.rows:,}"),
            ("embedded when killed, and kept", f"{kept:,}"),
            ("the rest, and the graph", f"{seconds:,.0f} s"),
            ("peak memory", f"{peak:.2f} GB"),
            ("database and graph on disk", f"{size:.2f} GB"),
        ],
    )
    missed = []
    if status != 0 or kept == 0:
        missed.append("it did not go on from where it was killed")
    if peak > 6:
        missed.append(f"peak memory {peak:.2f} GB > 6 GB")
    verdict(missed)


def on_disk(path: str) -> int:
    return sum(f.stat().st_size for f in (Path(path), Path(path + ".wal")) if f.exists())


if __name__ == "__main__":
    main()
