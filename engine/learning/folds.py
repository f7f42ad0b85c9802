"""Splits for cross-validation: stratified, seeded, over examples.

Examples are distinct texts, so duplicates are never on both sides of a split.
"""

import numpy as np

from augursql.engine.learning.examples import Doubles, Ids

VALUE_STRATA = 10


def stratified(labels: Ids, folds: int, seed: int) -> Ids:
    """The fold of each example, int64 [n] in 0..k-1, k = min(folds, n).

    `labels` int64 [n]. Sizes differ by one at most, and so does each class's share of a fold.
    """
    count = len(labels)
    k = max(1, min(folds, count))
    shuffled = np.random.default_rng(seed).permutation(count)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(count, np.int64)
    fold[by_class] = np.arange(count) % k
    return fold


def stratified_values(values: Doubles, folds: int, seed: int) -> Ids:
    """As `stratified`, over tenths of the values' range in rank."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return stratified(ranks * VALUE_STRATA // max(1, len(values)), folds, seed)
