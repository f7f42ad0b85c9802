"""Random entries: distinct, allowed, and the same for the same query in any batch."""

import numpy as np
import pytest

from augursql.engine.retrieval.random import RandomRetriever

SOME = np.random.default_rng(0).standard_normal((200, 4), dtype=np.float32)


@pytest.mark.parametrize("count", [1, 4, 30, 100, 5_000])
def test_distinct_and_allowed(count: int) -> None:
    exclude = np.arange(200) % count
    found = RandomRetriever(count).nearest(SOME, 8, exclude)
    for row, left_out in zip(found.entries, exclude, strict=True):
        drawn = row[row >= 0]
        assert len(drawn) == min(8, count - 1) == len(set(drawn))
        assert left_out not in drawn
        assert np.all(drawn < count)
    assert np.all(found.similarities[found.entries >= 0] == 0)
    assert np.all(np.isneginf(found.similarities[found.entries < 0]))


@pytest.mark.parametrize("pool", [5, 40, 900])
def test_only_within(pool: int) -> None:
    within = np.arange(0, pool * 3, 3)
    exclude = np.where(np.arange(200) % 2 == 0, within[0], 1)
    found = RandomRetriever(pool * 3).nearest(SOME, 4, exclude, within)
    assert np.all(np.isin(found.entries, within))
    assert not np.any(found.entries[::2] == within[0])


@pytest.mark.parametrize("count", [50, 5_000])
def test_neither_batch_nor_order_matters_but_seed_and_key_do(count: int) -> None:
    keys = np.arange(200, dtype=np.uint64)
    retriever = RandomRetriever(count, seed=1)
    together = retriever.nearest(SOME, 5, keys=keys).entries
    alone = retriever.nearest(SOME[7:8], 5, keys=keys[7:8]).entries
    assert np.array_equal(alone[0], together[7])
    assert not np.array_equal(together[7], together[8])
    other = RandomRetriever(count, seed=2).nearest(SOME, 5, keys=keys).entries
    assert not np.array_equal(other, together)
    unnamed = retriever.nearest(SOME, 5).entries
    assert np.array_equal(unnamed[::-1], retriever.nearest(SOME[::-1], 5).entries)


def test_every_entry_is_as_likely() -> None:
    keys = np.arange(20_000, dtype=np.uint64)
    queries = np.zeros((20_000, 1), np.float32)
    for count in (20, 200):
        drawn = RandomRetriever(count).nearest(queries, 5, keys=keys).entries
        times = np.bincount(drawn.ravel(), minlength=count)
        assert abs(times / times.mean() - 1).max() < 0.3
