"""Which search serves an index of a given size, and why."""

from dataclasses import dataclass
from typing import Literal

from augursql.engine.retrieval import hnsw


@dataclass(frozen=True, slots=True)
class Choice:
    """`method` is 'exact' or 'hnsw'; `why` one short clause for EXPLAIN and DESCRIBE INDEX."""

    method: Literal["exact", "hnsw"]
    why: str


def choose(count: int, exact_below: int) -> Choice:
    """The search for `count` entries: exact below `exact_below`, a graph from there on.

    Measured on 2 cores, k = 10, 384 dimensions, milliseconds exact / graph for a batch of

        entries       1 query       100 queries     2,048 queries
        1,000        0.2 / 0.1        2 /  5           31 /  56
        5,000        0.4 / 0.2        4 / 14           73 / 152
        10,000       0.7 / 0.3        7 / 19          129 / 208
        20,000       1.1 / 0.3       13 / 27          240 / 299
        50,000       2.6 / 0.4       32 / 28          537 / 430
        100,000      5.8 / 0.5       65 / 35        1,031 / 643

    so the lines cross near 2,000 entries for single queries, where neither takes a millisecond, and
    near 35,000 for batches.
    """
    if count < exact_below:
        return Choice("exact", f"{count:,} entries, under augur_exact_below = {exact_below:,}")
    if not hnsw.available():
        return Choice("exact", "hnswlib is not installed; a graph would be faster at this size")
    return Choice("hnsw", f"{count:,} entries")
