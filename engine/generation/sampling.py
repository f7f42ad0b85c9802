"""How tokens are chosen from logits: greedy, or drawn from a warped and cut distribution."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augursql.errors import InvalidValueError

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a user asks of generation; the defaults are greedy. Raises InvalidValueError."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        _check("max_tokens", self.max_tokens >= 1, "1 or more")
        _check("temperature", 0 <= self.temperature < np.inf, "0 or more")
        _check("top_k", self.top_k >= 0, "0 (off) or more")
        _check("top_p", 0 < self.top_p <= 1, "above 0 and at most 1")
        _check("min_p", 0 <= self.min_p <= 1, "between 0 (off) and 1")
        _check("repetition_penalty", 0 < self.repetition_penalty < np.inf, "above 0")
        _check("stop", all(self.stop), "made of texts that are not empty")
        _check("seed", self.seed >= 0, "0 or more")


class RowState:
    """What one row brings to the choice of its next token: not shared between threads.

    Its random numbers come from the seed and the prompt alone, so that a row has the same answer
    whatever other rows run beside it.
    """

    def __init__(self, sampling: Sampling, prompt: Sequence[int]) -> None:
        self.sampling = sampling
        self._seen = set(prompt) if sampling.repetition_penalty != 1 else None
        self._random: np.random.Generator | None = None
        if sampling.temperature > 0:
            digest = hashlib.blake2b(np.asarray(prompt, np.int64).tobytes(), digest_size=16)
            words = np.frombuffer(digest.digest(), np.uint32)
            self._random = np.random.default_rng([sampling.seed, *words.tolist()])

    def append(self, token: int) -> None:
        """Note a token of the answer, chosen or forced."""
        if self._seen is not None:
            self._seen.add(token)

    def choose(self, logits: NDArray[np.float32], allowed: NDArray[np.int64] | None) -> int:
        """The place of the next token in `logits` [tokens], those of the ids `allowed` (or all)."""
        scores = self.penalized(logits, allowed)
        if self._random is None:
            return int(scores.argmax())
        kept, weights = filtered(scores, self.sampling)
        return int(kept[_drawn(weights, self._random.random())])

    def penalized(
        self, logits: NDArray[np.float32], allowed: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Tokens seen before made less likely (Keskar et al. 2019, CTRL)."""
        if not self._seen:
            return logits
        places = np.fromiter(self._seen, np.int64, len(self._seen))
        if allowed is not None:
            places = np.flatnonzero(np.isin(allowed, places))
        penalty = np.float32(self.sampling.repetition_penalty)
        seen = logits[places]
        scores = logits.copy()
        scores[places] = np.where(seen < 0, seen * penalty, seen / penalty)
        return scores


def choose(
    logits: NDArray[np.float32], rows: Sequence[RowState], masks: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The next token of n rows: ids [n] and their log-probabilities [n].

    `logits` [n, vocabulary] are read only. `masks` [n, words] holds a bit for each token that the
    row's grammar allows (`constraint`). The log-probability is that of the model's own
    distribution over the allowed tokens, before penalties, temperature and cuts.
    """
    ids = np.empty(len(rows), np.int64)
    chosen = np.empty(len(rows), np.float32)
    buffer = np.empty(logits.shape[1], np.float32)
    # Row by row: a row of logits fits the cache, and its sum does not depend on the batch.
    for number, row in enumerate(rows):
        scores, allowed = logits[number], None
        if masks is not None and not (masks[number] == -1).all():
            scores, allowed = _masked(scores, masks[number])
        place = row.choose(scores, allowed)
        ids[number] = place if allowed is None else allowed[place]
        chosen[number] = scores[place] - _log_sum(scores, buffer[: len(scores)])
    return ids, chosen


def allowed_ids(mask: NDArray[np.int32], vocabulary: int) -> NDArray[np.int64]:
    """The token ids, ascending, whose bits are set in `mask` [words]."""
    words = np.flatnonzero(mask)
    bits = np.unpackbits(mask[words].view(np.uint8), bitorder="little").reshape(-1, 32)
    word, bit = np.nonzero(bits)
    ids = words[word] * 32 + bit
    return ids[: ids.searchsorted(vocabulary)]


def _masked(
    scores: NDArray[np.float32], mask: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """The scores of the allowed tokens and their ids; of all, and None, where most are allowed."""
    if int(np.bitwise_count(mask.view(np.uint32)).sum()) * 8 > len(scores):
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little", count=len(scores))
        return np.where(bits.view(bool), scores, np.float32(-np.inf)), None
    allowed = allowed_ids(mask, len(scores))
    if not len(allowed):
        raise InvalidValueError("The constraint leaves the model no token to go on with.")
    return scores[allowed], allowed


def filtered(
    scores: NDArray[np.float32], sampling: Sampling
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What may be drawn from `scores` [tokens]: places, ascending, and their weights.

    The cuts come in transformers' order: temperature, top-k, top-p, min-p, each on what the last
    one left. Weights are probabilities up to a factor.
    """
    scores = scores / np.float32(sampling.temperature)
    kept = np.arange(len(scores))
    if 0 < sampling.top_k < len(scores):
        least = np.partition(scores, -sampling.top_k)[-sampling.top_k]
        kept = np.flatnonzero(scores >= least)
        scores = scores[kept]
    weights = np.exp(scores - scores.max())
    if sampling.top_p < 1:
        inside = _nucleus(weights, sampling.top_p)
        kept, weights = kept[inside], weights[inside]
    if sampling.min_p > 0:
        inside = np.flatnonzero(weights >= sampling.min_p * weights.max())
        kept, weights = kept[inside], weights[inside]
    return kept, weights


def _nucleus(weights: NDArray[np.float32], top_p: float) -> NDArray[np.int64]:
    """Places, ascending, of the fewest likeliest tokens whose share reaches `top_p`."""
    total = weights.sum(dtype=np.float64)
    # All tokens below this together are less than what may go: they need no sorting.
    candidates = weights[weights > total * (1 - top_p) / len(weights)]
    candidates.sort()
    descending = candidates[::-1].astype(np.float64)
    before = descending.cumsum() - descending
    count = max(1, int(before.searchsorted(top_p * total)))
    return np.flatnonzero(weights >= descending[count - 1])


def _drawn(weights: NDArray[np.float32], share: float) -> int:
    """The place at which `share` (0 to 1) of the weights' sum is passed."""
    # Two levels: a running sum over a whole vocabulary would take longer than all the rest.
    starts = np.arange(0, len(weights), _BLOCK)
    sums = np.add.reduceat(weights, starts, dtype=np.float64).cumsum()
    block = _passed(sums, share * sums[-1])
    inside = weights[starts[block] : starts[block] + _BLOCK].cumsum(dtype=np.float64)
    before = sums[block - 1] if block else 0.0
    return int(starts[block]) + _passed(inside, share * sums[-1] - before)


def _passed(sums: NDArray[np.float64], level: float) -> int:
    # Rounding may lead behind the last weight, to tokens that have none.
    return int(min(sums.searchsorted(level, side="right"), sums.searchsorted(sums[-1])))


def _log_sum(scores: NDArray[np.float32], buffer: NDArray[np.float32]) -> np.float32:
    highest = scores.max()
    np.subtract(scores, highest, out=buffer)
    np.exp(buffer, out=buffer)
    return np.float32(highest + np.log(buffer.sum()))


def _check(name: str, holds: bool, condition: str) -> None:
    if not holds:
        raise InvalidValueError(f"{name} must be {condition}.")
