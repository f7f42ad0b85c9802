"""The rungs on Banking77: what each clause gives on rows that were never seen.

python benchmarks/ladder.py
"""

import time

from data import path, table

import augursql

RUNGS = (
    (
        "zero-shot",
        "`classify(text, [labels])`",
        "classify(text, (SELECT list(DISTINCT intent) FROM train))",
    ),
    (
        "few-shot, random",
        "`USING INDEX bank TOP 10 RANDOM`",
        "predict('intent', text USING INDEX bank TOP 10 RANDOM)",
    ),
    (
        "few-shot, semantic",
        "`USING INDEX bank TOP 1`, vote",
        "predict('intent', text USING INDEX bank TOP 1 OPTIONS (strategy = 'vote'))",
    ),
    (
        "neighbours' vote",
        "`USING INDEX bank OPTIONS (strategy = 'vote')`",
        "predict('intent', text USING INDEX bank OPTIONS (strategy = 'vote'))",
    ),
    ("trained head", "`USING INDEX bank`", "predict('intent', text USING INDEX bank)"),
)


def main() -> None:
    con = augursql.connect(settings={"progress": "off"})
    con.execute(f"CREATE TABLE train AS FROM '{path('banking77_train.parquet')}'")
    con.execute(f"CREATE TABLE test AS FROM '{path('banking77_test.parquet')}'")
    con.execute("CREATE INDEX bank ON train USING HNSW (text)")
    rows = []
    for rung, clause, call in RUNGS:
        started = time.perf_counter()
        accuracy = con.execute(f"SELECT avg(({call} = intent)::INT) FROM test").fetchall()[0][0]
        seconds = time.perf_counter() - started
        rows.append((rung, clause, f"{100 * accuracy:.1f} %", f"{seconds:.1f} s"))
    table(("rung", "clause", "accuracy", "fitting and 3,080 answers"), rows)


if __name__ == "__main__":
    main()
