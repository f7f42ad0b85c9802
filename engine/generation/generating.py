"""Free answers: a batch of sequences that rows enter and leave while the others go on."""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from augursql.engine.generation.decoder import Logits
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.prefixes import Trunk, prefix_order, rounded
from augursql.engine.generation.rows import AnswerRow
from augursql.types import Monitor

# Chooses the next token of each row from its logits float32 [n, vocabulary], and gives it to it.
Choose = Callable[[Logits, Sequence[AnswerRow]], None]
MOST_ROWS = 64


def generate(
    decoder: Decoding,
    trunk: Trunk,
    rows: Sequence[AnswerRow],
    choose: Choose,
    cache_bytes: int,
    monitor: Monitor,
) -> None:
    """Lets every row be finished; as many at a time as `cache_bytes` have room for.

    Raises ModelError, and what `monitor.check` raises on a cancel.
    """
    if rows:
        _Batch(decoder, trunk, rows, choose, cache_bytes).run(monitor)


class _Batch:
    def __init__(
        self,
        decoder: Decoding,
        trunk: Trunk,
        rows: Sequence[AnswerRow],
        choose: Choose,
        cache_bytes: int,
    ) -> None:
        self._decoder, self._trunk, self._choose = decoder, trunk, choose
        order = prefix_order([row.prompt for row in rows])
        self._waiting = deque(rows[place] for place in order)
        longest = rounded(max(len(row.prompt) + row.most - len(row.ids) for row in rows))
        each = longest * decoder.shape.bytes_per_token
        seats = min(len(rows), MOST_ROWS, max(1, cache_bytes // each))
        self._cache = decoder.cache(seats, longest)
        self._active: list[AnswerRow] = []
        # Per seat: how many tokens its cache holds.
        self._lengths = np.zeros(seats, np.int64)

    def run(self, monitor: Monitor) -> None:
        while self._waiting or self._active:
            while self._waiting and len(self._active) < len(self._lengths):
                self._enter(self._waiting.popleft(), monitor)
            monitor.check()
            if self._active:
                self._step(monitor)

    def _enter(self, row: AnswerRow, monitor: Monitor) -> None:
        logits = self._trunk.read(row.prompt, monitor.check)
        self._choose(logits[None], [row])
        if row.finished:
            monitor.advance(1)
            return
        seat = len(self._active)
        self._lengths[seat] = len(row.prompt)
        self._cache.copy(seat, self._trunk.cache, 0, len(row.prompt))
        self._active.append(row)

    def _step(self, monitor: Monitor) -> None:
        count = len(self._active)
        ids = np.array([row.next() for row in self._active], np.int64)
        logits = self._decoder.step(self._cache, ids, self._lengths[:count])
        self._lengths[:count] += 1
        wanting = [seat for seat, row in enumerate(self._active) if row.wants]
        if wanting:
            some = logits if len(wanting) == count else logits[wanting]
            self._choose(some, [self._active[seat] for seat in wanting])
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
            self._lengths[seat] = length
            self._active[seat] = self._active[last]
        self._active.pop()
