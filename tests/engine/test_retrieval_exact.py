"""Exact search against the plain definition: every similarity, sorted."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augursql.engine.retrieval.exact import ExactRetriever
from augursql.engine.retrieval.neighbours import METRICS, Metric, metric_named
from augursql.errors import InvalidValueError

Floats = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


def reference(vectors: Floats, queries: Floats, metric: Metric) -> Doubles:
    vectors, queries = vectors.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    if metric == "l2":
        squares = (queries**2).sum(1)[:, None] + (vectors**2).sum(1) - 2 * queries @ vectors.T
        distances: Doubles = np.sqrt(np.maximum(squares, 0))
        return -distances
    products: Doubles = queries @ vectors.T
    return products


def best(similarities: Doubles, k: int, exclude: Ids, within: Ids) -> Ids:
    """Ids of the k best per row, ties by id, -1 where there are fewer."""
    answer = np.full((len(similarities), k), -1)
    for i, row in enumerate(similarities.astype(np.float32)):
        ranked = sorted((-row[j], j) for j in within if j != exclude[i])[:k]
        answer[i, : len(ranked)] = [j for _, j in ranked]
    return answer


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("count", "total"), [(1, 3), (30, 1), (700, 40), (8_300, 520)])
def test_finds_what_sorting_finds(metric: Metric, count: int, total: int) -> None:
    rng = np.random.default_rng(count)
    vectors = rng.standard_normal((count, 12), dtype=np.float32)
    queries = rng.standard_normal((total, 12), dtype=np.float32)
    found = ExactRetriever(vectors, metric).nearest(queries, 10)
    similarities = reference(vectors, queries, metric)
    k = min(10, count)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    assert np.array_equal(found.entries[:, :k], order)
    assert np.allclose(
        found.similarities[:, :k], np.take_along_axis(similarities, order, 1), atol=1e-5
    )
    assert np.all(found.entries[:, k:] == -1)
    assert np.all(np.isneginf(found.similarities[:, k:]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 60),
    k=st.integers(1, 12),
    metric=st.sampled_from(METRICS),
    restrict=st.booleans(),
)
def test_exclude_within_and_ties(
    seed: int, count: int, k: int, metric: Metric, restrict: bool
) -> None:
    rng = np.random.default_rng(seed)
    # Few distinct directions, so that ties are the rule.
    vectors = rng.integers(1, 3, (count, 2)).astype(np.float32)
    queries = rng.integers(1, 3, (5, 2)).astype(np.float32)
    exclude = rng.integers(-1, count, 5)
    within = np.flatnonzero(rng.random(count) < 0.5) if restrict else np.arange(count)
    found = ExactRetriever(vectors, metric).nearest(
        queries, k, exclude, within if restrict else None
    )
    expected = best(reference(vectors, queries, metric), k, exclude, within)
    assert np.array_equal(found.entries, expected)


def test_a_query_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((9_000, 24), dtype=np.float32)
    vectors[5_000:] = vectors[:4_000]  # exact duplicates across block borders
    queries = rng.standard_normal((700, 24), dtype=np.float32)
    retriever = ExactRetriever(vectors)
    together = retriever.nearest(queries, 6)
    for i in (0, 511, 512, 699):
        alone = retriever.nearest(queries[i : i + 1], 6)
        assert np.array_equal(alone.entries[0], together.entries[i])
        assert np.array_equal(alone.similarities[0], together.similarities[i])


def test_nothing_to_find() -> None:
    retriever = ExactRetriever(np.eye(3, dtype=np.float32))
    empty = np.zeros((0, 3), np.float32)
    assert retriever.nearest(empty, 4).entries.shape == (0, 4)
    nowhere = retriever.nearest(np.ones((2, 3), np.float32), 4, None, np.zeros(0, np.int64))
    assert np.all(nowhere.entries == -1)


def test_zero_vectors_are_similar_to_nothing() -> None:
    vectors = np.array([[0, 0], [1, 0]], np.float32)
    found = ExactRetriever(vectors).nearest(np.array([[2, 0], [0, 0]], np.float32), 2)
    assert found.entries.tolist() == [[1, 0], [0, 1]]
    assert found.similarities.tolist() == [[1, 0], [0, 0]]


def test_unknown_metric_lists_the_known_ones() -> None:
    assert metric_named(" Cosine ") == "cosine"
    with pytest.raises(InvalidValueError, match="cosine, ip, l2"):
        metric_named("manhattan")
