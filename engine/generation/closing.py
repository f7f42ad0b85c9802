"""The way from the middle of an answer to its end: few tokens after which it is a whole value."""

import heapq
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_STATES = 400
_FEW = 3
_QUOTE = ord('"')
_VALUES = (b"null", b"true", b"false")
# Costs: a step; each token that looks better than the one taken; a state that looks as one just
# before, among this many, with nothing closed in between.
_STEP, _DETOUR, _AGAIN, _RECENT = 0.005, 0.3, 0.1, 4
# Looks: what closes, opens and closes, is a value, separates; a literal; then any of a class.
_CLOSES, _OPENS, _IS_VALUE, _SEPARATES, _LITERAL, _CLASS = range(6)


class Closing:
    """Finds such ways for one tokenizer. Thread-safe.

    It tries a few hundred tokens only: those of a single byte, and longer ones that close JSON.
    """

    def __init__(self, tokenizer: "LLTokenizer", words: int) -> None:
        pieces: dict[bytes, int] = {}
        for token in range(min(tokenizer.vocab_size, words * 32)):
            piece = tokenizer.decode_bytes([token])
            if _is_tried(piece) and not tokenizer.is_special_token(token):
                pieces[piece] = token
        self._words = words
        self._tokens = np.array(list(pieces.values()), np.int64)
        self._pieces = list(pieces)
        self._looks = [_look(piece) for piece in pieces]
        self._classes = [_class(piece) for piece in pieces]

    def path(self, start: "LLMatcher", limit: int) -> list[int] | None:
        """At most `limit` tokens after which the answer is whole, None when none were found.

        A best-first search that takes the best looking token at each step, and turns to others
        when that leads nowhere. `start` is not changed.
        """
        order = count()
        met: set[tuple[int, int]] = set()
        heap: list[tuple[float, int, list[int], LLMatcher, tuple[int, ...]]] = []
        heapq.heappush(heap, (0.0, next(order), [], start, ()))
        for _ in range(_STATES):
            if not heap:
                return None
            cost, _, way, before, seen = heapq.heappop(heap)
            state = before.deep_copy()
            if way and not state.consume_token(way[-1]):
                continue
            way = way + _followed(state)
            if len(way) > limit:
                continue
            if state.is_accepting():
                return way
            mask = np.zeros(self._words, np.int32)
            state.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            appearance = hash(mask.tobytes())
            if (len(way), appearance) in met:
                continue
            met.add((len(way), appearance))
            cost += _STEP + (_AGAIN if appearance in seen else 0.0)
            for place, (look, token) in enumerate(self._candidates(mask)):
                entry = (cost + _DETOUR * place, next(order), [*way, token], state)
                recent = (*seen, appearance)[-_RECENT:] if look >= _LITERAL else ()
                heapq.heappush(heap, (*entry, recent))
        return None

    def leads(self, state: "LLMatcher", way: list[int]) -> bool:
        """Whether the answer is whole after `way`."""
        after = state.deep_copy()
        return bool(after.consume_tokens(way)) and bool(after.is_accepting())

    def _candidates(self, mask: NDArray[np.int32]) -> list[tuple[float, int]]:
        """The tokens of `mask` [words] to try, with their looks, the best looking first.

        Of a class that is allowed as a whole (letters, say), one token stands for all; where only
        few of it are allowed, they are literals of the grammar, and lead on.
        """
        allowed = np.flatnonzero(mask[self._tokens // 32] >> (self._tokens % 32) & 1).tolist()
        sizes: dict[str, int] = {}
        for place in allowed:
            sizes[self._classes[place]] = sizes.get(self._classes[place], 0) + 1
        free = sizes.get("lower", 0) > 2 * _FEW
        found: list[tuple[float, int]] = []
        stands: set[str] = set()
        for place in sorted(allowed, key=self._looks.__getitem__):
            name, look = self._classes[place], self._looks[place]
            if look < _LITERAL and not _closes(self._pieces[place], free):
                continue
            if look >= _CLASS and sizes[name] <= _FEW:
                look = _LITERAL
            elif look >= _CLASS and name in stands:
                continue
            stands.add(name)
            found.append((look, int(self._tokens[place])))
        return sorted(found)


def _followed(state: "LLMatcher") -> list[int]:
    """Take what is forced, unless the answer is whole already."""
    if state.is_accepting():
        return []
    forced = list(state.compute_ff_tokens())
    state.consume_tokens(forced)
    return forced


def _is_tried(piece: bytes) -> bool:
    return len(piece) == 1 or piece in _VALUES or (bool(piece) and set(piece) <= set(b'"[]{}'))


def _look(piece: bytes) -> float:
    """How much a token helps to an end, 0 the most; longer ones a little more."""
    if set(piece) <= set(b'"]}'):
        return _CLOSES + 0.9 - 0.01 * len(piece)
    if set(piece) <= set(b'"[]{}'):
        return _OPENS + 0.9 - 0.01 * len(piece)
    if piece in _VALUES or piece == b"0":
        return _IS_VALUE
    if piece in b",:":
        return _SEPARATES
    order = ("digit", "lower", "upper", "sign", "other")
    return _CLASS + order.index(_class(piece)) + 0.001 * piece[0]


def _closes(piece: bytes, free: bool) -> bool:
    """Whether a token of JSON's is that in this place; it is text in a `free` one, but quotes."""
    if free:
        return piece[0] == _QUOTE
    return piece[0] != _QUOTE or piece in (b'"', b'""')


def _class(piece: bytes) -> str:
    if not piece.isascii() or not piece.decode().isprintable() or piece == b"\\":
        return "other"
    if piece.isdigit():
        return "digit"
    return "lower" if piece.islower() else "upper" if piece.isupper() else "sign"
