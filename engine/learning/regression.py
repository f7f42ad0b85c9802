"""Learning numbers: weighted mean of neighbours, or ridge regression, on the same folds."""

import numpy as np

from augursql.engine.learning import metrics
from augursql.engine.learning.contest import Candidate, fallback, sides, too_few, untuned, winner
from augursql.engine.learning.examples import Doubles, Floats, Ids, gather_values
from augursql.engine.learning.folds import stratified_values
from augursql.engine.learning.head import Head
from augursql.engine.learning.options import FitOptions
from augursql.engine.learning.parallel import one_blas_thread
from augursql.engine.learning.ridge import fit_ridge
from augursql.engine.learning.trained import Predictor, Strategy
from augursql.engine.learning.vote import Vote, ballots_of_values
from augursql.engine.learning.voting import convene, searcher, sizes, tune_mean
from augursql.engine.retrieval.neighbours import Retriever
from augursql.types import Monitor

NO_COLUMNS: Ids = np.zeros(0, np.int64)


@one_blas_thread()
def fit_regressor(
    vectors: Floats,
    entries: Ids,
    values: Doubles,
    retriever: Retriever,
    options: FitOptions,
    monitor: Monitor,
) -> Predictor:
    """A predictor of numbers, the candidate of the lower root mean squared error.

    `vectors` float32 [n, d], of all entries of the index; `entries` int64 [m] and `values` float64
    [m], the labelled rows. Raises TrainingDataError for no rows or values that are not finite,
    InvalidValueError for unknown options, InterruptedStatementError from the monitor.
    """
    options.checked()
    known = gather_values(entries, values)
    ballots = ballots_of_values(known)
    if too_few(known.count, options):
        reason = f"{known.count} labelled texts only"
        return fallback(untuned(ballots, options), "regression", NO_COLUMNS, 0, reason)
    taken = sides(known.count, 1, options.seed)
    fold = stratified_values(known.mean, taken.folds, options.seed)
    asked = known.only(taken.asked)
    fitted: list[Candidate] = []

    def judge(strategy: Strategy, model: Vote | Head, predicted: Doubles) -> None:
        scores = metrics.regression(predicted[asked.example], asked.value)
        rmse = scores["rmse"]
        fitted.append(Candidate(strategy, strategy, model, 1.0, scores, -rmse, f"{rmse:.4g}"))

    if options.allows("vote"):
        candidates = sizes(options.top, known.count)
        near = searcher(vectors, known.entries, retriever)
        electorate = convene(near, known.entries, fold, taken.asked, max(candidates), monitor)
        vote = tune_mean(ballots, known, electorate, candidates, monitor)
        judge("vote", vote.vote, vote.scores[:, 0])
    if options.allows("head"):
        learned = known.only(taken.learned)
        ridge = fit_ridge(vectors[learned.entries], learned, fold[taken.learned], monitor)
        judge("head", ridge.head, ridge.predicted[np.searchsorted(taken.learned, taken.asked)])
    measure = f"root mean squared error, {int(fold.max()) + 1}-fold cross-validation"
    return winner(fitted, "regression", NO_COLUMNS, 0, measure)
