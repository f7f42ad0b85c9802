"""Packing texts into batches: neighbours in length together, bounded by a budget of tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SLICE = 512


def slices(texts: Sequence[str], size: int = SLICE) -> list[NDArray[np.intp]]:
    """Positions of `texts` in slices of at most `size`, from the longest text to the shortest.

    Characters stand in for tokens here, because a slice is made before it is tokenised. Longest
    first, so that memory is tried at the start and the threads finish together.
    """
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    order = np.argsort(-lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions of `lengths` (tokens) in batches of at most `budget` padded tokens.

    A batch costs its longest member times its members. A text longer than the budget is a batch of
    its own. Batches run from long to short.
    """
    batches: list[list[int]] = []
    longest = 0
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not batches or longest * (len(batches[-1]) + 1) > budget:
            batches.append([])
            longest = max(1, lengths[position])
        batches[-1].append(position)
    return batches
