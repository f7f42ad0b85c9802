"""A linear head on frozen vectors, and the cross-validation that makes it honest.

Beside the weights fitted on everything stand those of each fold. For an entry it was trained on,
the head answers with the weights of the fold that left this entry out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from augursql.engine.learning.calibration import fit_temperature
from augursql.engine.learning.examples import Doubles, Examples, Floats, Ids
from augursql.engine.learning.logistic import Problem, Solver
from augursql.engine.learning.parallel import each
from augursql.engine.learning.whitening import Whitening, whiten
from augursql.types import Monitor

PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
FIRST_PENALTY = 4
STRENGTHS = (0.5, 0.0)
PROMISING = 1.02  # a strength that starts this much above the best loss is not pursued
TOLERANCE = 1e-3
CHEAP_WORK = 200_000  # up to here every fold takes part in the choice of the penalty


@dataclass(frozen=True, slots=True)
class Head:
    """`weights` float32 [1 + K, C, d + 1], intercept last: [0] of all, [1 + j] without fold j.

    `entries` int64 [n], sorted: what it was trained on; `fold` int64 [n]: the fold of each.
    """

    weights: Floats
    entries: Ids
    fold: Ids

    def scores(self, vectors: Floats, own: Ids) -> Floats:
        """float32 [q, C] of `vectors` [q, d]; `own` int64 [q]: the entry of that text, or -1."""
        scores = _linear(self.weights[0], vectors)
        at = np.minimum(np.searchsorted(self.entries, own), len(self.entries) - 1)
        fold = np.where(self.entries[at] == own, self.fold[at], -1)
        for j in range(len(self.weights) - 1):
            rows = np.flatnonzero(fold == j)
            if rows.size:
                scores[rows] = _linear(self.weights[1 + j], vectors[rows])
        return scores


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses: the penalty (in rows) and the strength of the whitening."""

    penalty: float
    strength: float


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A head, and `scores` float32 [n, C] of each example by the fold that left it out."""

    head: Head
    scores: Floats
    temperature: float
    setting: Setting


def work(examples: Examples) -> int:
    """What one step of a fit costs: logits, plus reading the features, worth about 16 classes."""
    return examples.count * (examples.classes + 16)


class HeadTrial:
    """Fits heads on the same examples and folds.

    `vectors` float32 [n, d], one row per example; `fold` int64 [n]; `class_weights` float64 [C]
    multiplies the rows of each class.
    """

    def __init__(
        self,
        vectors: Floats,
        examples: Examples,
        fold: Ids,
        class_weights: Doubles,
        monitor: Monitor,
    ) -> None:
        self._vectors = vectors
        self._examples = examples
        self._fold = fold
        self._folds = int(fold.max()) + 1
        self._class_weights = class_weights
        self._monitor = monitor

    def fit(self, setting: Setting | None = None) -> FittedHead:
        """The head at `setting`, or at the setting of least calibrated log loss."""
        probed: dict[int, Floats] = {}
        if setting is None:
            setting, probed = self._choose()
        chosen = setting
        parts: list[int | None] = [None, *(j for j in range(self._folds) if j not in probed)]
        made = each(lambda j: self._solve(j, chosen), parts)
        solved: dict[int | None, Floats] = dict(zip(parts, made, strict=True))
        solved.update({j: weights for j, weights in probed.items()})
        scores = np.empty((self._examples.count, self._examples.classes), np.float32)
        for j in range(self._folds):
            held = self._fold == j
            scores[held] = _linear(solved[j], self._vectors[held])
        stacked = np.stack([solved[None], *(solved[j] for j in range(self._folds))])
        temperature, _ = self._loss(scores, np.arange(self._examples.count))
        head = Head(stacked, self._examples.entries, self._fold)
        return FittedHead(head, scores, temperature, setting)

    def _choose(self) -> tuple[Setting, dict[int, Floats]]:
        """The best setting, and the weights at it of the folds that were probed."""
        cheap = work(self._examples) <= CHEAP_WORK
        folds = range(self._folds if cheap else 1)
        best, least, kept = Setting(PENALTIES[FIRST_PENALTY], 0.0), np.inf, {}
        place = FIRST_PENALTY
        for strength in STRENGTHS:
            ladder = _Ladder(self, folds, strength)
            found, loss = _descend(ladder, place, least * PROMISING)
            if loss < least:
                best, least = Setting(PENALTIES[found], strength), loss
                place, kept = found, ladder.weights[found]
        return best, kept

    def prepared(self, left_out: int | None, strength: float) -> tuple[Whitening, Solver]:
        """Features and solver for all examples but those of one fold."""
        examples, vectors = self._examples, self._vectors
        if left_out is not None:
            kept = np.flatnonzero(self._fold != left_out)
            examples, vectors = examples.only(kept), vectors[kept]
        self._monitor.check()
        whitening = whiten(vectors, examples, strength)
        self._monitor.check()
        weight = examples.rows * self._class_weights[examples.label]
        weight *= examples.rows.sum() / weight.sum()
        problem = Problem(
            whitening.features(vectors),
            examples.example,
            examples.label,
            weight.astype(np.float32),
            examples.classes,
        )
        self._monitor.check()
        return whitening, Solver(problem, self._monitor)

    def held_out_loss(self, weights: Mapping[int, Floats]) -> float:
        """The calibrated log loss of folds' weights on the examples each of them left out."""
        chosen = np.flatnonzero(np.isin(self._fold, list(weights)))
        scores = np.empty((len(chosen), self._examples.classes), np.float32)
        for j, fitted in weights.items():
            held = self._fold[chosen] == j
            scores[held] = _linear(fitted, self._vectors[chosen[held]])
        return self._loss(scores, chosen)[1]

    def _solve(self, left_out: int | None, setting: Setting) -> Floats:
        whitening, solver = self.prepared(left_out, setting.strength)
        return whitening.unfolded(solver.fit(setting.penalty, TOLERANCE))

    def _loss(self, scores: Floats, chosen: Ids) -> tuple[float, float]:
        """Temperature and log loss. A class of one example is left out: its fold never saw it."""
        examples = self._examples.only(chosen)
        known = np.bincount(self._examples.label, minlength=self._examples.classes) > 1
        pairs = np.flatnonzero(known[examples.label])
        return fit_temperature(
            scores[examples.example[pairs]], examples.label[pairs], examples.rows[pairs]
        )


class _Ladder:
    """Penalties tried one after the other, each fold going on from its own last solution."""

    def __init__(self, trial: HeadTrial, folds: range, strength: float) -> None:
        self._trial = trial
        self._folds = folds
        self._solvers = each(lambda j: trial.prepared(j, strength), folds)
        self.weights: dict[int, dict[int, Floats]] = {}

    def loss(self, place: int) -> float:
        solved = each(
            lambda pair: pair[0].unfolded(pair[1].fit(PENALTIES[place], TOLERANCE)), self._solvers
        )
        self.weights[place] = dict(zip(self._folds, solved, strict=True))
        return self._trial.held_out_loss(self.weights[place])


def _descend(ladder: _Ladder, place: int, hopeless: float) -> tuple[int, float]:
    """From `place` towards weaker penalties while the loss falls, else towards stronger ones."""
    start, least = place, ladder.loss(place)
    if least > hopeless:
        return place, least
    for step in (1, -1):
        while 0 <= place + step < len(PENALTIES) and (loss := ladder.loss(place + step)) < least:
            place, least = place + step, loss
        if place != start:
            break
    return place, least


def _linear(weights: Floats, vectors: Floats) -> Floats:
    scores: Floats = vectors @ weights[:, :-1].T + weights[:, -1]
    return scores
