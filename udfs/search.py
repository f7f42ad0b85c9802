"""search('index', query): the nearest rows of an index, for a chunk of queries in one call."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.engine.retrieval.neighbours import Retriever
from augursql.planner.result import HITS
from augursql.udfs.chunk import chunk_of
from augursql.udfs.embed import counted
from augursql.udfs.embedder import Embedder
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import Tally

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


def search_function(
    embedder: Embedder, retriever: Retriever, searchable: SearchableRows, k: int
) -> VectorFunction:
    """`search` with its index, filter and k. Equal texts share a similarity; the row's id decides.

    A row of the result is one indexed row, so k rows come back whenever k match, however many of
    them share a text.
    """
    tally = Tally()
    known = np.unique(searchable.entries)
    within = None if searchable.all_entries else known

    def compute(queries: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        chunk = chunk_of(queries)
        embedded = embedder.embed(chunk.texts)
        nobody = np.full(len(chunk.texts), -1, np.int64)
        nearest = retriever.nearest(embedded.vectors, min(k, max(len(known), 1)), nobody, within)
        found = [
            _rows(entries, similarities, searchable, k)
            for entries, similarities in zip(nearest.entries, nearest.similarities, strict=True)
        ]
        tally.add(counted(embedded, chunk.rows, started))
        return chunk.spread(pa.array(found, FOUND))

    return VectorFunction(("VARCHAR",), HITS, compute, tally)


def _rows(
    entries: npt.NDArray[np.int64],
    similarities: npt.NDArray[np.float32],
    searchable: SearchableRows,
    k: int,
) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    for entry, similarity in zip(entries.tolist(), similarities.tolist(), strict=True):
        if entry < 0 or len(found) >= k:
            break
        first, last = np.searchsorted(searchable.entries, [entry, entry + 1])
        for row in searchable.rows[first:last].tolist()[: k - len(found)]:
            found.append({"row": row, "similarity": similarity, "rank": len(found) + 1})
    return found
