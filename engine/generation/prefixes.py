"""What prompts share at their beginnings is computed once.

Prompts in the order of their tokens are the leaves of a prefix tree, walked depth first: each has
the longest prefix that any earlier one could have given it in common with the one before it. So one
cache of one sequence is enough, of which each prompt overwrites what it does not share ("Optimizing
LLM Queries in Relational Data Analytics Workloads", MLSys 2025).
"""

from collections.abc import Callable, Sequence

import numpy as np

from augursql.engine.generation.decoder import Ids, Logits
from augursql.engine.generation.decoding import Decoding

_GRAIN = 256
# Longer prompts are fed in pieces: attention's scratch memory grows with both lengths, and a user
# who cancels does not want to wait.
PIECE = 512


def prefix_order(prompts: Sequence[Ids]) -> list[int]:
    """The places of the prompts, so that prompts with a common beginning follow one another."""
    # Big-endian bytes compare as the numbers do.
    keys = [prompt.astype(">u4").tobytes() for prompt in prompts]
    return sorted(range(len(prompts)), key=keys.__getitem__)


class Trunk:
    """The cache of one sequence, and the tokens in it. For one thread."""

    def __init__(self, decoder: Decoding) -> None:
        self._decoder = decoder
        self._tokens = np.empty(0, np.int64)
        self.cache = decoder.cache(1, _GRAIN)
        self.computed = 0

    @property
    def bytes(self) -> int:
        """What its cache takes when it is full."""
        return self.cache.capacity * self._decoder.shape.bytes_per_token

    def reserve(self, tokens: int) -> None:
        """Makes room for so many tokens; what was there is kept."""
        if tokens > self.cache.capacity:
            cache = self._decoder.cache(1, rounded(tokens))
            cache.copy(0, self.cache, 0, len(self._tokens))
            self.cache = cache

    def read(self, prompt: Ids, check: Callable[[], None]) -> Logits:
        """Puts a prompt of at least one token into the cache; the logits after its last token.

        `check` is called between pieces of long prompts, and may raise to stop.
        """
        self.reserve(len(prompt))
        shared = min(_common(self._tokens, prompt), len(prompt) - 1)
        # Should the run fail, only the shared part is there.
        self._tokens = prompt[:shared]
        for first in range(shared, len(prompt), PIECE):
            check()
            logits = self._decoder.extend(self.cache, prompt[first : first + PIECE], first)
        self._tokens = prompt
        self.computed += len(prompt) - shared
        return logits


def rounded(tokens: int) -> int:
    """A capacity for so many tokens that small differences do not change."""
    return -(-tokens // _GRAIN) * _GRAIN


def _common(first: Ids, second: Ids) -> int:
    size = min(len(first), len(second))
    differ = np.flatnonzero(first[:size] != second[:size])
    return int(differ[0]) if len(differ) else size
