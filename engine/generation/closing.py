"""The way from the middle of an answer to its end: few tokens after which it is a whole value."""

import heapq
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_STATES = 400
_BRANCHES = 4
_VALUES = (b"null", b"true", b"false")
# Costs: a step; a choice that is not the best looking; a state that looks as one before.
_STEP, _DETOUR, _AGAIN = 0.02, 1.0, 0.1


class Closing:
    """Finds such ways for one tokenizer. Thread-safe."""

    def __init__(self, tokenizer: "LLTokenizer", words: int) -> None:
        size = min(tokenizer.vocab_size, words * 32)
        pieces = [tokenizer.decode_bytes([token]) for token in range(size)]
        self._words = words
        self._rank = np.array([_rank(piece) for piece in pieces], np.float32)
        self._length = np.array([len(piece) if piece.isascii() else 0 for piece in pieces])
        special = [token for token in range(size) if tokenizer.is_special_token(token)]
        self._rank[special] = np.inf
        self._length[special] = 0

    def path(self, start: "LLMatcher", limit: int) -> list[int] | None:
        """At most `limit` tokens after which the answer is whole, None when none were found.

        A best-first search that takes the best looking token at each step, and turns to others
        when that leads nowhere. `start` is not changed.
        """
        order = count()
        heap: list[tuple[float, int, list[int], LLMatcher, frozenset[int]]] = []
        heapq.heappush(heap, (0.0, next(order), [], start.deep_copy(), frozenset()))
        for _ in range(_STATES):
            if not heap:
                return None
            cost, _, way, state, seen = heapq.heappop(heap)
            way = way + self._follow(state)
            if len(way) > limit:
                continue
            if state.is_accepting():
                return way
            mask = np.zeros(self._words, np.int32)
            state.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            looks = hash(mask.tobytes())
            cost += _STEP + (_AGAIN if looks in seen else 0.0)
            for place, token in enumerate(self._candidates(mask)):
                after = state.deep_copy()
                if after.consume_token(token):
                    entry = (cost + _DETOUR * place, next(order), [*way, token], after)
                    heapq.heappush(heap, (*entry, seen | {looks}))
        return None

    def leads(self, state: "LLMatcher", way: list[int]) -> bool:
        """Whether the answer is whole after `way`."""
        after = state.deep_copy()
        return bool(after.consume_tokens(way)) and bool(after.is_accepting())

    def _follow(self, state: "LLMatcher") -> list[int]:
        """Take what is forced, unless the answer is whole already."""
        if state.is_accepting():
            return []
        forced = list(state.compute_ff_tokens())
        state.consume_tokens(forced)
        return forced

    def _candidates(self, mask: NDArray[np.int32]) -> list[int]:
        """A few of the tokens in `mask` [words], the best looking first."""
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
        allowed = np.flatnonzero(bits)
        allowed = allowed[allowed < len(self._rank)]
        allowed = allowed[np.isfinite(self._rank[allowed])]
        ranks = self._rank[allowed]
        best: list[int] = allowed[np.argsort(ranks, kind="stable")[:_BRANCHES]].tolist()
        if best and ranks.min() >= 3:
            longest = int(allowed[self._length[allowed].argmax()])
            best = [longest, *(token for token in best if token != longest)]
        return best


def _rank(piece: bytes) -> float:
    """How much a token helps to an end, 0 the most; longer ones a little more."""
    if not piece:
        return np.inf
    if all(byte in b'"]}' for byte in piece):
        return 0.9 - 0.01 * len(piece)
    if all(byte in b'"[]{}' for byte in piece):
        return 1.9 - 0.01 * len(piece)
    if piece in _VALUES or piece == b"0":
        return 2.0
    if len(piece) == 1 and piece.isalnum():
        return 3.0 if any(value.startswith(piece) for value in _VALUES) else 4.0
    if piece.isascii() and piece.isalnum():
        return 5.0
    return 6.0 if piece.isascii() and piece.decode().isprintable() and b"\\" not in piece else 9.0
