"""embed(text): FLOAT[dimensions], and similarity(a, b): DOUBLE, the cosine of two texts."""

import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augursql.udfs.chunk import chunk_of, vectors_array
from augursql.udfs.embedder import Embedded, Embedder
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import Counts, Tally


def counted(embedded: Embedded, rows: int, started: float) -> Counts:
    """The counts of a chunk whose distinct texts were embedded."""
    return Counts(
        rows=rows,
        inputs=len(embedded.own),
        evaluated=int((~embedded.cached).sum()),
        cached=int(embedded.cached.sum()),
        truncated=int(embedded.truncated.sum()),
        tokens=int(embedded.tokens[~embedded.cached].sum()),
        seconds=time.perf_counter() - started,
    )


def embed_function(embedder: Embedder) -> VectorFunction:
    """`embed` with one encoder."""
    tally = Tally()

    def compute(texts: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        chunk = chunk_of(texts)
        embedded = embedder.embed(chunk.texts)
        tally.add(counted(embedded, chunk.rows, started))
        return chunk.spread(vectors_array(embedded.vectors))

    return VectorFunction(
        ("VARCHAR",), f"FLOAT[{embedder.encoder.dimensions}]", compute, tally, embedder.foresee
    )


def similarity_function(embedder: Embedder) -> VectorFunction:
    """`similarity` with one encoder: both columns' distinct texts are embedded in one pass."""
    tally = Tally()

    def compute(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        rows = len(left)
        both = chunk_of(pa.chunked_array([*_chunks(left), *_chunks(right)], type=pa.string()))
        embedded = embedder.embed(both.texts)
        tally.add(counted(embedded, rows, started))
        norms = np.linalg.norm(embedded.vectors, axis=1, keepdims=True)
        unit = embedded.vectors / np.maximum(norms, 1e-12)
        a, b = both.index[:rows], both.index[rows:]
        null = pc.or_(a.is_null(), b.is_null()).to_numpy(zero_copy_only=False)
        i, j = a.fill_null(0).to_numpy(), b.fill_null(0).to_numpy()
        if not both.texts:
            return pa.nulls(rows, pa.float64())
        cosines = np.einsum("nd,nd->n", unit[i], unit[j], dtype=np.float64)
        return pa.array(np.clip(cosines, -1.0, 1.0), mask=null)

    return VectorFunction(("VARCHAR", "VARCHAR"), "DOUBLE", compute, tally, embedder.foresee)


def _chunks(column: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
    parts = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [part.cast(pa.string()) for part in parts]
