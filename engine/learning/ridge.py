"""A linear head for numbers: ridge regression (Hoerl and Kennard, 1970), in closed form.

One eigendecomposition per fold serves every penalty. Rows weigh one each, so an entry weighs as
many as it has rows.
"""

from dataclasses import dataclass

import numpy as np

from augursql.engine.learning.examples import Doubles, Floats, Ids, Values
from augursql.engine.learning.head import Head
from augursql.types import Monitor

PENALTIES = np.logspace(-3, 4, 22)  # in multiples of the features' mean variance


@dataclass(frozen=True, slots=True)
class FittedRidge:
    """A head of one output, and `predicted` float64 [n] by the fold that left each example out."""

    head: Head
    predicted: Doubles
    penalty: float


def fit_ridge(vectors: Floats, values: Values, fold: Ids, monitor: Monitor) -> FittedRidge:
    """The head at the penalty of least RMSE.

    `vectors` float32 [n, d], one row per example; `fold` int64 [n].
    """
    folds = int(fold.max()) + 1
    predicted = np.empty((len(PENALTIES), values.count))
    paths: list[Doubles] = []
    for j in range(folds):
        monitor.check()
        kept, held = np.flatnonzero(fold != j), np.flatnonzero(fold == j)
        path = _path(vectors[kept], values.mean[kept], values.rows[kept])
        predicted[:, held] = path[:, :-1] @ vectors[held].T.astype(np.float64) + path[:, -1:]
        paths.append(path)
    errors = ((predicted[:, values.example] - values.value) ** 2).mean(axis=1)
    best = int(errors.argmin())
    monitor.check()
    whole = _path(vectors, values.mean, values.rows)
    weights = np.stack([path[best][None, :] for path in [whole, *paths]]).astype(np.float32)
    head = Head(weights, values.entries, fold)
    return FittedRidge(head, predicted[best], float(PENALTIES[best]))


def _path(vectors: Floats, means: Doubles, rows: Doubles) -> Doubles:
    """Weights [penalties, d + 1] on vectors, the intercept last."""
    centre = rows.astype(np.float32) @ vectors / np.float32(rows.sum())
    level = float(np.average(means, weights=rows))
    centred = (vectors - centre).astype(np.float32)
    weighted = centred * rows[:, None].astype(np.float32)
    values, directions = np.linalg.eigh((weighted.T @ centred).astype(np.float64))
    values = np.maximum(values, 0)
    scale = values.mean() / rows.sum() or 1.0
    target = directions.T @ (weighted.T @ (means - level).astype(np.float32)).astype(np.float64)
    slopes = (target / (values + PENALTIES[:, None] * scale)) @ directions.T
    path: Doubles = np.concatenate([slopes, level - (slopes @ centre)[:, None]], axis=1)
    return path
