"""Folds, metrics, calibration, the optimiser and zero-shot, each by what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augursql.engine.learning import metrics
from augursql.engine.learning.calibration import fit_temperature, softmax
from augursql.engine.learning.examples import Doubles, Floats, gather_labels, gather_values
from augursql.engine.learning.folds import stratified, stratified_values
from augursql.engine.learning.logistic import Problem, Solver
from augursql.engine.learning.ridge import fit_ridge
from augursql.engine.learning.whitening import whiten
from augursql.engine.learning.zeroshot import classify
from augursql.errors import InvalidValueError
from augursql.types import SilentMonitor

QUIET = SilentMonitor()


@settings(max_examples=50, deadline=None)
@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=80), seed=st.integers(0, 99))
def test_folds_are_even_in_size_and_class(labels: list[int], seed: int) -> None:
    given_labels = np.array(labels)
    fold = stratified(given_labels, 5, seed)
    k = min(5, len(labels))
    sizes = np.bincount(fold, minlength=k)
    assert len(sizes) == k and sizes.max() - sizes.min() <= 1
    for label in set(labels):
        shares = np.bincount(fold[given_labels == label], minlength=k)
        assert shares.max() - shares.min() <= 1
    assert np.array_equal(fold, stratified(given_labels, 5, seed))


def test_folds_of_numbers_have_like_means() -> None:
    values = np.random.default_rng(0).lognormal(size=500)
    fold = stratified_values(values, 5, 1)
    medians = [np.median(values[fold == j]) for j in range(5)]
    assert max(medians) < 1.35 * min(medians)


def test_rows_are_gathered_by_entry() -> None:
    examples = gather_labels(np.array([7, 3, 7, 7, 9]), np.array([1, 0, 1, 2, 2]), 4)
    assert examples.entries.tolist() == [3, 7, 9]
    assert examples.prior.tolist() == [1, 2, 2, 0]
    assert examples.majority.tolist() == [0, 1, 2]
    part = examples.only(np.array([1, 2]))
    assert part.entries.tolist() == [7, 9]
    assert (part.example.tolist(), part.label.tolist()) == ([0, 0, 1], [1, 2, 2])
    assert part.rows.tolist() == [2, 1, 1]


def test_metrics_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    labels = np.array([0, 1, 1, 0])
    found = metrics.classification(probabilities, labels)
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean())
    assert found["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.2 + 0.3) / 4)
    twice = metrics.classification(probabilities, labels, np.array([1.0, 3.0, 1.0, 1.0]))
    assert twice["accuracy"] == 0.5
    numbers = metrics.regression(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 5.0]))
    assert numbers["mae"] == pytest.approx(2 / 3)
    assert numbers["rmse"] == pytest.approx((2 / 3) ** 0.5)
    assert numbers["r2"] == pytest.approx(1 - 2 / 8)
    assert numbers["spearman"] == pytest.approx(1)
    flat = metrics.regression(np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    assert (flat["r2"], flat["spearman"]) == (0, 0)
    tied = metrics.spearman(np.array([1.0, 1, 2]), np.array([3.0, 2, 1]))
    assert tied == pytest.approx(-0.866, abs=1e-3)


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.standard_normal((4_000, 5)) * 2
    labels = np.array([rng.choice(5, p=row) for row in softmax(honest)])
    rows = np.ones(4_000)
    temperature, loss = fit_temperature(honest * 3, labels, rows)
    assert temperature == pytest.approx(3, rel=0.1)
    expected = metrics.log_loss(softmax(honest * 3, temperature), labels)
    assert loss == pytest.approx(expected, rel=1e-3)
    assert metrics.calibration_error(softmax(honest * 3), labels) > 0.1
    assert metrics.calibration_error(softmax(honest * 3, temperature), labels) < 0.03
    assert fit_temperature(honest[:0], labels[:0], rows[:0]) == (1.0, 0.0)


def problem(count: int = 300) -> Problem:
    rng = np.random.default_rng(2)
    features = rng.standard_normal((count, 6)).astype(np.float32) * np.logspace(-1, 1, 6)
    labels = (features @ rng.standard_normal((6, 3)) + rng.gumbel(size=(count, 3))).argmax(1)
    weight = rng.integers(1, 4, count).astype(np.float32)
    return Problem(features.astype(np.float32), np.arange(count), labels, weight, 3)


def gradient(given_problem: Problem, weights: Floats, penalty: float) -> Doubles:
    ones = np.ones((len(given_problem.features), 1))
    features = np.concatenate([given_problem.features, ones], axis=1)
    error = softmax(features @ weights.T.astype(np.float64))
    error[np.arange(len(error)), given_problem.label] -= 1
    slope = (error * given_problem.weight[:, None]).T @ features
    slope[:, :-1] += penalty * weights[:, :-1]
    scaled: Doubles = slope / given_problem.weight.sum()
    return scaled


def test_logistic_regression_finds_the_optimum_and_goes_on_from_it() -> None:
    given_problem = problem()
    solver = Solver(given_problem, QUIET)
    for penalty in (10.0, 1.0):
        weights = solver.fit(penalty, tolerance=1e-9)
        assert np.abs(gradient(given_problem, weights, penalty)).max() < 1e-3
    assert solver.evaluations < 120


def test_a_weight_is_a_repetition() -> None:
    given_problem = problem(80)
    times = given_problem.weight.astype(np.int64)
    repeated = Problem(
        np.repeat(given_problem.features, times, axis=0),
        np.arange(times.sum()),
        np.repeat(given_problem.label, times),
        np.ones(times.sum(), np.float32),
        3,
    )
    one = Solver(given_problem, QUIET).fit(1.0, 1e-9)
    other = Solver(repeated, QUIET).fit(1.0, 1e-9)
    assert np.allclose(one, other, atol=2e-3)


def test_whitening_evens_out_what_varies_within_classes() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 2_000)
    vectors = rng.standard_normal((2_000, 3)) * [9, 1, 1]
    vectors[:, 1] += 2 * labels
    examples = gather_labels(np.arange(2_000), labels, 2)
    whitening = whiten(vectors.astype(np.float32), examples, 1.0)
    features = whitening.features(vectors.astype(np.float32))
    within = np.concatenate([features[labels == c] - features[labels == c].mean(0) for c in (0, 1)])
    spread = np.sort(within.var(axis=0))
    assert within.var(axis=0).sum() == pytest.approx(1, abs=0.02)
    assert spread[-1] / spread[0] < 8 < 81
    weights = rng.standard_normal((2, 4)).astype(np.float32)
    plain = whitening.unfolded(weights)
    expected = features @ weights[:, :-1].T + weights[:, -1]
    folded = vectors.astype(np.float32) @ plain[:, :-1].T + plain[:, -1]
    assert np.allclose(folded, expected, atol=1e-4)


def test_ridge_recovers_a_line_and_ignores_noise() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, 5)).astype(np.float32)
    slope = np.array([1.0, -2, 0, 0, 3])
    values = gather_values(np.arange(200), 4 + vectors @ slope)
    fold = stratified_values(values.mean, 5, 0)
    fitted = fit_ridge(vectors, values, fold, QUIET)
    assert np.allclose(fitted.head.weights[0, 0], [*slope, 4], atol=0.02)
    noise = gather_values(np.arange(200), rng.standard_normal(200))
    shrunk = fit_ridge(vectors, noise, fold, QUIET)
    assert shrunk.penalty > fitted.penalty
    assert np.abs(shrunk.head.weights[0, 0]).max() < 0.2


def test_zero_shot_prefers_the_nearest_label() -> None:
    labels = np.array([[1, 0], [0, 2]], np.float32)
    answer = classify(np.array([[3, 0], [1, 1], [0, 0]], np.float32), labels)
    assert np.allclose(answer.sum(1), 1)
    assert answer[0, 0] > 0.99
    assert answer[1:].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert classify(np.ones((2, 2), np.float32), labels[:1]).tolist() == [[1.0], [1.0]]
    with pytest.raises(InvalidValueError):
        classify(np.ones((2, 2), np.float32), labels[:0])
