"""Fitting and predicting through the door of the room."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from augursql.engine.learning.predictor import (
    FitOptions,
    Predictor,
    fit_classifier,
    fit_regressor,
)
from augursql.engine.learning.vote import Vote
from augursql.engine.retrieval.exact import ExactRetriever
from augursql.engine.retrieval.neighbours import Floats, Ids, Neighbours
from augursql.engine.retrieval.random import RandomRetriever
from augursql.errors import (
    InterruptedStatementError,
    InvalidValueError,
    ModelError,
    TrainingDataError,
)
from augursql.types import SilentMonitor

QUIET = SilentMonitor()
DEFAULT = FitOptions()
STRATEGIES = ("auto", "vote", "head")


def groups(count: int, classes: int, noise: float, seed: int = 0) -> tuple[Floats, Ids]:
    """Unit vectors around `classes` centres, and the centre of each."""
    centres = np.random.default_rng(99).standard_normal((classes, 16))
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    vectors = centres[labels] + noise * rng.standard_normal((count, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), labels


def fitted(vectors: Floats, labels: Ids, classes: int, options: FitOptions = DEFAULT) -> Predictor:
    entries = np.arange(len(vectors))
    retriever = ExactRetriever(vectors)
    return fit_classifier(vectors, entries, labels, classes, retriever, options, QUIET)


def probabilities(
    predictor: Predictor, vectors: Floats, own: Ids, index: Floats
) -> npt.NDArray[np.float64]:
    answer = predictor.predict(vectors, own, ExactRetriever(index)).probabilities
    assert answer is not None
    return answer


def nobody(count: int) -> Ids:
    return np.full(count, -1, np.int64)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_learns_and_is_calibrated(strategy: str) -> None:
    vectors, labels = groups(800, 6, 0.9)
    queries, truth = groups(1_500, 6, 0.9, seed=1)
    predictor = fitted(vectors, labels, 6, FitOptions(strategy=strategy))
    answer = probabilities(predictor, queries, nobody(1_500), vectors)
    accuracy = np.mean(answer.argmax(1) == truth)
    assert accuracy > 0.85
    assert np.allclose(answer.sum(1), 1)
    assert abs(answer.max(1).mean() - accuracy) < 0.04
    best = max(predictor.scores.values(), key=lambda s: s["accuracy"])
    assert abs(best["accuracy"] - accuracy) < 0.04
    assert predictor.kind == "classification"
    assert strategy in ("auto", predictor.strategy)


def test_why_names_winner_and_rival() -> None:
    vectors, labels = groups(300, 3, 0.6)
    predictor = fitted(vectors, labels, 3)
    assert "against" in predictor.why and "5-fold cross-validation" in predictor.why
    assert {"head", "vote"} <= set(predictor.scores)
    assert predictor.why.startswith(predictor.strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_row_never_learns_from_itself(strategy: str) -> None:
    """Labels are noise: whoever remembers is found out."""
    vectors, _ = groups(600, 4, 1.0)
    labels = np.random.default_rng(5).integers(0, 4, 600)
    predictor = fitted(vectors, labels, 4, FitOptions(strategy=strategy, top=1))
    honest = probabilities(predictor, vectors, np.arange(600), vectors)
    assert np.mean(honest.argmax(1) == labels) < 0.34
    chance = -np.log(honest[np.arange(600), labels]).mean()
    assert chance < np.log(4) + 0.15


@pytest.mark.parametrize("strategy", ["vote", "head"])
def test_changing_ones_own_label_does_not_change_ones_own_answer(strategy: str) -> None:
    """The strongest form: an entry's prediction is a function of the others' labels alone."""
    vectors, labels = groups(60, 2, 0.8)
    options = FitOptions(strategy=strategy, top=3, class_weight="none")
    other = labels.copy()
    other[7] = 1 - other[7]
    answers = []
    for given in (labels, other):
        predictor = fitted(vectors, given, 2, options)
        model = predictor.model
        if isinstance(model, Vote):  # what is tuned on all examples may differ; the votes may not
            predictor = replace(predictor, temperature=1.0, model=replace(model, smoothing=0.1))
        answers.append(probabilities(predictor, vectors[7:8], np.array([7]), vectors))
    assert answers[0].argmax() == answers[1].argmax()
    if strategy == "vote":
        assert np.allclose(answers[0], answers[1])


def test_duplicates_are_one_entry() -> None:
    """Six rows of one text, all in the index: none may vote for another."""
    vectors, labels = groups(200, 2, 0.3)
    entries = np.concatenate([np.arange(200), np.full(5, 3)])
    wrong = 1 - labels[3]
    rows = np.concatenate([labels, np.full(5, wrong)])
    rows[3] = wrong
    for strategy in ("vote", "head"):
        predictor = fit_classifier(
            vectors, entries, rows, 2, ExactRetriever(vectors), FitOptions(strategy=strategy), QUIET
        )
        answer = predictor.predict(vectors[3:4], np.array([3]), ExactRetriever(vectors))
        assert answer.probabilities is not None
        assert answer.probabilities[0].argmax() == labels[3]
        if answer.neighbours is not None:
            assert 3 not in answer.neighbours.entries


@pytest.mark.parametrize("strategy", ["vote", "head"])
def test_an_entry_with_several_labels_is_a_distribution(strategy: str) -> None:
    vectors, labels = groups(120, 3, 0.2)
    entries = np.repeat(np.arange(120), 4)
    rows = np.repeat(labels, 4)
    rows[::4] = (rows[::4] + 1) % 3  # a quarter of each entry's rows says otherwise
    options = FitOptions(strategy=strategy)
    predictor = fit_classifier(vectors, entries, rows, 3, ExactRetriever(vectors), options, QUIET)
    answer = probabilities(predictor, vectors, nobody(120), vectors)
    assert np.mean(answer.argmax(1) == labels) > 0.95
    assert abs(answer.max(1).mean() - 0.75) < 0.06


def test_only_labelled_entries_vote() -> None:
    vectors, labels = groups(300, 3, 0.5)
    labelled = np.arange(0, 300, 5)
    retriever = ExactRetriever(vectors)
    options = FitOptions(strategy="vote", top=4)
    predictor = fit_classifier(vectors, labelled, labels[labelled], 3, retriever, options, QUIET)
    answer = predictor.predict(vectors, np.arange(300), retriever)
    assert answer.neighbours is not None and answer.probabilities is not None
    assert answer.neighbours.entries.shape == (300, 4)
    assert np.all(np.isin(answer.neighbours.entries, labelled))
    assert not np.any(answer.neighbours.entries == np.arange(300)[:, None])
    assert np.mean(answer.probabilities.argmax(1) == labels) > 0.9


def test_an_unlabelled_entry_gets_a_plain_prediction() -> None:
    vectors, labels = groups(200, 3, 0.5)
    retriever = ExactRetriever(vectors)
    labelled = np.arange(100)
    options = FitOptions(strategy="head")
    predictor = fit_classifier(vectors, labelled, labels[:100], 3, retriever, options, QUIET)
    own = probabilities(predictor, vectors[150:], np.arange(150, 200), vectors)
    plain = probabilities(predictor, vectors[150:], nobody(50), vectors)
    assert np.array_equal(own, plain)
    trained = probabilities(predictor, vectors[:50], np.arange(50), vectors)
    assert not np.array_equal(trained, probabilities(predictor, vectors[:50], nobody(50), vectors))


def test_answers_do_not_depend_on_the_batch() -> None:
    vectors, labels = groups(300, 4, 0.8)
    for strategy in ("vote", "head"):
        predictor = fitted(vectors, labels, 4, FitOptions(strategy=strategy))
        own = np.where(np.arange(300) % 2 == 0, np.arange(300), -1)
        together = probabilities(predictor, vectors, own, vectors)
        for at in (0, 1, 299):
            alone = probabilities(predictor, vectors[at : at + 1], own[at : at + 1], vectors)
            assert np.allclose(alone[0], together[at], atol=1e-5)
        assert probabilities(predictor, vectors[:0], own[:0], vectors).shape == (0, 4)


def test_uneven_classes_may_be_balanced() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((2, 16))
    labels = (rng.random(1_000) < 0.08).astype(np.int64)
    vectors = (centres[labels] + 1.6 * rng.standard_normal((1_000, 16))).astype(np.float32)
    assert set(fitted(vectors, labels, 2).scores) == {
        "vote",
        "head",
        "vote, balanced",
        "head, balanced",
    }
    plain = fitted(vectors, labels, 2, FitOptions("head", class_weight="none"))
    balanced = fitted(vectors, labels, 2, FitOptions("head", class_weight="balanced"))
    found = [
        probabilities(p, vectors, np.arange(1_000), vectors).argmax(1)[labels == 1].mean()
        for p in (plain, balanced)
    ]
    assert found[1] > found[0] + 0.2


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 10, 12])
def test_few_rows(count: int, strategy: str) -> None:
    vectors, _ = groups(count, 3, 0.5)
    labels = np.arange(count) % 3
    predictor = fitted(vectors, labels, 3, FitOptions(strategy=strategy))
    for own in (np.arange(count), nobody(count)):
        answer = probabilities(predictor, vectors, own, vectors)
        assert answer.shape == (count, 3)
        assert np.allclose(answer.sum(1), 1)
    if count < 10 and strategy != "head":
        assert predictor.strategy == "vote" and "without cross-validation" in predictor.why


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_single_class(strategy: str) -> None:
    vectors, _ = groups(40, 2, 0.5)
    predictor = fitted(vectors, np.full(40, 1), 3, FitOptions(strategy=strategy))
    answer = probabilities(predictor, vectors, np.arange(40), vectors)
    assert np.array_equal(answer, np.tile([0.0, 1.0, 0.0], (40, 1)))
    assert "one class only" in predictor.why


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_classes_of_one_example_and_of_none(strategy: str) -> None:
    vectors, labels = groups(80, 2, 0.3)
    labels = labels.copy()
    labels[0] = 3  # label 2 has no row at all
    predictor = fitted(vectors, labels, 5, FitOptions(strategy=strategy))
    answer = probabilities(predictor, vectors, np.arange(80), vectors)
    assert answer.shape == (80, 5)
    assert np.all(answer[:, [2, 4]] == 0)
    assert np.mean(answer.argmax(1) == labels) > 0.9


def test_all_vectors_alike() -> None:
    vectors = np.tile(np.eye(1, 16, dtype=np.float32), (50, 1))
    labels = (np.arange(50) % 3 == 0).astype(np.int64)
    for strategy in STRATEGIES:
        predictor = fitted(vectors, labels, 2, FitOptions(strategy=strategy))
        answer = probabilities(predictor, vectors, nobody(50), vectors)
        assert np.all(np.isfinite(answer))


def test_random_neighbours_vote_alike() -> None:
    vectors, labels = groups(200, 2, 0.3)
    labels = np.where(np.arange(200) < 150, 0, 1)
    retriever = RandomRetriever(200)
    options = FitOptions(strategy="vote", top=50)
    entries = np.arange(200)
    predictor = fit_classifier(vectors, entries, labels, 2, retriever, options, QUIET)
    answer = predictor.predict(vectors, entries, retriever)
    assert answer.probabilities is not None
    assert abs(answer.probabilities[:, 0].mean() - 0.75) < 0.1


def test_no_rows_and_bad_options() -> None:
    vectors, labels = groups(20, 2, 0.5)
    none = np.zeros(0, np.int64)
    retriever = ExactRetriever(vectors)
    with pytest.raises(TrainingDataError, match="No row") as error:
        fit_classifier(vectors, none, none, 2, retriever, FitOptions(), QUIET)
    assert error.value.hint
    with pytest.raises(TrainingDataError):
        fit_classifier(vectors, np.arange(20), labels + 1, 2, retriever, FitOptions(), QUIET)
    for options in (FitOptions("boost"), FitOptions(class_weight="heavy"), FitOptions(top=0)):
        with pytest.raises(InvalidValueError):
            fitted(vectors, labels, 2, options)


def test_fitting_can_be_cancelled() -> None:
    class Cancelled(SilentMonitor):
        def check(self) -> None:
            raise InterruptedStatementError("cancelled")

    vectors, labels = groups(100, 2, 0.5)
    entries = np.arange(100)
    for strategy in ("vote", "head"):
        with pytest.raises(InterruptedStatementError):
            options = FitOptions(strategy=strategy)
            retriever = ExactRetriever(vectors)
            fit_classifier(vectors, entries, labels, 2, retriever, options, Cancelled())


def line(count: int, seed: int = 0) -> tuple[Floats, npt.NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, 16)).astype(np.float32)
    slope = np.random.default_rng(1).standard_normal(16)
    return vectors, 5 + vectors @ slope + 0.3 * rng.standard_normal(count)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers(strategy: str) -> None:
    vectors, values = line(500)
    retriever = ExactRetriever(vectors, "l2")
    options = FitOptions(strategy=strategy)
    entries = np.arange(500)
    predictor = fit_regressor(vectors, entries, values, retriever, options, QUIET)
    queries, truth = line(300, seed=2)
    answer = predictor.predict(queries, nobody(300), retriever)
    assert answer.values is not None and answer.probabilities is None
    error = float(np.sqrt(np.mean((answer.values - truth) ** 2)))
    assert error < (4.0 if strategy == "vote" else 0.4)
    assert predictor.kind == "regression"
    assert abs(predictor.scores[predictor.strategy]["rmse"] - error) < 0.15 * error + 0.05


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers_do_not_leak(strategy: str) -> None:
    vectors, _ = line(300)
    values = np.random.default_rng(3).standard_normal(300)
    retriever, entries = ExactRetriever(vectors), np.arange(300)
    options = FitOptions(strategy=strategy)
    predictor = fit_regressor(vectors, entries, values, retriever, options, QUIET)
    answer = predictor.predict(vectors, entries, retriever).values
    assert answer is not None
    assert np.corrcoef(answer, values)[0, 1] < 0.15


@pytest.mark.parametrize("count", [1, 2, 4, 9, 11])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_few_numbers(count: int, strategy: str) -> None:
    vectors, values = line(count)
    retriever, entries = ExactRetriever(vectors), np.arange(count)
    options = FitOptions(strategy=strategy)
    predictor = fit_regressor(vectors, entries, values, retriever, options, QUIET)
    answer = predictor.predict(vectors, entries, retriever).values
    assert answer is not None and np.all(np.isfinite(answer))


def test_numbers_that_are_none() -> None:
    vectors, values = line(30)
    entries, retriever = np.arange(30), ExactRetriever(vectors)
    for bad in (np.nan, np.inf):
        values[4] = bad
        with pytest.raises(TrainingDataError, match="1 values"):
            fit_regressor(vectors, entries, values, retriever, FitOptions(), QUIET)


@pytest.mark.parametrize("strategy", ["vote", "head"])
def test_to_bytes_and_back(strategy: str) -> None:
    vectors, labels = groups(150, 3, 0.7)
    retriever, entries = ExactRetriever(vectors), np.arange(150)
    options = FitOptions(strategy=strategy)
    classifier = fit_classifier(vectors, entries, labels, 4, retriever, options, QUIET)
    regressor = fit_regressor(
        vectors, entries, labels.astype(np.float64), retriever, options, QUIET
    )
    for predictor in (classifier, regressor):
        again = Predictor.from_bytes(predictor.to_bytes())
        assert (again.kind, again.strategy, again.why) == (
            predictor.kind,
            predictor.strategy,
            predictor.why,
        )
        assert again.scores == predictor.scores
        before = predictor.predict(vectors, entries, retriever)
        after = again.predict(vectors, entries, retriever)
        for one, other in (
            (before.probabilities, after.probabilities),
            (before.values, after.values),
        ):
            assert (one is None) == (other is None)
            assert one is None or (other is not None and np.array_equal(one, other))


def test_bad_bytes() -> None:
    vectors, labels = groups(50, 2, 0.7)
    content = fitted(vectors, labels, 2).to_bytes()
    middle = len(content) // 2
    for bad in (b"", b"garbage", content[:middle], content[:200] + b"\x00" * 400 + content[600:]):
        with pytest.raises(ModelError) as error:
            Predictor.from_bytes(bad)
        assert "REFRESH" in error.value.hint


def test_a_retriever_that_finds_nothing_leaves_the_prior() -> None:
    class Blind:
        count = 90

        def nearest(
            self, queries: Floats, k: int, exclude: Ids | None = None, within: Ids | None = None
        ) -> Neighbours:
            return Neighbours.none(len(queries), k)

    vectors, labels = groups(90, 2, 0.5)
    labels = np.where(np.arange(90) < 60, 0, 1)
    predictor = fitted(vectors, labels, 2, FitOptions(strategy="vote"))
    answer = replace(predictor, temperature=1.0).predict(vectors[:2], nobody(2), Blind())
    assert answer.probabilities is not None
    assert np.allclose(answer.probabilities[:, 0], 2 / 3, atol=0.02)
