"""Free answers: a batch of sequences that rows enter and leave while the others go on."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.decoder import Decoder, Ids, Logits
from augursql.engine.generation.prefixes import Trunk, prefix_order, rounded
from augursql.types import Monitor


class Row(Protocol):
    """One answer in the making. `prompt` int64 [tokens], at least one; `most` tokens may follow.

    `take` appends a token and `finished` tells whether it was the last one.
    """

    prompt: Ids
    most: int

    def take(self, token: int) -> None: ...

    @property
    def finished(self) -> bool: ...


# Chooses the next token of each row, int64 [n], from its logits float32 [n, vocabulary].
Choose = Callable[[Logits, Sequence[Row]], NDArray[np.int64]]


def generate(
    decoder: Decoder,
    trunk: Trunk,
    rows: Sequence[Row],
    choose: Choose,
    cache_bytes: int,
    monitor: Monitor,
) -> None:
    """Lets every row be finished; as many at a time as the caches have room for in `cache_bytes`.

    Raises ModelError, and what `monitor.check` raises on a cancel.
    """
    if rows:
        _Batch(decoder, trunk, rows, choose, cache_bytes).run(monitor)


MOST_ROWS = 64


class _Batch:
    def __init__(
        self,
        decoder: Decoder,
        trunk: Trunk,
        rows: Sequence[Row],
        choose: Choose,
        cache_bytes: int,
    ) -> None:
        self._decoder, self._trunk, self._choose = decoder, trunk, choose
        order = prefix_order([row.prompt for row in rows])
        self._waiting = deque(rows[place] for place in order)
        longest = rounded(max(len(row.prompt) + row.most for row in rows))
        each = longest * decoder.shape.bytes_per_token
        self._seats = min(len(rows), MOST_ROWS, max(1, cache_bytes // each))
        self._cache = decoder.cache(self._seats, longest)
        self._active: list[Row] = []
        # Per seat: how many tokens its cache holds, and the token that comes next.
        self._lengths = np.zeros(self._seats, np.int64)
        self._next = np.zeros(self._seats, np.int64)

    def run(self, monitor: Monitor) -> None:
        while self._waiting or self._active:
            while self._waiting and len(self._active) < self._seats:
                monitor.check()
                self._enter(self._waiting.popleft(), monitor)
            monitor.check()
            if self._active:
                self._step(monitor)

    def _enter(self, row: Row, monitor: Monitor) -> None:
        logits = self._trunk.read(row.prompt)
        token = int(self._choose(logits[None], [row])[0])
        row.take(token)
        if row.finished:
            monitor.advance(1)
            return
        seat, length = len(self._active), len(row.prompt)
        self._cache.copy(seat, self._trunk.cache, 0, length)
        self._lengths[seat], self._next[seat] = length, token
        self._active.append(row)

    def _step(self, monitor: Monitor) -> None:
        count = len(self._active)
        logits = self._decoder.step(self._cache, self._next[:count], self._lengths[:count])
        chosen = self._choose(logits, self._active)
        self._lengths[:count] += 1
        self._next[:count] = chosen
        for row, token in zip(self._active, chosen.tolist(), strict=True):
            row.take(token)
        for seat in reversed(range(count)):
            if self._active[seat].finished:
                self._leave(seat)
                monitor.advance(1)

    def _leave(self, seat: int) -> None:
        """The last seat's row moves into the one that was left, so that seats have no gaps."""
        last = len(self._active) - 1
        if seat != last:
            length = int(self._lengths[last])
            self._cache.copy(seat, self._cache, last, length)
            self._lengths[seat], self._next[seat] = length, self._next[last]
            self._active[seat] = self._active[last]
        self._active.pop()
