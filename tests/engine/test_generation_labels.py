"""Labels scored along a trie: the chain rule over the places where labels part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from augursql.engine.generation.labels import ROOT, LabelTrie
from augursql.errors import InvalidValueError

VOCABULARY = 12
ENDS = (10, 11)


def _model(prefix: tuple[int, ...], rows: int) -> NDArray[np.float32]:
    """Logits [rows, vocabulary] of a model that has read the prompt and `prefix`."""
    random = np.random.default_rng([1, *prefix])
    return random.normal(size=(rows, VOCABULARY)).astype(np.float32) * 3


def _scored(trie: LabelTrie, rows: int) -> NDArray[np.float64]:
    """What the model pass does: read the fed tokens, then ask each branching."""
    prefixes: list[tuple[int, ...]] = []
    for number in range(len(trie.tokens)):
        seen = np.flatnonzero(trie.attends[number])
        ordered = seen[np.argsort(trie.depths[seen])]
        prefixes.append(tuple(trie.tokens[ordered].tolist()))
    scores = [
        b.scores(_model(() if b.fed == ROOT else prefixes[b.fed], rows)) for b in trie.branchings
    ]
    return trie.probabilities(scores, rows)


def _expected(paths: list[tuple[int, ...]], rows: int) -> NDArray[np.float64]:
    """By following each label alone, with a softmax over what some label allows at each step."""
    chances = np.ones((rows, len(paths)))
    for column, path in enumerate(paths):
        for at in range(len(path) + 1):
            step = path[at] if at < len(path) else None
            others = {
                p[at] if len(p) > at else None for p in paths if p[:at] == path[:at]
            }  # fmt: skip
            masses = {
                o: np.exp(_model(path[:at], rows)[:, list(ENDS) if o is None else [o]]).sum(axis=1)
                for o in others
            }
            chances[:, column] *= masses[step] / sum(masses.values())
    return chances


PATHS = st.lists(
    st.lists(st.integers(0, 3), max_size=5).map(tuple), min_size=1, max_size=12, unique=True
)


@given(PATHS, st.integers(1, 3))
def test_probabilities_follow_the_chain_rule(paths: list[tuple[int, ...]], rows: int) -> None:
    trie = LabelTrie([str(p) for p in paths], paths, ENDS)
    probabilities = _scored(trie, rows)
    assert probabilities.shape == (rows, len(paths)) and probabilities.dtype == np.float64
    assert np.allclose(probabilities, _expected(paths, rows), rtol=1e-4)
    assert np.allclose(probabilities.sum(axis=1), 1)


@given(PATHS)
def test_only_the_ways_to_decisions_are_fed(paths: list[tuple[int, ...]]) -> None:
    trie = LabelTrie([str(p) for p in paths], paths, ENDS)
    nodes = {p[:n] for p in paths for n in range(len(p) + 1)}
    deciding = [
        node
        for node in nodes
        if len({p[: len(node) + 1] for p in paths if p[: len(node)] == node}) > 1
    ]
    needed = {node[:n] for node in deciding for n in range(1, len(node) + 1)}
    assert len(trie.tokens) == len(needed)
    for number, parent in enumerate(trie.parents):
        assert parent < number
        assert trie.depths[number] == (1 if parent == ROOT else trie.depths[parent] + 1)
        assert trie.attends[number, number] and not trie.attends[number, number + 1 :].any()


def test_labels_that_part_at_once_need_no_token() -> None:
    trie = LabelTrie(["good", "bad"], [[1, 7, 7], [2]], ENDS)
    assert len(trie.tokens) == 0 and trie.attends.shape == (0, 0)
    assert [b.fed for b in trie.branchings] == [ROOT]
    assert trie.branchings[0].children == ((1,), (2,))


def test_seventy_seven_labels_share_their_beginnings() -> None:
    paths = [(1, 2, first, 3, last) for first in range(4, 11) for last in range(11)]
    trie = LabelTrie([str(p) for p in paths], paths, ENDS)
    # Behind the prompt: 1, 2, then 7 times a token and 3; the last tokens are never read.
    assert len(trie.tokens) == 2 + 7 * 2
    assert len(trie.branchings) == 1 + 7


def test_a_label_that_begins_another_competes_with_its_end() -> None:
    trie = LabelTrie(["New", "New York"], [[1], [1, 2]], ENDS)
    assert trie.tokens.tolist() == [1]
    assert trie.branchings[0].children == (ENDS, (2,))
    logits = np.full((1, VOCABULARY), -np.inf, np.float32)
    logits[0, [2, 10, 11]] = np.log([0.2, 0.1, 0.3])
    scores = [trie.branchings[0].scores(logits)]
    assert np.allclose(trie.probabilities(scores, 1), [[2 / 3, 1 / 3]])
    with pytest.raises(InvalidValueError, match="begins with another"):
        LabelTrie(["New", "New York"], [[1], [1, 2]], ())


def test_one_label_is_certain() -> None:
    trie = LabelTrie(["only"], [[1, 2]], ENDS)
    assert len(trie.branchings) == 0 and trie.probabilities([], 3).tolist() == [[1], [1], [1]]


def test_labels_that_look_the_same_to_the_model_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="'a' and 'A' have the same tokens"):
        LabelTrie(["a", "b", "A"], [[1], [2], [1]], ENDS)
    with pytest.raises(InvalidValueError, match="no labels"):
        LabelTrie([], [], ENDS)
