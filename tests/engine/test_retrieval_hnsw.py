"""The graph: near exact, honest about filters, and a cache that is right or not used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from augursql.engine.retrieval import graphfile, hnsw
from augursql.engine.retrieval.choose import choose
from augursql.engine.retrieval.exact import ExactRetriever
from augursql.engine.retrieval.hnsw import GraphOptions, HnswRetriever
from augursql.engine.retrieval.neighbours import METRICS, Floats, Ids, Metric
from augursql.errors import (
    InterruptedStatementError,
    InvalidValueError,
    StorageError,
    UnsupportedError,
)
from augursql.types import SilentMonitor

needs_hnswlib = pytest.mark.skipif(not hnsw.available(), reason="hnswlib is not installed")
OPTIONS = GraphOptions(threads=1)


class Counting(SilentMonitor):
    """Counts what is reported and cancels after `limit` checks."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.advanced, self.checks, self.limit = 0, 0, limit
        self.open = 0

    def begin(self, label: str, total: int | None) -> None:
        self.open += 1

    def end(self) -> None:
        self.open -= 1

    def advance(self, count: int) -> None:
        self.advanced += count

    def check(self) -> None:
        self.checks += 1
        if self.checks > self.limit:
            raise InterruptedStatementError("cancelled")


def clustered(count: int, seed: int = 0, dimensions: int = 24) -> Floats:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, dimensions), dtype=np.float32)
    noise = rng.standard_normal((count, dimensions), dtype=np.float32)
    vectors: Floats = centres[rng.integers(0, 40, count)] + 0.4 * noise
    return vectors


@pytest.fixture(scope="module")
def graph() -> HnswRetriever:
    return hnsw.build(clustered(3_000), 3_000, OPTIONS, SilentMonitor())


def recall(found: Ids, expected: Ids) -> float:
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(found, expected, strict=True)])) / 10


@needs_hnswlib
@pytest.mark.parametrize("metric", METRICS)
def test_agrees_with_exact_search(metric: Metric) -> None:
    vectors, queries = clustered(3_000), clustered(200, seed=1)
    graph = hnsw.build(vectors, 3_000, replace(OPTIONS, metric=metric), SilentMonitor())
    found = graph.nearest(queries, 10)
    expected = ExactRetriever(vectors, metric).nearest(queries, 10)
    assert recall(found.entries, expected.entries) >= 0.98
    same = found.entries == expected.entries
    assert np.allclose(found.similarities[same], expected.similarities[same], atol=1e-3)
    assert np.all(np.diff(found.similarities, axis=1) <= 0)


@needs_hnswlib
@pytest.mark.parametrize("share", [0.0005, 0.02, 0.6, 1.0])
def test_a_filter_leaves_k_rows_where_k_match(graph: HnswRetriever, share: float) -> None:
    rng = np.random.default_rng(3)
    within = np.sort(rng.choice(3_000, max(1, int(3_000 * share)), replace=False))
    queries, exclude = clustered(50, seed=2), rng.integers(-1, 3_000, 50)
    found = graph.nearest(queries, 10, exclude, within)
    expected = ExactRetriever(clustered(3_000)).nearest(queries, 10, exclude, within)
    assert np.array_equal(found.entries < 0, expected.entries < 0)
    assert np.mean(found.entries == expected.entries) >= 0.98
    assert not np.any(found.entries == np.where(exclude >= 0, exclude, -2)[:, None])


@needs_hnswlib
def test_a_wide_filter_over_a_large_graph_is_searched_in_the_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hnsw, "GATHERED_BELOW", 100)
    vectors, queries = clustered(3_000), clustered(300, seed=5)
    graph = hnsw.build(vectors, 3_000, OPTIONS, SilentMonitor())
    for share in (0.3, 0.9):
        within = np.flatnonzero(np.random.default_rng(4).random(3_000) < share)
        found = graph.nearest(queries, 10, None, within)
        expected = ExactRetriever(vectors).nearest(queries, 10, None, within)
        assert np.all(found.entries >= 0)
        assert np.all(np.isin(found.entries, within))
        assert recall(found.entries, expected.entries) >= 0.98


@needs_hnswlib
def test_excluded_entries_do_not_cost_a_neighbour(graph: HnswRetriever) -> None:
    vectors = clustered(3_000)
    own = np.arange(40)
    found = graph.nearest(vectors[:40], 5, own)
    assert np.all(found.entries >= 0)
    assert not np.any(found.entries == own[:, None])
    assert np.array_equal(graph.nearest(vectors[:40], 1).entries[:, 0], own)


@needs_hnswlib
def test_more_neighbours_than_entries() -> None:
    vectors = np.eye(4, dtype=np.float32)
    graph = hnsw.build(vectors, 4, OPTIONS, SilentMonitor())
    found = graph.nearest(vectors[:2], 6, np.array([0, -1]))
    assert (found.entries >= 0).sum(axis=1).tolist() == [3, 4]


@needs_hnswlib
def test_identical_vectors_still_give_k_entries() -> None:
    vectors = np.ones((500, 8), np.float32)
    graph = hnsw.build(vectors, 500, OPTIONS, SilentMonitor())
    assert np.all(graph.nearest(vectors[:3], 20, np.array([0, 1, 2])).entries >= 0)


@needs_hnswlib
def test_blocks_make_the_same_graph_as_one_matrix_and_report_progress() -> None:
    vectors, monitor = clustered(1_500), Counting()
    whole = hnsw.build(vectors, 1_500, OPTIONS, monitor)
    blocks = (vectors[i : i + 512] for i in range(0, 1_500, 512))
    parts = hnsw.build(blocks, 1_500, OPTIONS, SilentMonitor())
    queries = clustered(100, seed=9)
    assert np.array_equal(whole.nearest(queries, 10).entries, parts.nearest(queries, 10).entries)
    assert (monitor.advanced, monitor.open) == (1_500, 0)


@needs_hnswlib
def test_a_build_can_be_cancelled() -> None:
    monitor = Counting(limit=1)
    with pytest.raises(InterruptedStatementError):
        hnsw.build(clustered(2_000), 2_000, OPTIONS, monitor)
    assert monitor.open == 0


@needs_hnswlib
@pytest.mark.parametrize("announced", [10, 2_000])
def test_a_build_refuses_another_number_of_vectors(announced: int) -> None:
    with pytest.raises(InvalidValueError, match="announced"):
        hnsw.build(clustered(1_000), announced, OPTIONS, SilentMonitor())
    with pytest.raises(InvalidValueError, match="at least one"):
        hnsw.build(iter(()), 0, OPTIONS, SilentMonitor())


@pytest.mark.parametrize(
    "options", [GraphOptions(m=1), GraphOptions(ef_construction=0), GraphOptions(m=1_000)]
)
def test_options_out_of_range(options: GraphOptions) -> None:
    with pytest.raises(InvalidValueError):
        hnsw.build(clustered(10), 10, options, SilentMonitor())


@needs_hnswlib
def test_saved_and_loaded(graph: HnswRetriever, tmp_path: Path) -> None:
    path = tmp_path / "made" / "hotels.hnsw"
    stamp = graphfile.save(graph, path, "hotels", 3)
    assert (stamp.index_id, stamp.version, stamp.count, stamp.dimensions) == (
        "hotels",
        3,
        3_000,
        24,
    )
    assert (stamp.metric, stamp.m, stamp.ef_construction) == ("cosine", 16, 200)
    assert [p.name for p in path.parent.iterdir()] == ["hotels.hnsw"]
    loaded = graphfile.load(path, stamp)
    assert loaded is not None
    queries = clustered(50, seed=7)
    assert np.array_equal(loaded.nearest(queries, 5).entries, graph.nearest(queries, 5).entries)


@needs_hnswlib
def test_a_bad_file_is_no_graph(graph: HnswRetriever, tmp_path: Path) -> None:
    path = tmp_path / "g.hnsw"
    stamp = graphfile.save(graph, path, "hotels", 1)
    content = path.read_bytes()
    assert graphfile.load(tmp_path / "missing", stamp) is None
    assert graphfile.load(tmp_path, stamp) is None
    for other in (
        replace(stamp, count=2_999),
        replace(stamp, dimensions=25),
        replace(stamp, metric="l2"),
        replace(stamp, version=2),
        replace(stamp, index_id="motels"),
    ):
        assert graphfile.load(path, other) is None
    for damaged in (b"", b"garbage", content[:-100], content[:500] + b"\xff" + content[501:]):
        path.write_bytes(damaged)
        assert graphfile.load(path, stamp) is None


@needs_hnswlib
def test_a_failed_save_leaves_nothing(graph: HnswRetriever, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StorageError):
        graphfile.save(graph, blocked / "g.hnsw", "hotels", 1)
    assert blocked.read_text() == "not a folder"


def test_without_hnswlib_exact_search_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hnsw, "available", lambda: False)
    assert choose(10_000_000, 20_000).method == "exact"
    assert "not installed" in choose(10_000_000, 20_000).why
    with pytest.raises(UnsupportedError, match="pip install hnswlib"):
        hnsw.build(clustered(10), 10, OPTIONS, SilentMonitor())


def test_size_decides() -> None:
    assert choose(19_999, 20_000).method == "exact"
    if hnsw.available():
        assert choose(20_000, 20_000).method == "hnsw"
