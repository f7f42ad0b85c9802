"""How exact and how fast the graph is: recall@10 against exact search, queries a second against
DuckDB's own brute force.

    python benchmarks/retrieval.py                      100,000 synthetic vectors, 384 dimensions
    python benchmarks/retrieval.py --rows 20000
    python benchmarks/retrieval.py --vectors FILE.npy   float32 [n, d]; the last rows are queries

Exits with status 1 where recall is under 0.98 or the speed-up under 30.
"""

import argparse
import sys
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from augursql.engine.retrieval import hnsw
from augursql.engine.retrieval.exact import ExactRetriever
from augursql.engine.retrieval.neighbours import Floats, Ids, Neighbours, normalised
from augursql.types import SilentMonitor

K = 10
QUERIES = 2_048
BRUTE_QUERIES = 20
LEAST_RECALL, LEAST_SPEEDUP = 0.98, 30.0


def synthetic(count: int, dimensions: int, seed: int) -> Floats:
    """Unit vectors in clusters of uneven size, each spread along few directions of its own.

    Clusters are far larger than the search is wide, so that the graph cannot just exhaust one.
    Within a cluster variance falls along its directions as in sentence embeddings; some is spread
    over all directions.
    """
    rng = np.random.default_rng(seed)
    clusters, inner = 20, 64
    spectrum = (1 + np.arange(dimensions)) ** -0.5
    centres = rng.standard_normal((clusters, dimensions)) * spectrum
    centres *= 1 / np.linalg.norm(centres, axis=1, keepdims=True)
    directions = rng.standard_normal((64, inner, dimensions)) / dimensions**0.5
    shares = rng.dirichlet(np.full(clusters, 1.0))
    cluster = rng.choice(clusters, count, p=shares)
    vectors = np.empty((count, dimensions), np.float32)
    for start in range(0, count, 10_000):
        part = cluster[start : start + 10_000]
        inside = rng.standard_normal((len(part), inner)) * (1 + np.arange(inner)) ** -0.25
        offsets = np.einsum("ni,nid->nd", inside, directions[part % 64], optimize=True)
        offsets *= 1.5 / np.linalg.norm(offsets, axis=1, keepdims=True)
        noise = 0.9 * rng.standard_normal((len(part), dimensions)) / dimensions**0.5
        vectors[start : start + 10_000] = centres[part] + offsets + noise
    return normalised(vectors)


def timed(search: Callable[[], Neighbours]) -> tuple[float, Neighbours]:
    """The shorter of two runs in seconds, and what was found."""
    best, found = float("inf"), Neighbours.none(0, 0)
    for _ in range(2):
        begin = time.perf_counter()
        found = search()
        best = min(best, time.perf_counter() - begin)
    return best, found


def brute_force(vectors: Floats, queries: Floats) -> tuple[float, Ids]:
    """Seconds DuckDB takes for a top-k by array_cosine_similarity per query, and the ids."""
    dimensions = vectors.shape[1]
    flat = pa.array(vectors.ravel())
    table = pa.table(
        {"id": np.arange(len(vectors)), "v": pa.FixedSizeListArray.from_arrays(flat, dimensions)}
    )
    found = np.empty((len(queries), K), np.int64)
    with duckdb.connect() as connection:
        connection.register("given", table)
        connection.execute(
            f"CREATE TABLE entries AS SELECT id, v::FLOAT[{dimensions}] v FROM given"
        )
        connection.unregister("given")
        sql = f"""SELECT id FROM entries
            ORDER BY array_cosine_similarity(v, ?::FLOAT[{dimensions}]) DESC LIMIT {K}"""
        connection.execute(sql, [queries[0].tolist()]).fetchall()
        begin = time.perf_counter()
        for i, query in enumerate(queries):
            rows = connection.execute(sql, [query.tolist()]).fetchall()
            found[i] = [row[0] for row in rows]
        return time.perf_counter() - begin, found


def recall(found: Ids, expected: Ids) -> float:
    """The share of the expected entries that were found."""
    hits = [len(set(a) & set(b)) for a, b in zip(found, expected, strict=True)]
    return float(np.mean(hits)) / K


def report(vectors: Floats, queries: Floats) -> bool:
    """Measures, prints the table, and says whether both targets are met."""
    count = len(vectors)
    print(
        f"{count:,} x {vectors.shape[1]}, {len(queries):,} queries, k = {K}, {hnsw.cores()} cores"
    )
    begin = time.perf_counter()
    graph = hnsw.build(vectors, count, hnsw.GraphOptions(), SilentMonitor())
    print(f"graph built in {time.perf_counter() - begin:.1f} s, ef {hnsw.search_width(count)}\n")
    exact = ExactRetriever(vectors)
    exact_seconds, expected = timed(lambda: exact.nearest(queries, K))
    seconds, found = timed(lambda: graph.nearest(queries, K))
    one_seconds, _ = timed(lambda: graph.nearest(queries[:1], K))
    brute_seconds, brute = brute_force(vectors, queries[:BRUTE_QUERIES])
    rates = {
        "hnsw": (len(queries) / seconds, recall(found.entries, expected.entries)),
        "hnsw, one query": (1 / one_seconds, float("nan")),
        "exact": (len(queries) / exact_seconds, 1.0),
        "DuckDB": (
            BRUTE_QUERIES / brute_seconds,
            recall(brute, expected.entries[:BRUTE_QUERIES]),
        ),
    }
    base = rates["DuckDB"][0]
    print(f"{'search':<18}{'queries/s':>12}{'against DuckDB':>17}{'recall@10':>12}")
    for name, (rate, share) in rates.items():
        shown = "" if np.isnan(share) else f"{share:.4f}"
        print(f"{name:<18}{rate:>12,.1f}{rate / base:>16,.1f}x{shown:>12}")
    rate, share = rates["hnsw"]
    return share >= LEAST_RECALL and rate / base >= LEAST_SPEEDUP


def main() -> int:
    """Parses the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument(
        "--vectors", help="a .npy file of float32 [n, d] in place of synthetic ones"
    )
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    if not hnsw.available():
        print("hnswlib is not installed: there is no graph to measure.")
        return 1
    if given.vectors:
        everything = np.load(given.vectors)[: given.rows + QUERIES].astype(np.float32)
    else:
        everything = synthetic(given.rows + QUERIES, given.dimensions, given.seed)
    return 0 if report(everything[:-QUERIES], everything[-QUERIES:]) else 1


if __name__ == "__main__":
    sys.exit(main())
