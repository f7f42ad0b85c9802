"""search('index', query): the nearest rows of an index, for a chunk of queries in one call."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.engine.retrieval.neighbours import Neighbours, Retriever
from augursql.udfs.chunk import chunk_of
from augursql.udfs.embed import counted
from augursql.udfs.embedder import Embedder
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import Tally

# A double that was a float32: what just reaches a threshold must not miss it by rounding.
TOLERANCE = 1e-6
QUERIES, FIRST_SIZE = 256, 64
RETURNS = 'STRUCT("row" BIGINT, similarity DOUBLE, "rank" BIGINT)[]'
FOUND = pa.list_(
    pa.struct([("row", pa.int64()), ("similarity", pa.float64()), ("rank", pa.int64())])
)


@dataclass(frozen=True, slots=True)
class SearchableRows:
    """The rows that may be found: `rows` and `entries` int64 [m], sorted by entry; `all_entries`
    says that every entry of the index has such a row."""

    rows: npt.NDArray[np.int64]
    entries: npt.NDArray[np.int64]
    all_entries: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """At most `k` rows, none less similar than `threshold`; None is no limit."""

    k: int | None
    threshold: float | None


def search_function(
    embedder: Embedder, retriever: Retriever, searchable: SearchableRows, wanted: Wanted
) -> VectorFunction:
    """`search` with its index and filter. Equal texts share a similarity; the row's id decides.

    A row of the result is one indexed row, so k rows come back whenever k match, however many of
    them share a text.
    """
    tally = Tally()
    known = np.unique(searchable.entries)
    within = None if searchable.all_entries else known
    least = -np.inf if wanted.threshold is None else wanted.threshold - TOLERANCE

    def near(vectors: npt.NDArray[np.float32]) -> Neighbours:
        """The nearest entries; without a k, as many as reach the threshold for every query."""
        count = max(len(known), 1)
        size = min(wanted.k or FIRST_SIZE, count)
        while True:
            found = retriever.nearest(vectors, size, None, within)
            if wanted.k is not None or size == count or np.all(found.similarities[:, -1] < least):
                return found
            size = min(2 * size, count)

    def compute(queries: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        chunk = chunk_of(queries)
        embedded = embedder.embed(chunk.texts)
        found = list[list[dict[str, float]]]()
        for first in range(0, len(chunk.texts), QUERIES):
            nearest = near(embedded.vectors[first : first + QUERIES])
            found += [
                _rows(entries[similarities >= least], similarities, searchable, wanted.k)
                for entries, similarities in zip(nearest.entries, nearest.similarities, strict=True)
            ]
        tally.add(counted(embedded, chunk.rows, started))
        return chunk.spread(pa.array(found, FOUND))

    return VectorFunction(("VARCHAR",), RETURNS, compute, tally, embedder.foresee)


def _rows(
    entries: npt.NDArray[np.int64],
    similarities: npt.NDArray[np.float32],
    searchable: SearchableRows,
    k: int | None,
) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    for entry, similarity in zip(entries.tolist(), similarities.tolist(), strict=False):
        if entry < 0 or len(found) == k:
            break
        first, last = np.searchsorted(searchable.entries, [entry, entry + 1])
        rows = searchable.rows[first:last].tolist()
        for row in rows if k is None else rows[: k - len(found)]:
            found.append({"row": row, "similarity": similarity, "rank": len(found) + 1})
    return found
