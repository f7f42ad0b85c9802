"""Features in which classes are easier to tell apart: centred, and partly whitened within classes.

Directions in which texts of one class vary say little about the class. Scaling each direction of
the within-class covariance (Fisher, 1936) by variance^(-strength / 2) damps them; shrinking the
covariance towards the identity keeps small samples from deciding what varies.
"""

from dataclasses import dataclass

import numpy as np

from augursql.engine.learning.examples import Doubles, Examples, Floats

SHRINKAGE = 0.1
INDICATORS_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True)
class Whitening:
    """Feature of x: (x - mean) @ matrix. `mean` float32 [d], `matrix` float32 [d, d]."""

    mean: Floats
    matrix: Floats

    def features(self, vectors: Floats) -> Floats:
        """float32 [n, d] of float32 [n, d]."""
        features: Floats = np.matmul(vectors - self.mean, self.matrix).astype(np.float32)
        return features

    def unfolded(self, weights: Floats) -> Floats:
        """Weights [C, d + 1] on features as weights on vectors, the intercept last in both."""
        plain = weights[:, :-1] @ self.matrix.T
        intercept = weights[:, -1] - plain @ self.mean
        return np.concatenate([plain, intercept[:, None]], axis=1).astype(np.float32)


def whiten(vectors: Floats, examples: Examples, strength: float) -> Whitening:
    """Fitted on `vectors` float32 [n, d] of the examples; strength 0 only centres and scales.

    Features have a within-class variance of one in sum, whatever the encoder's scale.
    """
    mean: Floats = vectors.mean(axis=0)
    values, directions = np.linalg.eigh(_within(vectors - mean, examples))
    values = np.maximum(values, 0)
    total, width = float(values.sum()), len(mean)
    if total <= 0:
        return Whitening(mean, np.eye(width, dtype=np.float32))
    floor = (SHRINKAGE + width / len(vectors)) * total / width
    scales = (values + floor) ** (-strength / 2)
    scales /= np.sqrt(float((scales**2 * values).sum()))
    if strength == 0:
        return Whitening(mean, (np.eye(width) * scales[0]).astype(np.float32))
    return Whitening(mean, (directions * scales).astype(np.float32))


def _within(centred: Floats, examples: Examples) -> Doubles:
    """The within-class covariance [d, d], rows of an example shared out over its labels."""
    rows = np.bincount(examples.example, examples.rows, examples.count).astype(np.float32)
    sums = _sums(centred, examples)
    per_class = np.maximum(examples.prior, 1e-12).astype(np.float32)
    scatter = (centred * rows[:, None]).T @ centred - sums.T @ (sums / per_class[:, None])
    covariance: Doubles = scatter.astype(np.float64) / float(examples.rows.sum())
    return covariance


def _sums(centred: Floats, examples: Examples) -> Floats:
    """The sum of each class's rows, float32 [C, d]: products with blocks of indicator matrices."""
    sums = np.zeros((examples.classes, centred.shape[1]), np.float32)
    block = max(1, INDICATORS_AT_ONCE // examples.classes)
    for start in range(0, examples.count, block):
        stop = min(start + block, examples.count)
        first, last = np.searchsorted(examples.example, (start, stop))
        part = slice(int(first), int(last))
        indicators = np.zeros((examples.classes, stop - start), np.float32)
        indicators[examples.label[part], examples.example[part] - start] = examples.rows[part]
        sums += indicators @ centred[start:stop]
    return sums
