"""The small parts of inference: batches, poolings, tokens, cores, ranges."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augursql.engine.inference.batching import pack, slices
from augursql.engine.inference.pooling import normalized, pool, pooling_weights
from augursql.engine.inference.ranges import fixed_forms
from augursql.engine.inference.tokenizer import Tokenizer
from augursql.engine.repository.store import Artifact
from augursql.engine.runtime.cores import available_cores
from augursql.errors import ModelError


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 600))
def test_batches_hold_every_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = pack(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= budget
    longest = [max(lengths[i] for i in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_texts_of_a_length_share_a_batch() -> None:
    assert pack([3, 100, 3, 100, 3], 200) == [[1, 3], [0, 2, 4]]


@given(st.lists(st.text(max_size=8), max_size=100), st.integers(1, 40))
def test_slices_run_from_long_to_short(texts: list[str], size: int) -> None:
    places = [int(i) for part in slices(texts, size) for i in part]
    assert sorted(places) == list(range(len(texts)))
    lengths = [len(texts[i]) for i in places]
    assert lengths == sorted(lengths, reverse=True)
    assert all(len(part) <= size for part in slices(texts, size))


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [1.5, 5.0]), ("cls", [1.0, 5.0]), ("last", [2.0, 5.0])]
)
def test_pooling_ignores_padding(pooling: str, expected: list[float]) -> None:
    states = np.array([[[1.0], [2.0], [99.0]], [[5.0], [99.0], [99.0]]], dtype=np.float32)
    weights = pooling_weights(pooling, np.array([2, 1]), 3)
    assert pool(states, weights)[:, 0].tolist() == expected


def test_normalisation_leaves_zeros() -> None:
    rows = normalized(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 0.0]])


def test_tokens_are_counted_before_truncation(artifact: Artifact) -> None:
    tokens = Tokenizer(artifact).tokenize(["w1 w2", "", " ".join(["w7"] * 100)])
    assert tokens.counts.tolist() == [4, 2, 102]
    assert tokens.ids[0] == [1, 5, 6, 2]
    assert tokens.ids[1] == [1, 2]
    assert tokens.ids[2] == [1, *[11] * 62, 2]


def test_of_a_huge_text_only_the_head_is_read(artifact: Artifact) -> None:
    tokens = Tokenizer(artifact).tokenize(["w7 " * 3_000_000, "w1" + " " * 100_000 + "w2"])
    assert tokens.ids[0] == [1, *[11] * 62, 2]
    assert 2_900_000 < tokens.counts[0] < 3_100_000
    assert tokens.ids[1] == [1, 5, 6, 2]


def test_an_unreadable_tokenizer(artifact: Artifact) -> None:
    artifact.file("tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="not a tokenizer"):
        Tokenizer(artifact)


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("files", "bound"),
    [
        ({}, 1024),
        ({"sys/cpu.max": "max 100000"}, 1024),
        ({"sys/cpu.max": "100000 100000"}, 1),
        ({"sys/cpu.max": "150000 100000"}, 2),
        ({"sys/cpu.max": "5000 100000"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/a/cpu.max": "100000 100000"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/a/b/cpu.max": "100000 100000"}, 1),
        ({"sys/cpu/cpu.cfs_quota_us": "100000", "sys/cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"sys/cpu/cpu.cfs_quota_us": "-1", "sys/cpu/cpu.cfs_period_us": "100000"}, 1024),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/pod\n2:memory:/x\n",
                "sys/cpu,cpuacct/pod/cpu.cfs_quota_us": "50000",
                "sys/cpu,cpuacct/pod/cpu.cfs_period_us": "100000",
            },
            1,
        ),
    ],
)
def test_cores_respect_the_container(tmp_path: Path, files: dict[str, str], bound: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_cores(tmp_path / "proc", tmp_path / "sys") == min(CORES, bound)


def test_an_input_with_rare_large_rows_gets_a_scale_per_row() -> None:
    random = np.random.default_rng(0)
    even = random.normal(size=(200, 16)).astype(np.float32)
    rare = even.copy()
    rare[7] *= 100
    weights = {"even": np.ones(16, np.float32), "rare": np.ones(16, np.float32)}
    forms = fixed_forms(lambda: [{"even": even, "rare": rare}], weights, 3.5)
    assert set(forms) == {"even"}
    form = forms["even"]
    stored = np.clip(np.round(even / form.divisor / form.scale) + form.zero, 0, 255)
    restored = (stored - form.zero) * form.scale * form.divisor
    assert np.abs(restored - even).max() < 0.05
