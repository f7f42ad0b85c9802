"""predict() on Banking77: 77 intents, learned from the train file, judged on the test file.

python benchmarks/intent.py
"""

import time

from data import path, table, verdict

import augursql


def main() -> None:
    con = augursql.connect(settings={"progress": "off"})
    train, test = path("banking77_train.parquet"), path("banking77_test.parquet")
    con.execute(f"CREATE TABLE train AS FROM '{train}'")
    con.execute(f"CREATE TABLE test AS FROM '{test}'")
    started = time.perf_counter()
    con.execute("CREATE INDEX bank ON train USING HNSW (text)")
    indexing = time.perf_counter() - started
    started = time.perf_counter()
    con.execute("SELECT predict('intent', 'my card was lost' USING INDEX bank)").fetchall()
    fitting = time.perf_counter() - started
    started = time.perf_counter()
    con.execute(
        "CREATE TABLE answers AS SELECT intent, p.prediction, p.confidence FROM (SELECT intent, "
        "predict('intent', text USING INDEX bank WITH CONFIDENCE) AS p FROM test)"
    )
    predicting = time.perf_counter() - started
    accuracy, rows = con.execute(
        "SELECT avg((prediction = intent)::INT), count(*) FROM answers"
    ).fetchone()
    error = con.execute(
        "SELECT sum(n / total * abs(sure - right_)) FROM (SELECT count(*) AS n, "
        "avg(confidence) AS sure, avg((prediction = intent)::INT) AS right_, "
        "(SELECT count(*) FROM answers) AS total FROM answers "
        "GROUP BY least(floor(confidence * 15), 14))"
    ).fetchone()[0]
    why = con.execute(
        "SELECT value FROM (DESCRIBE INDEX bank) WHERE property LIKE 'predictor%'"
    ).fetchone()[0]
    table(
        ("figure", "value"),
        [
            ("accuracy on test", f"{100 * accuracy:.2f} %"),
            ("calibration error, 15 bins", f"{error:.4f}"),
            ("embedding and writing the index (10,003 texts)", f"{indexing:.1f} s"),
            ("fitting and first answer", f"{fitting:.2f} s"),
            ("predicting", f"{rows / predicting:,.0f} rows/s"),
            ("predictor", why),
        ],
    )
    missed = []
    if accuracy < 0.93:
        missed.append(f"accuracy {accuracy:.4f} < 0.93")
    if fitting > 3:
        missed.append(f"fitting {fitting:.2f} s > 3 s")
    if error > 0.05:
        missed.append(f"calibration error {error:.4f} > 0.05")
    verdict(missed)


if __name__ == "__main__":
    main()
