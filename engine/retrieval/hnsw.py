"""Approximate search in a graph: the only home of hnswlib.

Hierarchical navigable small worlds (Malkov and Yashunin, 2016, arXiv:1603.09320). A graph holds a
copy of its vectors, lives in memory and may be saved; `graphfile` keeps the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from augursql.engine.retrieval.exact import Pool, search
from augursql.engine.retrieval.neighbours import Floats, Ids, Metric, Neighbours, metric_named
from augursql.engine.runtime.cores import available_cores
from augursql.errors import InvalidValueError, UnsupportedError
from augursql.types import Monitor

BUILD_BLOCK = 512
SEARCH_EF = 256  # at 100,000 entries; see `search_width`
MOST_OVERFETCH = 500
GATHERED_BELOW = 20_000  # so few qualifying entries are searched exactly at no greater cost
SPARE = 8


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """`m` links per node and `ef_construction` as in the paper; `threads` 0: all cores we may use.

    With one thread the same vectors and seed give the same graph; with several they need not.
    """

    metric: Metric = "cosine"
    m: int = 16
    ef_construction: int = 200
    seed: int = 42
    threads: int = 0


def available() -> bool:
    """Whether hnswlib is installed. Where it is not, exact search serves every size."""
    return find_spec("hnswlib") is not None


def build(
    vectors: Floats | Iterable[Floats], count: int, options: GraphOptions, monitor: Monitor
) -> "HnswRetriever":
    """A graph over `count` vectors, given as one float32 [n, d] or as blocks [b, d] in entry order.

    Raises InvalidValueError when the blocks do not hold `count` vectors (at least one) or the
    options are out of range, UnsupportedError without hnswlib, InterruptedStatementError from the
    monitor.
    """
    _check(options)
    blocks = _blocks(vectors)
    first = next(blocks, None)
    if first is None:
        raise InvalidValueError("A graph needs at least one vector.")
    index = _empty(first.shape[1], options.metric)
    index.init_index(
        max_elements=max(count, len(first)),
        M=options.m,
        ef_construction=options.ef_construction,
        random_seed=options.seed & 0x7FFFFFFF,
    )
    threads = options.threads or available_cores()
    done = 0
    monitor.begin("building the graph", count)
    try:
        block: Floats | None = first
        while block is not None:
            monitor.check()
            if done + len(block) > count:
                break
            index.add_items(block, np.arange(done, done + len(block)), num_threads=threads)
            done += len(block)
            monitor.advance(len(block))
            block = next(blocks, None)
    finally:
        monitor.end()
    if block is not None or done != count:
        raise InvalidValueError(f"The graph was announced {count:,} vectors and got others.")
    return HnswRetriever(index, options.metric, threads)


class HnswRetriever:
    """A finished graph. Made by `build` and `graphfile.load`."""

    def __init__(self, index: Any, metric: Metric, threads: int) -> None:
        self._index = index
        self._metric: Metric = metric
        self._threads = threads
        self._width = search_width(self.count)
        index.set_ef(self._width)

    @property
    def count(self) -> int:
        return int(self._index.get_current_count())

    @property
    def dimensions(self) -> int:
        return int(self._index.dim)

    @property
    def metric(self) -> Metric:
        return self._metric

    @property
    def m(self) -> int:
        return int(self._index.M)

    @property
    def ef_construction(self) -> int:
        return int(self._index.ef_construction)

    def nearest(
        self, queries: Floats, k: int, exclude: Ids | None = None, within: Ids | None = None
    ) -> Neighbours:
        """As `Retriever.nearest`. Approximate, but always k entries where k qualify."""
        total = len(queries)
        if total == 0 or k <= 0:
            return Neighbours.none(total, max(k, 0))
        queries = np.ascontiguousarray(queries, np.float32)
        if within is not None and len(within) == self.count:
            within = None
        wanted = self._wanted(k + (exclude is not None), within)
        if wanted is None:
            return self._exactly(queries, k, exclude, within)
        answer = self._searched(queries, k, wanted, exclude, within)
        while (short := np.flatnonzero(answer.entries[:, -1] < 0)).size:
            left_out = None if exclude is None else exclude[short]
            wanted *= 4
            if wanted <= MOST_OVERFETCH:
                again = self._searched(queries[short], k, wanted, left_out, within)
            else:
                again = self._exactly(queries[short], k, left_out, within)
            answer.entries[short] = again.entries
            answer.similarities[short] = again.similarities
            if wanted > MOST_OVERFETCH:
                break
        return answer

    def write(self, path: Path) -> None:
        """hnswlib's own file format; raises RuntimeError as hnswlib does."""
        self._index.save_index(str(path))

    def _wanted(self, k: int, within: Ids | None) -> int | None:
        """How many entries to ask the graph for; None where exact search is the better way."""
        # hnswlib searches as wide as the answer at least, so asking for more is also more exact.
        wanted = k if 2 * k <= self._width else 2 * k
        if within is not None:
            if len(within) <= GATHERED_BELOW:
                return None
            wanted = int(1.5 * k * self.count / len(within)) + SPARE
        if wanted > max(MOST_OVERFETCH, 2 * k) or wanted > self.count // 2:
            return None
        return wanted

    def _searched(
        self, queries: Floats, k: int, wanted: int, exclude: Ids | None, within: Ids | None
    ) -> Neighbours:
        """One batched call. A badly connected graph may give fewer: then nothing is found."""
        try:
            labels, distances = self._index.knn_query(queries, k=wanted, num_threads=self._threads)
        except RuntimeError:
            return Neighbours.none(len(queries), k)
        similarities = -np.sqrt(np.maximum(distances, 0)) if self._metric == "l2" else 1 - distances
        found = Neighbours(labels.astype(np.int64), similarities.astype(np.float32, copy=False))
        return _kept(found, k, exclude, within)

    def _exactly(
        self, queries: Floats, k: int, exclude: Ids | None, within: Ids | None
    ) -> Neighbours:
        ids = np.arange(self.count, dtype=np.int64) if within is None else within
        if len(ids) <= GATHERED_BELOW:
            gathered = self._vectors(ids)
            pool = Pool(len(ids), lambda a, b: gathered[a:b], lambda at: gathered[at], ids)
        else:
            pool = Pool(
                len(ids), lambda a, b: self._vectors(ids[a:b]), lambda at: self._taken(ids, at), ids
            )
        return search(pool, queries, k, exclude, self._metric)

    def _vectors(self, ids: Ids) -> Floats:
        if len(ids) == 0:
            return np.zeros((0, self.dimensions), np.float32)
        vectors: Floats = np.asarray(self._index.get_items(ids), np.float32)
        return vectors

    def _taken(self, ids: Ids, at: Ids) -> Floats:
        distinct, places = np.unique(ids[at], return_inverse=True)
        return self._vectors(distinct)[places.reshape(at.shape)]


def search_width(count: int) -> int:
    """hnswlib's ef for a graph of `count` entries.

    Recall@10 against exact search on distinct sentences of film reviews (all-MiniLM-L6-v2, 384
    dimensions, m 16, ef_construction 200): 0.993 at 20,000, 0.992 at 50,000, 0.988 at 100,000.
    """
    return max(64, int(SEARCH_EF * (count / 100_000) ** 0.25))


def _kept(found: Neighbours, k: int, exclude: Ids | None, within: Ids | None) -> Neighbours:
    """The first k of each row that qualify, ties by entry id."""
    entries, similarities = found.entries, found.similarities
    by_id = np.argsort(entries, axis=1)
    by_score = np.argsort(-np.take_along_axis(similarities, by_id, 1), axis=1, kind="stable")
    order = np.take_along_axis(by_id, by_score, 1)
    entries = np.take_along_axis(entries, order, 1)
    similarities = np.take_along_axis(similarities, order, 1)
    barred = np.zeros(entries.shape, np.bool_)
    if exclude is not None:
        barred |= entries == exclude[:, None]
    if within is not None:
        at = np.minimum(np.searchsorted(within, entries), len(within) - 1)
        barred |= within[at] != entries
    if barred.any():
        first = np.argsort(barred, axis=1, kind="stable")
        barred = np.take_along_axis(barred, first, 1)
        entries = np.where(barred, -1, np.take_along_axis(entries, first, 1))
        similarities = np.take_along_axis(similarities, first, 1)
        similarities = np.where(barred, -np.inf, similarities).astype(np.float32)
    return Neighbours(
        np.ascontiguousarray(entries[:, :k]), np.ascontiguousarray(similarities[:, :k])
    )


def opened(path: Path, dimensions: int, metric: Metric, threads: int) -> HnswRetriever:
    """The graph in a file whose checksum was verified: hnswlib trusts what it reads."""
    index = _empty(dimensions, metric)
    index.load_index(str(path))
    return HnswRetriever(index, metric, threads or available_cores())


def _empty(dimensions: int, metric: Metric) -> Any:
    if not available():
        raise UnsupportedError(
            "hnswlib is not installed.", hint="Install it with: pip install hnswlib"
        )
    import hnswlib

    return hnswlib.Index(space=metric, dim=dimensions)


def _blocks(vectors: Floats | Iterable[Floats]) -> Iterator[Floats]:
    """Blocks small enough that a build answers a cancellation within a fraction of a second."""
    for large in [vectors] if isinstance(vectors, np.ndarray) else vectors:
        for start in range(0, len(large), BUILD_BLOCK):
            yield np.ascontiguousarray(large[start : start + BUILD_BLOCK], np.float32)


def _check(options: GraphOptions) -> None:
    metric_named(options.metric)
    if not 2 <= options.m <= 256:
        raise InvalidValueError(f"m is a number from 2 to 256, not {options.m}.")
    if not 1 <= options.ef_construction <= 10_000:
        raise InvalidValueError(
            f"ef_construction is a number from 1 to 10,000, not {options.ef_construction}."
        )
