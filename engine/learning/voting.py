"""Cross-validation of the vote: k, tau and smoothing chosen on entries that do not vote.

One search serves every candidate. A query sees only neighbours of other folds, as a head is judged
by folds it was not fitted on, so that the two can be compared.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from augursql.engine.learning import metrics
from augursql.engine.learning.calibration import fit_temperature, softmax
from augursql.engine.learning.examples import Doubles, Examples, Floats, Ids, Values
from augursql.engine.learning.vote import (
    Ballots,
    Vote,
    smoothed,
    vote_weights,
    weighted_means,
)
from augursql.engine.retrieval.neighbours import Neighbours, Retriever
from augursql.types import Monitor

SIZES = (1, 2, 3, 5, 8, 12, 20, 30, 50)
SHARPNESS = (0.1, 0.2, 0.35, 0.6, 1.0, 3.0)  # tau in units of the spread of similarities
SMOOTHING = (0.003, 0.01, 0.03, 0.1, 0.3)
FIRST_SMOOTHING = 0.01
SEARCHED_AT_ONCE = 256

Search = Callable[[Ids, int], Neighbours]
"""Neighbours (entry ids, their own left out) of the examples at int64 [s], as many as the int."""


def searcher(vectors: Floats, entries: Ids, retriever: Retriever) -> Search:
    """Searches among `entries` (sorted int64 [n]) for neighbours of theirs.

    `vectors` float32, of all entries of the index.
    """
    within = None if len(entries) == retriever.count else entries

    def near(sample: Ids, k: int) -> Neighbours:
        own = entries[sample]
        return retriever.nearest(vectors[own], k, own, within)

    return near


@dataclass(frozen=True, slots=True)
class Electorate:
    """Sampled examples with their nearest neighbours among other folds.

    `sample` int64 [s], sorted, indexes the examples; `similarities` float64 and `places` int64
    [s, k]: the neighbours, as indexes of examples, -1 for none; `spread`: how far similarities
    fall from the first to the last neighbour, the unit of tau.
    """

    sample: Ids
    similarities: Doubles
    places: Ids
    spread: float


@dataclass(frozen=True, slots=True)
class FittedVote:
    """A tuned vote, with held-out scores float64 [s, C] of the sample (values: [s, 1])."""

    vote: Vote
    scores: Doubles
    temperature: float


def sizes(top: int | None, count: int) -> tuple[int, ...]:
    """The candidates for k: the one given, or all that fit into `count` examples."""
    if top is not None:
        return (top,)
    return tuple(k for k in SIZES if k < max(count, 2))


def convene(
    near: Search, entries: Ids, fold: Ids, sample: Ids, most: int, monitor: Monitor
) -> Electorate:
    """Finds up to `most` neighbours in other folds of the examples at `sample` (sorted int64 [s]).

    `near` searches for examples, given by index; `entries` and `fold` int64 [n] of all examples.
    """
    folds = int(fold.max()) + 1
    # A share 1 / folds of the neighbours will fall out; a few more for those who are unlucky.
    fetched = min(len(entries) - 1, most * folds // max(1, folds - 1) + most // 4 + 3)
    similarities = np.full((len(sample), most), -np.inf)
    places = np.full((len(sample), most), -1, np.int64)
    for start in range(0, len(sample), SEARCHED_AT_ONCE):
        monitor.check()
        part = sample[start : start + SEARCHED_AT_ONCE]
        found = near(part, fetched)
        at = np.where(found.entries >= 0, np.searchsorted(entries, found.entries), -1)
        barred = (at < 0) | (fold[np.maximum(at, 0)] == fold[part][:, None])
        order = np.argsort(barred, axis=1, kind="stable")[:, :most]
        rows, columns = slice(start, start + len(part)), slice(0, order.shape[1])
        places[rows, columns] = np.take_along_axis(np.where(barred, -1, at), order, axis=1)
        similarities[rows, columns] = np.take_along_axis(found.similarities, order, axis=1)
    return Electorate(sample, similarities, places, _spread(similarities, places))


def _spread(similarities: Doubles, places: Ids) -> float:
    """The median fall of similarity from the first to the last neighbour, never zero."""
    present = places >= 0
    several = present.sum(axis=1) > 1
    if not several.any():
        return 1.0
    kept = np.where(present, similarities, np.inf)[several]
    fall = float(np.median(similarities[several, 0] - kept.min(axis=1)))
    return max(fall, 1e-6)


def tune_vote(
    ballots: Ballots,
    examples: Examples,
    electorate: Electorate,
    candidates: tuple[int, ...],
    monitor: Monitor,
) -> FittedVote:
    """The k and tau of the best mean of accuracy and macro F1, then smoothing and temperature.

    Means that round to the same thousandth are equal; then the least log loss decides.
    """
    asked = examples.only(electorate.sample)
    priors = ballots.priors(electorate.sample)
    stops = {min(k, electorate.places.shape[1]): k for k in candidates}
    trials: list[tuple[float, float, int, float]] = []
    for sharpness in SHARPNESS:
        monitor.check()
        tau = sharpness * electorate.spread
        weights = vote_weights(electorate.similarities, electorate.places, tau)
        votes = np.zeros((len(electorate.sample), ballots.classes))
        for j in range(electorate.places.shape[1]):
            ballots.cast(votes, weights[:, j], electorate.places[:, j])
            if j + 1 in stops:
                scores = smoothed(votes, priors, FIRST_SMOOTHING)
                gain = float(np.average(scores[asked.example, asked.label], weights=asked.rows))
                trials.append((round(quality(scores, asked), 3), gain, stops[j + 1], tau))
    _, _, k, tau = max(trials)
    return _calibrated(Vote(ballots, k, tau, FIRST_SMOOTHING), asked, electorate, monitor)


def _calibrated(
    vote: Vote, asked: Examples, electorate: Electorate, monitor: Monitor
) -> FittedVote:
    """Smoothing and temperature of the least log loss."""
    places = electorate.places[:, : vote.k]
    weights = vote_weights(electorate.similarities[:, : vote.k], places, vote.tau)
    votes = vote.ballots.tally(weights, places)
    priors = vote.ballots.priors(electorate.sample)
    trials: list[tuple[float, float, float]] = []
    for smoothing in SMOOTHING:
        monitor.check()
        scores = smoothed(votes, priors, smoothing)
        temperature, loss = fit_temperature(scores[asked.example], asked.label, asked.rows)
        trials.append((loss, smoothing, temperature))
    _, smoothing, temperature = min(trials)
    tuned = replace(vote, smoothing=smoothing)
    return FittedVote(tuned, smoothed(votes, priors, smoothing), temperature)


def tune_mean(
    ballots: Ballots,
    values: Values,
    electorate: Electorate,
    candidates: tuple[int, ...],
    monitor: Monitor,
) -> FittedVote:
    """The k and tau of the least RMSE."""
    asked = values.only(electorate.sample)

    def means(k: int, tau: float) -> Doubles:
        weights = vote_weights(electorate.similarities[:, :k], electorate.places[:, :k], tau)
        return weighted_means(ballots, weights, electorate.places[:, :k])

    trials: list[tuple[float, int, float]] = []
    for sharpness in SHARPNESS:
        monitor.check()
        tau = sharpness * electorate.spread
        for k in candidates:
            errors = means(k, tau)[asked.example] - asked.value
            trials.append((float(np.mean(errors**2)), k, tau))
    _, k, tau = min(trials)
    return FittedVote(Vote(ballots, k, tau, 0.0), means(k, tau)[:, None], 1.0)


def quality(scores: Floats | Doubles, asked: Examples) -> float:
    """The mean of accuracy and macro F1 of the largest score, over rows."""
    predicted = scores.argmax(axis=1)[asked.example]
    return 0.5 * (
        metrics.accuracy(predicted, asked.label, asked.rows)
        + metrics.macro_f1(predicted, asked.label, asked.classes, asked.rows)
    )


def reported(scores: Floats | Doubles, temperature: float, asked: Examples) -> dict[str, float]:
    """All metrics of calibrated scores [n, C] of examples."""
    probabilities = softmax(scores, temperature)[asked.example]
    return dict(metrics.classification(probabilities, asked.label, asked.rows))
