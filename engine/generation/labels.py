"""Labels as a trie of their tokens: one short pass behind the prompt scores all of them.

Labels that begin alike share their first tokens. The model's distribution is asked for where the
trie branches, and only there; what lies between is certain once the labels are all there is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augursql.errors import InvalidValueError

ROOT = -1


@dataclass(frozen=True, slots=True)
class Branching:
    """A place of the trie where the model decides between c children.

    fed: the number of the fed node whose logits decide, ROOT for those of the prompt's last token.
    children: the token ids of each child; several only where a label ends, any of the end ids.
    labels, under: the labels [m] behind this place, and the child [m] that each lies under.
    """

    fed: int
    children: tuple[tuple[int, ...], ...]
    labels: NDArray[np.int64]
    under: NDArray[np.int64]

    def scores(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits of the children [n, c] from those of the vocabulary [n, vocabulary]."""
        columns = [logits[:, list(ids)].astype(np.float64) for ids in self.children]
        return np.stack([np.logaddexp.reduce(some, axis=1) for some in columns], axis=1)


class LabelTrie:
    """The trie of L labels, and the t tokens that must follow the prompt to score them.

    tokens, parents, depths: int64 [t], a parent before its children; parent ROOT is the prompt.
    Depth 1 follows the prompt's last token directly, so a node's position is the length of the
    prompt + depth - 1. attends: bool [t, t], which fed nodes a node sees, itself among them.
    branchings: where the model decides.
    """

    def __init__(
        self, labels: Sequence[str], tokens: Sequence[Sequence[int]], end_ids: Collection[int]
    ) -> None:
        """`tokens`: the ids of each label; `end_ids` end an answer, where a label begins another.

        Raises InvalidValueError when two labels have the same tokens, or none is given.
        """
        if not labels:
            raise InvalidValueError("There are no labels to choose from.")
        paths = [tuple(ids) for ids in tokens]
        _check_distinct(labels, paths)
        self.count = len(paths)
        ends = tuple(sorted(end_ids))
        behind = _labels_behind(paths)
        decisions = {prefix: _children(prefix, behind[prefix], paths) for prefix in behind}
        decisions = {prefix: under for prefix, under in decisions.items() if len(set(under)) > 1}
        needed = {prefix[:n] for prefix in decisions for n in range(1, len(prefix) + 1)}
        fed = sorted(needed, key=lambda prefix: (len(prefix), min(behind[prefix])))
        numbers = {prefix: number for number, prefix in enumerate(fed)}
        self.tokens = np.array([prefix[-1] for prefix in fed], np.int64)
        self.depths = np.array([len(prefix) for prefix in fed], np.int64)
        self.parents = np.array([numbers.get(prefix[:-1], ROOT) for prefix in fed], np.int64)
        self.attends = _attends(self.parents)
        self.branchings = tuple(
            _branching(numbers.get(prefix, ROOT), behind[prefix], under, ends)
            for prefix, under in sorted(decisions.items(), key=lambda item: len(item[0]))
        )

    def probabilities(
        self, log_probabilities: Sequence[NDArray[np.floating]], rows: int
    ) -> NDArray[np.float64]:
        """The probability of each label, float64 [rows, L]; each row sums to 1.

        `log_probabilities`: one array [rows, children] for each branching, in their order, up to a
        constant of the row, so logits will do. A single label needs none.
        """
        logs = np.zeros((rows, self.count))
        for branching, scores in zip(self.branchings, log_probabilities, strict=True):
            logs[:, branching.labels] += _log_softmax(scores)[:, branching.under]
        return np.exp(logs)


def _check_distinct(labels: Sequence[str], paths: list[tuple[int, ...]]) -> None:
    first: dict[tuple[int, ...], str] = {}
    for label, path in zip(labels, paths, strict=True):
        if path in first:
            raise InvalidValueError(
                f"The labels {first[path]!r} and {label!r} have the same tokens for this model.",
                hint="Give them names that differ in more than white space or rare characters.",
            )
        first[path] = label


def _labels_behind(paths: list[tuple[int, ...]]) -> dict[tuple[int, ...], list[int]]:
    """For each prefix of a label's tokens, the labels that begin with it."""
    behind: dict[tuple[int, ...], list[int]] = {}
    for label, path in enumerate(paths):
        for length in range(len(path) + 1):
            behind.setdefault(path[:length], []).append(label)
    return behind


def _children(
    prefix: tuple[int, ...], labels: list[int], paths: list[tuple[int, ...]]
) -> list[int | None]:
    """The token by which each label goes on behind `prefix`, None where it ends there."""
    at = len(prefix)
    return [paths[label][at] if len(paths[label]) > at else None for label in labels]


def _branching(
    fed: int, labels: list[int], under: list[int | None], ends: tuple[int, ...]
) -> Branching:
    if None in under and not ends:
        raise InvalidValueError(
            "A label begins with another one, and the model has no token to end an answer.",
            hint="Choose labels none of which begins another.",
        )
    children = {child: number for number, child in enumerate(dict.fromkeys(under))}
    ids = tuple(ends if child is None else (child,) for child in children)
    places = np.array([children[child] for child in under], np.int64)
    return Branching(fed, ids, np.array(labels, np.int64), places)


def _attends(parents: NDArray[np.int64]) -> NDArray[np.bool_]:
    attends = np.eye(len(parents), dtype=bool)
    for node, parent in enumerate(parents):
        if parent != ROOT:
            attends[node] |= attends[parent]
    return attends


def _log_softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
