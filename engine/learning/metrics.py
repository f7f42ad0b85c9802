"""How good predictions are. Metrics take whole columns; `rows` are weights, one by default."""

from collections.abc import Mapping

import numpy as np

from augursql.engine.learning.examples import Doubles, Ids

BINS = 15
SMALLEST = 1e-12


def classification(
    probabilities: Doubles, labels: Ids, rows: Doubles | None = None
) -> Mapping[str, float]:
    """Accuracy, macro F1, log loss, calibration error of [m, C] against int64 [m]."""
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": accuracy(predicted, labels, rows),
        "macro_f1": macro_f1(predicted, labels, probabilities.shape[1], rows),
        "log_loss": log_loss(probabilities, labels, rows),
        "calibration_error": calibration_error(probabilities, labels, rows),
    }


def regression(
    predicted: Doubles, values: Doubles, rows: Doubles | None = None
) -> Mapping[str, float]:
    """MAE, RMSE, R2 and Spearman's rank correlation of float64 [m] against float64 [m]."""
    error = predicted - values
    spread = values - np.average(values, weights=rows)
    squares = float(np.average(error**2, weights=rows))
    variance = float(np.average(spread**2, weights=rows))
    return {
        "mae": float(np.average(np.abs(error), weights=rows)),
        "rmse": squares**0.5,
        "r2": 1 - squares / variance if variance > 0 else 0.0,
        "spearman": spearman(predicted, values),
    }


def accuracy(predicted: Ids, labels: Ids, rows: Doubles | None = None) -> float:
    """The share of rows whose label is predicted."""
    return float(np.average(predicted == labels, weights=rows))


def macro_f1(predicted: Ids, labels: Ids, classes: int, rows: Doubles | None = None) -> float:
    """The mean of F1 over classes that occur among labels or predictions."""
    weights = np.ones(len(labels)) if rows is None else rows
    right = np.bincount(labels, weights * (predicted == labels), classes)
    both = np.bincount(labels, weights, classes) + np.bincount(predicted, weights, classes)
    occurs = both > 0
    return float(np.mean(2 * right[occurs] / both[occurs]))


def log_loss(probabilities: Doubles, labels: Ids, rows: Doubles | None = None) -> float:
    """The mean of -ln p(label), p no less than 1e-12."""
    given = probabilities[np.arange(len(labels)), labels]
    return float(np.average(-np.log(np.maximum(given, SMALLEST)), weights=rows))


def calibration_error(probabilities: Doubles, labels: Ids, rows: Doubles | None = None) -> float:
    """Expected calibration error: |accuracy - confidence|, averaged over 15 bins of confidence.

    Naeini et al. (2015), as in Guo et al. (2017), arXiv:1706.04599.
    """
    weights = np.ones(len(labels)) if rows is None else rows
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weights * (right - confidence), BINS)
    return float(np.abs(gap).sum() / weights.sum())


def spearman(first: Doubles, second: Doubles) -> float:
    """Pearson's correlation of ranks, ties at their mean rank; 0 where one side is constant."""
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def _ranks(values: Doubles) -> Doubles:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Doubles = (last - (counts - 1) / 2)[place]
    return ranks
