"""Candidates and the contest between them: who is judged on what, who wins, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from augursql.engine.learning.examples import Doubles, Ids
from augursql.engine.learning.head import Head
from augursql.engine.learning.options import FitOptions
from augursql.engine.learning.trained import Kind, Predictor, Strategy
from augursql.engine.learning.vote import Ballots, Vote

FOLDS = 5
FEW_FOLDS = 3
MANY_LOGITS = 20_000_000  # from here on a fit is long, and three folds are enough
ENOUGH_FOR_FOLDS = 10
LEAST_FOR_HEAD = 3
MOST_LEARNED = 100_000
MOST_ASKED = 3_000
UNTUNED_K, UNTUNED_TAU, UNTUNED_SMOOTHING = 3, 0.1, 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fitted model. `figure` is what is compared, the larger the better; `shown` prints it."""

    name: str
    strategy: Strategy
    model: Head | Vote
    temperature: float
    metrics: Mapping[str, float]
    figure: float
    shown: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Examples of a contest, as sorted int64 indexes: a head learns from `learned`, at most
    100,000; every candidate is judged on `asked`, at most 3,000 of these. `folds`: how many."""

    learned: Ids
    asked: Ids
    folds: int


def sides(count: int, classes: int, seed: int) -> Sides:
    """The sides for `count` examples of `classes` classes (1 for numbers)."""
    generator = np.random.default_rng(seed)
    learned = _drawn(np.arange(count), MOST_LEARNED, generator)
    asked = _drawn(learned, MOST_ASKED, generator)
    return Sides(learned, asked, FOLDS if len(learned) * classes < MANY_LOGITS else FEW_FOLDS)


def _drawn(examples: Ids, most: int, generator: np.random.Generator) -> Ids:
    if len(examples) <= most:
        return examples
    drawn: Ids = np.sort(generator.choice(examples, most, replace=False))
    return drawn


def too_few(count: int, options: FitOptions) -> bool:
    """Whether so few examples are left to an untuned vote."""
    return count < (LEAST_FOR_HEAD if options.strategy == "head" else ENOUGH_FOR_FOLDS)


def untuned(ballots: Ballots, options: FitOptions) -> Vote:
    """A vote that nothing was tuned on."""
    k = options.top or min(UNTUNED_K, len(ballots.entries))
    return Vote(ballots, k, UNTUNED_TAU, UNTUNED_SMOOTHING)


def winner(
    candidates: list[Candidate], kind: Kind, columns: Ids, classes: int, measure: str
) -> Predictor:
    """The candidate of the largest figure, as a predictor that says why. `measure` explains it."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.figure)
    best = ranked[0]
    rivals = [other for other in ranked[1:] if other.strategy != best.strategy] or ranked[1:]
    others = "".join(f" against {other.name} {other.shown}" for other in rivals[:1])
    return Predictor(
        kind=kind,
        strategy=best.strategy,
        why=f"{best.name} {best.shown}{others} ({measure})",
        scores={candidate.name: candidate.metrics for candidate in candidates},
        temperature=best.temperature,
        classes=classes,
        columns=columns,
        model=best.model,
    )


def fallback(vote: Vote, kind: Kind, columns: Ids, classes: int, reason: str) -> Predictor:
    """An untuned vote as a predictor."""
    why = f"{reason}: vote of {vote.k} without cross-validation"
    return Predictor(kind, "vote", why, {}, 1.0, classes, columns, vote)


def class_weights(prior: Doubles) -> Doubles:
    """Weights float64 [C] that give every class the same mass: N / (C N_c)."""
    weights: Doubles = prior.sum() / (len(prior) * prior)
    return weights
