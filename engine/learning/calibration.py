"""Probabilities that mean what they say: temperature scaling.

Guo et al. (2017), arXiv:1706.04599. The temperature is fitted on scores of examples that the model
which gave them was not trained on.
"""

from collections.abc import Callable

import numpy as np

from augursql.engine.learning.examples import Doubles, Floats, Ids

LEAST, MOST = 0.25, 10.0  # few separable examples must not end in certainty
STEPS = 18
ENOUGH = 20_000


def softmax(scores: Floats | Doubles, temperature: float = 1.0) -> Doubles:
    """Rows of [q, C] to probabilities, float64, summing to one."""
    scaled = scores.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(scores: Floats | Doubles, labels: Ids, rows: Doubles) -> tuple[float, float]:
    """The temperature of least log loss, and that log loss.

    `scores` [m, C], `labels` int64 [m], `rows` float64 [m] weights. More than 20,000 rows are
    thinned evenly. 1.0 where there is nothing to fit.
    """
    if len(labels) == 0:
        return 1.0, 0.0
    thin = slice(None, None, -(-len(labels) // ENOUGH))
    labels, rows = labels[thin], rows[thin]
    shifted = scores[thin].astype(np.float32)
    shifted -= shifted.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels].astype(np.float64)
    buffer = np.empty_like(shifted)

    def loss(log_temperature: float) -> float:
        sharpness = float(np.exp(-log_temperature))
        np.multiply(shifted, np.float32(sharpness), out=buffer)
        np.exp(buffer, out=buffer)
        nats = np.log(buffer.sum(axis=1, dtype=np.float64)) - own * sharpness
        return float(np.average(nats, weights=rows))

    best = least(loss, float(np.log(LEAST)), float(np.log(MOST)))
    return float(np.exp(best)), loss(best)


def least(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a unimodal function is least between low and high: golden-section search."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2
