"""Exact search: blocked matrix products, and of each block only what can still be among the best.

A block of scores is read twice: for the maxima of column groups, whose w-th largest is a bound that
w columns reach, and for the columns that reach it. No row is ever sorted. Scores of the shortlist
are then computed again in float64, so that a result depends neither on the other queries of its
batch nor on where block borders fall; equal similarities stand in the order of entry ids.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augursql.engine.retrieval.neighbours import Floats, Ids, Metric, Neighbours, normalised

QUERY_BLOCK = 512
SCORES_PER_BLOCK = 1 << 22  # 16 MB of float32
LEAST_COLUMNS = 8_192
SPARE = 6  # kept beyond k, so that rounding in float32 cannot decide who is among the k
RESCORED_AT_ONCE = 1 << 18  # 2 MB of float64, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates of one search, at positions 0..count-1 in the order of their entry ids.

    `block(start, stop)` and `take(positions)` give their vectors, float32 [b, d]; `ids` int64
    [count] their entry ids, None where an entry's id is its position.
    """

    count: int
    block: Callable[[int, int], Floats]
    take: Callable[[Ids], Floats]
    ids: Ids | None = None

    def positions(self, exclude: Ids) -> Ids:
        """Where the entries of `exclude` stand in the pool, -1 for those that do not."""
        if self.ids is None:
            return exclude
        found = np.searchsorted(self.ids, exclude)
        clipped = np.minimum(found, self.count - 1)
        inside = (
            (exclude >= 0) & (self.ids[clipped] == exclude) if self.count else exclude != exclude
        )
        return np.where(inside, clipped, -1)

    def entries(self, positions: Ids) -> Ids:
        """The entry ids at `positions`, -1 kept."""
        if self.ids is None:
            return positions
        return np.where(positions >= 0, self.ids[positions], -1)


class ExactRetriever:
    """Every entry is compared with every query.

    `vectors` float32 [n, d]; under 'cosine' they are normalised once (copied only if needed).
    """

    def __init__(self, vectors: Floats, metric: Metric = "cosine") -> None:
        plain = np.ascontiguousarray(vectors, dtype=np.float32)
        self._vectors = normalised(plain) if metric == "cosine" else plain
        self._metric: Metric = metric

    @property
    def count(self) -> int:
        return len(self._vectors)

    def nearest(
        self, queries: Floats, k: int, exclude: Ids | None = None, within: Ids | None = None
    ) -> Neighbours:
        vectors = self._vectors
        if within is None:
            pool = Pool(len(vectors), lambda a, b: vectors[a:b], lambda at: vectors[at])
        else:
            ids = within
            pool = Pool(len(ids), lambda a, b: vectors[ids[a:b]], lambda at: vectors[ids[at]], ids)
        return search(pool, queries, k, exclude, self._metric)


def search(pool: Pool, queries: Floats, k: int, exclude: Ids | None, metric: Metric) -> Neighbours:
    """The k best of `pool` for each query; arguments as in `Retriever.nearest`.

    Vectors of the pool are of length one under 'cosine'; queries need not be.
    """
    total = len(queries)
    if total == 0 or pool.count == 0 or k <= 0:
        return Neighbours.none(total, max(k, 0))
    queries = normalised(queries) if metric == "cosine" else np.asarray(queries, np.float32)
    left_out = np.full(total, -1, np.int64) if exclude is None else pool.positions(exclude)
    width = min(k + SPARE, pool.count)
    positions = np.full((total, width), -1, np.int64)
    scores = np.full((total, width), -np.inf, np.float32)
    columns = max(LEAST_COLUMNS, SCORES_PER_BLOCK // min(total, QUERY_BLOCK))
    for start in range(0, pool.count, columns):
        block = pool.block(start, min(start + columns, pool.count))
        penalty = np.einsum("nd,nd->n", block, block) if metric == "l2" else None
        for low in range(0, total, QUERY_BLOCK):
            rows = slice(low, low + QUERY_BLOCK)
            product = queries[rows] @ block.T
            if penalty is not None:
                product *= 2
                product -= penalty
            _leave_out(product, left_out[rows] - start)
            _merge(product, start, positions[rows], scores[rows])
    return _ranked(pool, queries, positions, k, metric)


def _leave_out(product: Floats, columns: Ids) -> None:
    rows = np.flatnonzero((columns >= 0) & (columns < product.shape[1]))
    product[rows, columns[rows]] = -np.inf


def _merge(product: Floats, start: int, positions: Ids, scores: Floats) -> None:
    """Takes what is better in `product` [b, columns] into the shortlist, in place."""
    count, width = scores.shape
    bound = np.maximum(_reached(product, width), scores[:, -1])
    rows, columns = np.nonzero((product >= bound[:, None]) & (product > -np.inf))
    if rows.size == 0:
        return
    found = np.bincount(rows, minlength=count)
    slot = np.arange(rows.size) - np.repeat(np.cumsum(found) - found, found)
    more = int(found.max())
    all_scores = np.full((count, width + more), -np.inf, np.float32)
    all_positions = np.full((count, width + more), -1, np.int64)
    all_scores[:, :width] = scores
    all_positions[:, :width] = positions
    all_scores[rows, width + slot] = product[rows, columns]
    all_positions[rows, width + slot] = columns + start
    # Stable, and older positions are lower: equal scores keep the lower entry first.
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :width]
    scores[:] = np.take_along_axis(all_scores, order, axis=1)
    positions[:] = np.take_along_axis(all_positions, order, axis=1)


def _reached(product: Floats, width: int) -> Floats:
    """A score per row that at least `width` columns reach; -inf where there are not as many."""
    count, columns = product.shape
    groups = max(512, 4 * width)
    deep = columns // groups
    if columns <= width:
        return np.full(count, -np.inf, np.float32)
    if deep >= 2:
        best = product[:, : deep * groups].reshape(count, deep, groups).max(axis=1)
    else:
        best = product
    kth: Floats = np.partition(best, best.shape[1] - width, axis=1)[:, best.shape[1] - width]
    return kth


def _ranked(pool: Pool, queries: Floats, positions: Ids, k: int, metric: Metric) -> Neighbours:
    """The shortlist scored again in float64 and cut to k, ties by entry id."""
    total, width = positions.shape
    answer = Neighbours.none(total, k)
    kept = min(k, width)
    step = max(1, RESCORED_AT_ONCE // (width * queries.shape[1]))
    for low in range(0, total, step):
        part = slice(low, low + step)
        at = positions[part]
        exact = similarities(queries[part], pool.take(np.maximum(at, 0)), metric)
        exact[at < 0] = -np.inf
        by_id = np.argsort(np.where(at < 0, pool.count, at), axis=1)
        by_score = np.argsort(-np.take_along_axis(exact, by_id, axis=1), axis=1, kind="stable")
        order = np.take_along_axis(by_id, by_score, axis=1)[:, :kept]
        answer.entries[part, :kept] = pool.entries(np.take_along_axis(at, order, axis=1))
        answer.similarities[part, :kept] = np.take_along_axis(exact, order, axis=1)
    return answer


def similarities(queries: Floats, vectors: Floats, metric: Metric) -> Floats:
    """Similarity of query i to its own row of vectors: [q, d] and [q, w, d] give float32 [q, w]."""
    exact = queries.astype(np.float64)
    others = vectors.astype(np.float64)
    if metric == "l2":
        apart = others - exact[:, None, :]
        found = -np.sqrt(np.einsum("qwd,qwd->qw", apart, apart))
    else:
        found = np.einsum("qd,qwd->qw", exact, others)
    if metric == "cosine":
        found = np.clip(found, -1, 1)
    nearness: Floats = found.astype(np.float32)
    return nearness
