"""Multinomial logistic regression with an L2 penalty, fitted by preconditioned L-BFGS.

The Hessian is bounded by 1/2 (I - 11'/C) x X'X (Boehning, 1992); its shape, X'X, is known before
the first step and takes the conditioning out of the problem. So parameters are optimised in
coordinates in which (X'X / C + penalty) is the identity, by L-BFGS (Liu and Nocedal, 1989), in
float32, full batch. Logits are kept [C, n]: reductions over classes then run along contiguous
memory.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augursql.engine.learning.examples import Doubles, Floats, Ids
from augursql.types import Monitor

INTERCEPT_PENALTY = 1e-3  # in rows: finite where a class is never or always right
MEMORY = 10
MOST_STEPS = 60
LOGITS_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True)
class Problem:
    """What is fitted: `features` float32 [n, d] and weighted labels of them.

    `example` int64 [p] (sorted), `label` int64 [p], `weight` float32 [p]; an example may have
    several labels.
    """

    features: Floats
    example: Ids
    label: Ids
    weight: Floats
    classes: int

    @property
    def total(self) -> float:
        return float(self.weight.sum(dtype=np.float64))

    @property
    def example_weight(self) -> Floats:
        """The sum of each example's weights, float32 [n]."""
        sums = np.bincount(self.example, self.weight, len(self.features))
        return sums.astype(np.float32)


class Solver:
    """Fits one problem at several penalties, each from where the last one ended.

    Weights are float32 [C, d + 1], the intercept last. The penalty is in rows: the objective is
    (sum of log losses + penalty / 2 * |W|^2) / total weight.
    """

    def __init__(self, problem: Problem, monitor: Monitor) -> None:
        self._problem = problem
        self._monitor = monitor
        count = len(problem.features)
        ones = np.ones((count, 1), np.float32)
        self._features = np.concatenate([problem.features, ones], axis=1)
        self._weights = problem.example_weight
        self._even = bool(np.all(self._weights == self._weights[0]))
        self._total = problem.total
        self._curvature = self._gram() / (self._total * max(2, problem.classes))
        width = self._features.shape[1]
        self.solution: Floats = np.zeros((problem.classes, width), np.float32)
        self.evaluations = 0

    def fit(self, penalty: float, tolerance: float = 1e-4) -> Floats:
        """The weights at `penalty`. Stops once a step gains less than `tolerance` of the loss."""
        ridge = np.full(self._features.shape[1], penalty, np.float64)
        ridge[-1] = INTERCEPT_PENALTY
        ridge /= self._total
        half, inverse_half = _roots(self._curvature + np.diag(ridge))
        start = self.solution @ half
        self.solution = self._descend(start, inverse_half, ridge.astype(np.float32), tolerance)
        return self.solution

    def _gram(self) -> Doubles:
        scaled = self._features
        if not self._even or self._weights[0] != 1:
            scaled = scaled * self._weights[:, None]
        gram: Doubles = (scaled.T @ self._features).astype(np.float64)
        return gram

    def _descend(self, at: Floats, back: Floats, ridge: Floats, tolerance: float) -> Floats:
        """L-BFGS in the coordinates V = W back^-1; returns W = V back."""
        pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
        loss, slope = self._objective(at @ back, ridge)
        slope = slope @ back
        for _ in range(MOST_STEPS):
            self._monitor.check()
            direction = _direction(slope, pairs)
            descent = float(np.vdot(slope, direction))
            step = 1.0
            while True:
                tried = at - np.float32(step) * direction
                tried_loss, tried_slope = self._objective(tried @ back, ridge)
                if tried_loss <= loss - 1e-4 * step * descent or step < 1e-3:
                    break
                step /= 2
            tried_slope = tried_slope @ back
            if tried_loss > loss:
                break
            moved, turned = tried - at, tried_slope - slope
            agreement = float(np.vdot(moved, turned))
            if agreement > 0:
                pairs.append((moved, turned, 1 / agreement))
            gained = loss - tried_loss
            at, loss, slope = tried, tried_loss, tried_slope
            if gained < tolerance * abs(loss):
                break
        solution: Floats = at @ back
        return solution

    def _objective(self, weights: Floats, ridge: Floats) -> tuple[float, Floats]:
        """Loss and gradient at W [C, d + 1], examples in blocks that bound the logits' memory."""
        self.evaluations += 1
        problem, count = self._problem, len(self._features)
        block = max(1, LOGITS_AT_ONCE // problem.classes)
        loss = 0.0
        slope = np.zeros_like(weights)
        for start in range(0, count, block):
            self._monitor.check()
            stop = min(start + block, count)
            first, last = np.searchsorted(problem.example, (start, stop))
            part = slice(int(first), int(last))
            features, totals = self._features[start:stop], self._weights[start:stop]
            logits = weights @ features.T
            logits -= logits.max(axis=0)
            where = (problem.label[part], problem.example[part] - start)
            said = float(np.vdot(logits[where].astype(np.float64), problem.weight[part]))
            np.exp(logits, out=logits)
            sums = logits.sum(axis=0)
            loss += float(np.vdot(np.log(sums).astype(np.float64), totals)) - said
            logits *= totals / sums
            logits[where] -= problem.weight[part]
            slope += logits @ features
        penalised = weights * ridge
        slope = slope / np.float32(self._total) + penalised
        return loss / self._total + 0.5 * float(np.vdot(penalised, weights)), slope


def _direction(slope: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """The two-loop recursion of L-BFGS: an approximate inverse Hessian times the gradient."""
    direction = slope.copy()
    kept: list[np.float32] = []
    for moved, turned, scale in reversed(pairs):
        share = np.float32(scale * float(np.vdot(moved, direction)))
        kept.append(share)
        direction -= share * turned
    if pairs:
        _, turned, scale = pairs[-1]
        direction *= np.float32(1 / (scale * float(np.vdot(turned, turned))))
    for (moved, turned, scale), share in zip(pairs, reversed(kept), strict=True):
        direction += (share - np.float32(scale * float(np.vdot(turned, direction)))) * moved
    return direction


def _roots(matrix: npt.NDArray[np.float64]) -> tuple[Floats, Floats]:
    """The square root of a positive definite matrix, and that root's inverse."""
    values, vectors = np.linalg.eigh(matrix)
    roots = np.sqrt(np.maximum(values, values[-1] * 1e-9))
    half = (vectors * roots) @ vectors.T
    inverse = (vectors / roots) @ vectors.T
    return half.astype(np.float32), inverse.astype(np.float32)
