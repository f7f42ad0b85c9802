"""Learning labels: vote and head, plain and balanced, on the same folds."""

from dataclasses import replace

import numpy as np

from augursql.engine.learning.contest import (
    Candidate,
    class_weights,
    fallback,
    sides,
    too_few,
    untuned,
    winner,
)
from augursql.engine.learning.examples import Doubles, Examples, Floats, Ids, gather_labels
from augursql.engine.learning.folds import stratified
from augursql.engine.learning.head import CHEAP_WORK, HeadTrial, Setting, work
from augursql.engine.learning.options import FitOptions
from augursql.engine.learning.parallel import each, one_blas_thread
from augursql.engine.learning.trained import Predictor
from augursql.engine.learning.vote import ballots_of
from augursql.engine.learning.voting import (
    Electorate,
    convene,
    quality,
    reported,
    searcher,
    sizes,
    tune_vote,
)
from augursql.engine.retrieval.neighbours import Retriever
from augursql.types import Monitor

UNEVEN, VERY_UNEVEN = 3.0, 10.0


@one_blas_thread()
def fit_classifier(
    vectors: Floats,
    entries: Ids,
    labels: Ids,
    classes: int,
    retriever: Retriever,
    options: FitOptions,
    monitor: Monitor,
) -> Predictor:
    """A predictor of labels.

    `vectors` float32 [n, d], of all entries of the index; `entries` and `labels` int64 [m], the
    labelled rows, labels in 0..classes-1. Raises TrainingDataError for no rows, InvalidValueError
    for unknown options, InterruptedStatementError from the monitor.
    """
    options.checked()
    examples = gather_labels(entries, labels, classes)
    columns = np.unique(examples.label)
    compact = replace(
        examples, label=np.searchsorted(columns, examples.label), classes=len(columns)
    )
    if len(columns) == 1 or too_few(compact.count, options):
        reason = "one class only" if len(columns) == 1 else f"{compact.count} labelled texts only"
        vote = untuned(ballots_of(compact, np.ones(len(columns))), options)
        return fallback(vote, "classification", columns, classes, reason)
    contest = _Contest(vectors, compact, retriever, options, monitor)
    measure = f"accuracy and macro F1, mean, {contest.folds}-fold cross-validation"
    return winner(contest.candidates(), "classification", columns, classes, measure)


class _Contest:
    """Candidates fitted on the same folds and judged on the same examples."""

    def __init__(
        self,
        vectors: Floats,
        examples: Examples,
        retriever: Retriever,
        options: FitOptions,
        monitor: Monitor,
    ) -> None:
        self._vectors = vectors
        self._examples = examples
        self._retriever = retriever
        self._options = options
        self._monitor = monitor
        self._sides = sides(examples.count, examples.classes, options.seed)
        self._fold = stratified(examples.majority, self._sides.folds, options.seed)
        self._asked = examples.only(self._sides.asked)

    @property
    def folds(self) -> int:
        return int(self._fold.max()) + 1

    def candidates(self) -> list[Candidate]:
        weights = self._weights()
        makers = {"vote": self._votes, "head": self._heads}
        allowed = [make for name, make in makers.items() if self._options.allows(name)]
        return [made for fitted in each(lambda make: make(weights), allowed) for made in fitted]

    def _votes(self, weights: dict[str, Doubles]) -> list[Candidate]:
        electorate = self._electorate()
        return [self._vote(name, given, electorate) for name, given in weights.items()]

    def _weights(self) -> dict[str, Doubles]:
        """Class weights to try, by the word that is added to a candidate's name."""
        prior = self._examples.prior
        even, balanced = {"": np.ones(len(prior))}, {", balanced": class_weights(prior)}
        if self._options.class_weight == "none":
            return even
        if self._options.class_weight == "balanced":
            return balanced
        # Balancing seldom helps where classes are only somewhat uneven, and doubles the fits.
        ratio = UNEVEN if work(self._examples) <= CHEAP_WORK else VERY_UNEVEN
        return even | balanced if prior.max() > ratio * prior.min() else even

    def _electorate(self) -> Electorate:
        entries, asked = self._examples.entries, self._sides.asked
        most = max(sizes(self._options.top, self._examples.count))
        near = searcher(self._vectors, entries, self._retriever)
        return convene(near, entries, self._fold, asked, most, self._monitor)

    def _vote(self, name: str, weights: Doubles, electorate: Electorate) -> Candidate:
        ballots = ballots_of(self._examples, weights)
        candidates = sizes(self._options.top, self._examples.count)
        fitted = tune_vote(ballots, self._examples, electorate, candidates, self._monitor)
        figure = quality(fitted.scores, self._asked)
        return Candidate(
            "vote" + name,
            "vote",
            fitted.vote,
            fitted.temperature,
            reported(fitted.scores, fitted.temperature, self._asked),
            figure,
            f"{figure:.1%}",
        )

    def _heads(self, weights: dict[str, Doubles]) -> list[Candidate]:
        learned = self._sides.learned
        examples = self._examples.only(learned)
        vectors = self._vectors[examples.entries]
        judged = np.searchsorted(learned, self._sides.asked)
        setting: Setting | None = None
        heads: list[Candidate] = []
        for name, given in weights.items():
            trial = HeadTrial(vectors, examples, self._fold[learned], given, self._monitor)
            fitted = trial.fit(setting)
            setting, scores = fitted.setting, fitted.scores[judged]
            figure = quality(scores, self._asked)
            metrics = reported(scores, fitted.temperature, self._asked)
            heads.append(
                Candidate(
                    "head" + name,
                    "head",
                    fitted.head,
                    fitted.temperature,
                    metrics,
                    figure,
                    f"{figure:.1%}",
                )
            )
        return heads
