"""The neighbours' weighted vote, for labels and for numbers.

The k nearest labelled entries vote with weights softmax(similarity / tau). A row counts as one: an
entry that many rows share brings all their labels.
"""

from dataclasses import dataclass

import numpy as np

from augursql.engine.learning.examples import Doubles, Examples, Floats, Ids, Values
from augursql.engine.retrieval.neighbours import Neighbours, Retriever


@dataclass(frozen=True, slots=True)
class Ballots:
    """What each labelled entry votes for, as CSR: entry i has ballots start[i]..start[i + 1].

    `entries` int64 [n], sorted; `start` int64 [n + 1]; `label` int64 [p], `weight` float64 [p].
    For numbers there is one ballot per entry, `label` is 0 and `value` float64 [n] its mean.
    """

    entries: Ids
    start: Ids
    label: Ids
    weight: Doubles
    value: Doubles
    classes: int

    def priors(self, places: Ids) -> Doubles:
        """Shares of the classes without the entry at each of `places` int64 [q] (-1: of all).

        float64 [q, C], none of them zero, rows summing to one.
        """
        mass = np.bincount(self.label, self.weight, self.classes) + self.weight.mean()
        masses = np.tile(mass, (len(places), 1))
        self.cast(masses, np.full(len(places), -1.0), places)
        priors: Doubles = masses / masses.sum(axis=1, keepdims=True)
        return priors

    def places(self, entries: Ids) -> Ids:
        """Where `entries` (int64, any shape) stand among these, -1 for those that do not vote."""
        at = np.minimum(np.searchsorted(self.entries, entries), len(self.entries) - 1)
        return np.where(self.entries[at] == entries, at, -1)

    def tally(self, weights: Doubles, places: Ids) -> Doubles:
        """Votes float64 [q, C] of entries at `places` int64 [q, k] (-1: none) by weights [q, k]."""
        votes = np.zeros((len(places), self.classes))
        for j in range(places.shape[1]):
            self.cast(votes, weights[:, j], places[:, j])
        return votes

    def cast(self, votes: Doubles, weights: Doubles, places: Ids) -> None:
        """Adds one neighbour per query, at `places` [q], to `votes` [q, C] in place."""
        rows = np.flatnonzero(places >= 0)
        first = self.start[places[rows]]
        length = self.start[places[rows] + 1] - first
        query = np.repeat(rows, length)
        within = np.arange(len(query)) - np.repeat(np.cumsum(length) - length, length)
        ballot = np.repeat(first, length) + within
        # No query meets the same label twice here: an entry's ballots have distinct labels.
        votes[query, self.label[ballot]] += weights[query] * self.weight[ballot]


def ballots_of(examples: Examples, class_weights: Doubles) -> Ballots:
    """Ballots of labelled examples; `class_weights` float64 [C] multiplies each class."""
    start = np.searchsorted(examples.example, np.arange(examples.count + 1))
    weight = examples.rows * class_weights[examples.label]
    return Ballots(
        examples.entries,
        start.astype(np.int64),
        examples.label,
        weight,
        np.zeros(examples.count),
        examples.classes,
    )


def ballots_of_values(values: Values) -> Ballots:
    """Ballots of examples with numbers."""
    count = values.count
    return Ballots(
        values.entries,
        np.arange(count + 1),
        np.zeros(count, np.int64),
        values.rows,
        values.mean,
        1,
    )


@dataclass(frozen=True, slots=True)
class Vote:
    """A tuned vote. `tau` in units of similarity; `smoothing` is the prior's share of a vote."""

    ballots: Ballots
    k: int
    tau: float
    smoothing: float

    def neighbours(self, queries: Floats, own: Ids, retriever: Retriever) -> Neighbours:
        """The k nearest labelled entries, never the query's own."""
        entries = self.ballots.entries
        within = None if len(entries) == retriever.count else entries
        return retriever.nearest(queries, self.k, own, within)

    def scores(self, found: Neighbours, own: Ids) -> Doubles:
        """ln of smoothed shares of the vote, float64 [q, C]; `own` as given to `neighbours`."""
        weights, places = self._weights(found)
        priors = self.ballots.priors(self.ballots.places(own))
        return smoothed(self.ballots.tally(weights, places), priors, self.smoothing)

    def means(self, found: Neighbours) -> Doubles:
        """The weighted mean of the neighbours' values, float64 [q]; without any, of all values."""
        weights, places = self._weights(found)
        return weighted_means(self.ballots, weights, places)

    def _weights(self, found: Neighbours) -> tuple[Doubles, Ids]:
        places = self.ballots.places(found.entries)
        return vote_weights(found.similarities.astype(np.float64), places, self.tau), places


def vote_weights(similarities: Doubles, places: Ids, tau: float) -> Doubles:
    """exp((similarity - best) / tau) of [q, k], 0 where there is no neighbour."""
    best = np.where(places[:, :1] >= 0, similarities[:, :1], 0)
    lead = np.where(places >= 0, similarities - best, -np.inf)
    weights: Doubles = np.exp(lead / tau)
    return weights


def smoothed(votes: Doubles, priors: Doubles, smoothing: float) -> Doubles:
    """ln((1 - s) share + s prior) of votes [q, C]; the prior alone where nobody voted."""
    total = votes.sum(axis=1, keepdims=True)
    share = np.where(total > 0, votes / np.where(total > 0, total, 1), priors)
    scores: Doubles = np.log((1 - smoothing) * share + smoothing * priors)
    return scores


def weighted_means(ballots: Ballots, weights: Doubles, places: Ids) -> Doubles:
    """Means of neighbours' values by weights [q, k], each row of an entry weighing one."""
    at = np.maximum(places, 0)
    shares = np.where(places >= 0, weights * ballots.weight[at], 0)
    total = shares.sum(axis=1)
    overall = float(np.average(ballots.value, weights=ballots.weight))
    means = (shares * ballots.value[at]).sum(axis=1) / np.where(total > 0, total, 1)
    return np.where(total > 0, means, overall)
