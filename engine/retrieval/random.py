"""Random entries in place of the nearest: the yardstick for what retrieval is worth.

Draws are a hash of (seed, key of the query, number of the draw), so a query's entries depend
neither on its batch nor on the thread that answers it.
"""

import numpy as np
import numpy.typing as npt

from augursql.engine.retrieval.neighbours import Floats, Ids, Neighbours

Keys = npt.NDArray[np.uint64]

DENSE = 64  # a pool of at most DENSE + 4 k entries is ranked as a whole


class RandomRetriever:
    """k random entries out of `count`, without repetition. Every similarity is 0: not measured."""

    def __init__(self, count: int, seed: int = 42) -> None:
        self._count = count
        self._seed = np.uint64(seed & 0xFFFFFFFFFFFFFFFF)

    @property
    def count(self) -> int:
        return self._count

    def nearest(
        self,
        queries: Floats,
        k: int,
        exclude: Ids | None = None,
        within: Ids | None = None,
        keys: Keys | None = None,
    ) -> Neighbours:
        """As `Retriever.nearest`; `keys` uint64 [q] names each query (a hash of its text).

        Without keys the bytes of the query's vector name it.
        """
        total = len(queries)
        pool = self._count if within is None else len(within)
        if total == 0 or pool == 0 or k <= 0:
            return Neighbours.none(total, max(k, 0))
        names = _hashed((_row_keys(queries) if keys is None else keys) ^ _hashed(self._seed))
        banned = np.full(total, -1, np.int64) if exclude is None else exclude
        if within is not None:
            at = np.minimum(np.searchsorted(within, banned), pool - 1)
            banned = np.where(within[at] == banned, at, -1)
        drawn = (
            _ranked(names, k, pool, banned)
            if pool <= DENSE + 4 * k
            else _drawn(names, k, pool, banned)
        )
        answer = Neighbours.none(total, k)
        answer.entries[:, : drawn.shape[1]] = (
            drawn if within is None else np.where(drawn >= 0, within[drawn], -1)
        )
        answer.similarities[answer.entries >= 0] = 0
        return answer


def _ranked(names: Keys, k: int, pool: int, banned: Ids) -> Ids:
    """All of a small pool in random order, the first k."""
    hashes = _hashed(names[:, None] + _numbers(pool))
    rows = np.flatnonzero(banned >= 0)
    hashes[rows, banned[rows]] = np.uint64(0xFFFFFFFFFFFFFFFF)
    order = np.argsort(hashes, axis=1, kind="stable")[:, :k]
    return np.where(order == banned[:, None], -1, order)


def _drawn(names: Keys, k: int, pool: int, banned: Ids) -> Ids:
    """Draws with replacement from a large pool, repetitions dropped, until each row has k."""
    width = k + 16
    while True:
        hashes = _hashed(names[:, None] + _numbers(width))
        draws = (hashes % np.uint64(pool)).astype(np.int64)
        fresh = ~_repeated(draws) & (draws != banned[:, None])
        if np.all(fresh.sum(axis=1) >= k):
            first = np.argsort(~fresh, axis=1, kind="stable")[:, :k]
            return np.take_along_axis(draws, first, axis=1)
        width *= 2


def _repeated(draws: Ids) -> npt.NDArray[np.bool_]:
    """True where the same row holds the same number further left."""
    order = np.argsort(draws, axis=1, kind="stable")
    ordered = np.take_along_axis(draws, order, axis=1)
    again = np.zeros(draws.shape, np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    repeated = np.empty_like(again)
    np.put_along_axis(repeated, order, again, axis=1)
    return repeated


def _row_keys(queries: Floats) -> Keys:
    bits = np.ascontiguousarray(queries, np.float32).view(np.uint32).astype(np.uint64)
    places = _hashed(_numbers(bits.shape[1]))
    keys: Keys = (_hashed(bits) * (places | np.uint64(1))).sum(axis=1, dtype=np.uint64)
    return keys


def _numbers(count: int) -> Keys:
    """1, 2, ... count."""
    return np.arange(1, count + 1).astype(np.uint64)


def _hashed(numbers: Keys | np.uint64) -> Keys:
    """SplitMix64's finaliser (Steele et al., 2014), element by element."""
    z = np.atleast_1d(np.asarray(numbers, np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = z ^ (z >> np.uint64(31))
    return mixed
