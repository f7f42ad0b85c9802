"""The choice of tokens: greedy, warped as transformers does it, the same whatever the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from augursql.engine.generation.sampling import RowState, Sampling, allowed_ids, choose, filtered
from augursql.errors import InvalidValueError

VOCABULARY = 1003


def _logits(rows: int, seed: int = 0, scale: float = 4.0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return (random.normal(size=(rows, VOCABULARY)) * scale).astype(np.float32)


def _mask(allowed: list[int]) -> NDArray[np.int32]:
    bits = np.zeros((VOCABULARY + 31) // 32 * 32, np.uint8)
    bits[allowed] = 1
    return np.packbits(bits, bitorder="little").view(np.int32)


def _log_softmax(row: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = row.astype(np.float64)
    return exact - np.log(np.exp(exact - exact.max()).sum()) - exact.max()


def test_greedy_rows_take_the_likeliest_token_and_its_probability() -> None:
    logits = _logits(5)
    ids, logs = choose(logits, [RowState(Sampling(), [1])] * 5)
    assert ids.tolist() == logits.argmax(axis=1).tolist() and ids.dtype == np.int64
    expected = [_log_softmax(row)[i] for row, i in zip(logits, ids, strict=True)]
    assert np.allclose(logs, expected, atol=1e-5) and logs.dtype == np.float32


def test_rows_that_may_be_nearly_anything_are_masked_too() -> None:
    logits = _logits(1)
    best = int(logits[0].argmax())
    mask = _mask([i for i in range(VOCABULARY) if i != best])[None]
    for sampling in (Sampling(), Sampling(temperature=9, top_k=1001)):
        drawn = [int(choose(logits, [RowState(sampling, [n])], mask)[0][0]) for n in range(200)]
        assert best not in drawn and max(drawn) < VOCABULARY
    ids, logs = choose(logits, [RowState(Sampling(), [])], mask)
    others = np.delete(logits[0], best)
    assert logits[0, ids[0]] == others.max()
    assert logs[0] == pytest.approx(_log_softmax(others).max(), abs=1e-5)


def test_a_mask_leaves_only_what_the_grammar_allows() -> None:
    logits = _logits(3)
    masks = np.stack([_mask([4, 500, 1002]), np.full(32, -1, np.int32), _mask([7])])
    rows = [RowState(Sampling(), []), RowState(Sampling(), []), RowState(Sampling(), [])]
    ids, logs = choose(logits, rows, masks)
    assert ids[0] == max((4, 500, 1002), key=lambda i: logits[0, i])
    assert ids[1] == logits[1].argmax() and ids[2] == 7
    assert logs[0] == pytest.approx(_log_softmax(logits[0, [4, 500, 1002]]).max(), abs=1e-5)
    assert logs[2] == 0
    with pytest.raises(InvalidValueError, match="no token"):
        choose(logits[:1], rows[:1], np.zeros((1, 32), np.int32))


@given(st.sets(st.integers(0, VOCABULARY - 1), min_size=1))
def test_bits_are_read_as_ids(ids: set[int]) -> None:
    assert allowed_ids(_mask(sorted(ids)), VOCABULARY).tolist() == sorted(ids)


def test_bits_behind_the_vocabulary_are_not_tokens() -> None:
    assert allowed_ids(np.full(2, -1, np.int32), 40).tolist() == list(range(40))


SAMPLINGS = st.builds(
    Sampling,
    temperature=st.floats(0.1, 3),
    top_k=st.sampled_from([0, 1, 5, 50, 2000]),
    top_p=st.sampled_from([1.0, 0.99, 0.9, 0.5, 0.05]),
    min_p=st.sampled_from([0.0, 0.01, 0.2, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.3, 0.8]),
)


@settings(max_examples=80, deadline=None)
@given(SAMPLINGS, st.integers(0, 1000), st.sampled_from([0.5, 4.0]))
def test_distributions_are_those_of_transformers(s: Sampling, seed: int, scale: float) -> None:
    import torch
    from transformers.generation import logits_process as reference

    logits = _logits(1, seed, scale)
    seen = [3, 7, 7, int(logits[0].argmax())]
    steps = [reference.RepetitionPenaltyLogitsProcessor(s.repetition_penalty)]
    steps += [reference.TemperatureLogitsWarper(s.temperature)]
    steps += [reference.TopKLogitsWarper(s.top_k)] if s.top_k else []
    steps += [reference.TopPLogitsWarper(s.top_p)] if s.top_p < 1 else []
    steps += [reference.MinPLogitsWarper(s.min_p)] if s.min_p else []
    scores = torch.from_numpy(logits.astype(np.float64))
    for step in steps:
        scores = step(torch.tensor([seen]), scores)
    expected = torch.softmax(scores, dim=-1)[0].numpy()
    penalized = RowState(s, seen).penalized(logits[0], None)
    kept, weights = filtered(penalized, s)
    assert kept.tolist() == np.flatnonzero(expected).tolist()
    assert np.allclose(weights / weights.sum(), expected[kept], rtol=1e-3, atol=1e-6)


def test_draws_follow_the_distribution() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.125, 0.125]], np.float32))
    row = RowState(Sampling(temperature=1, seed=3), [1, 2])
    drawn = [int(choose(logits, [row])[0][0]) for _ in range(4000)]
    shares = np.bincount(drawn, minlength=4) / 4000
    assert np.allclose(shares, [0.5, 0.25, 0.125, 0.125], atol=0.03)


def test_large_vocabularies_are_drawn_from_evenly() -> None:
    logits = np.zeros((1, 5000), np.float32)
    row = RowState(Sampling(temperature=1, seed=1), [1])
    drawn = np.array([int(choose(logits, [row])[0][0]) for _ in range(5000)])
    shares = np.histogram(drawn, bins=10, range=(0, 5000))[0] / 5000
    assert np.allclose(shares, 0.1, atol=0.02)


def test_a_row_answers_the_same_whatever_runs_beside_it() -> None:
    sampling = Sampling(temperature=1.5, seed=11, repetition_penalty=1.1, top_p=0.95)
    logits = [_logits(4, step) for step in range(30)]

    def run(places: list[int]) -> list[list[int]]:
        rows = [RowState(sampling, [place, 5]) for place in places]
        answers: list[list[int]] = [[] for _ in places]
        for step in logits:
            ids, _ = choose(step[places], rows)
            for row, answer, token in zip(rows, answers, ids.tolist(), strict=True):
                row.append(token)
                answer.append(token)
        return answers

    together = run([0, 1, 2, 3])
    assert [run([place])[0] for place in (3, 1)] == [together[3], together[1]]
    assert run([2, 0]) == [together[2], together[0]]


def test_other_seeds_and_prompts_give_other_answers() -> None:
    logits = _logits(1, scale=0.1)
    states = [
        RowState(Sampling(temperature=1, seed=seed), prompt)
        for seed, prompt in ((0, [1]), (1, [1]), (0, [2]), (0, [1, 1]))
    ]
    answers = {tuple(int(choose(logits, [row])[0][0]) for _ in range(8)) for row in states}
    assert len(answers) == 4


def test_tokens_of_the_prompt_and_the_answer_are_penalised() -> None:
    logits = np.array([[2.0, 1.9, -0.1, -0.2]], np.float32)
    row = RowState(Sampling(repetition_penalty=10), [0])
    assert choose(logits, [row])[0][0] == 1
    row.append(1)
    assert choose(logits, [row])[0][0] == 0  # 0.2 and 0.19 are still above what is below zero
    ids, logs = choose(logits, [row], np.array([[0b1101]], np.int32))
    assert ids[0] == 0
    # The confidence is the model's own, before the penalty.
    assert logs[0] == pytest.approx(_log_softmax(logits[0, [0, 2, 3]])[0], abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": 1.5},
        {"repetition_penalty": 0.0},
        {"stop": ("",)},
        {"seed": -1},
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(options))):
        Sampling(**options)  # type: ignore[arg-type]
