"""A chunk's text column: which rows are NULL, which distinct texts there are, and back again."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Chunk:
    """`texts`, the distinct non-NULL texts; `index`, int64 [rows], the text of each row or NULL."""

    texts: list[str]
    index: pa.Array

    @property
    def rows(self) -> int:
        return len(self.index)

    def spread(self, values: pa.Array) -> pa.Array:
        """One value per distinct text becomes one per row; NULL rows stay NULL."""
        return values.take(self.index)


def chunk_of(column: pa.ChunkedArray | pa.Array) -> Chunk:
    """Reads a VARCHAR column as DuckDB hands it over."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    encoded = array.dictionary_encode()
    return Chunk(encoded.dictionary.to_pylist(), encoded.indices.cast(pa.int64()))


def vectors_array(vectors: npt.NDArray[np.float32]) -> pa.Array:
    """float32 [n, d] as an Arrow fixed-size list column, which DuckDB reads as FLOAT[d]."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
