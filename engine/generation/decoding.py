"""What runs a language model's tokens, whatever its graph looks like."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.decoder import CacheShape, Ids, Logits


class KeyValues(Protocol):
    """What a model remembers of some sequences."""

    capacity: int

    def copy(self, row: int, other: Any, other_row: int, tokens: int) -> None:
        """Overwrites the first tokens of a sequence by those of another, also of this one's."""


class Decoding(Protocol):
    """Tokens in, logits of the next one out. `cache` is what the method `cache` made.

    `decoder` writes into caches in place, `appended` runs graphs of other programs, `seq2seq`
    models with an encoder, for which a prompt is what the encoder reads.
    """

    shape: CacheShape

    def cache(self, rows: int, capacity: int) -> KeyValues:
        """Room for `rows` sequences of `capacity` tokens each."""

    def extend(self, cache: Any, ids: Ids, start: int) -> Logits:
        """Puts ids int64 [s] behind the first `start` tokens of the first sequence.

        Returns the logits [vocabulary] after the last of them.
        """

    def branch(
        self,
        cache: Any,
        ids: Ids,
        depths: Ids,
        attends: NDArray[np.bool_],
        start: int,
        nodes: range,
    ) -> Logits:
        """Feeds the given nodes of a tree behind the first `start` tokens of the first sequence:
        see `decoder`. Returns logits [nodes, vocabulary]."""

    def step(self, cache: Any, ids: Ids, lengths: Ids) -> Logits:
        """One token more for each of the first n sequences: ids int64 [n] at the places `lengths`.

        Returns logits [n, vocabulary].
        """
