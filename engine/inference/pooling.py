"""From one vector per token to one vector per text.

All three poolings are one weighted sum over the tokens, and differ in the weights alone, so that a
graph can pool without knowing which it is.
"""

import numpy as np
from numpy.typing import NDArray


def pooling_weights(pooling: str, lengths: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """The weights [n, width] of the tokens of n texts of those lengths, padded to `width`.

    'mean': equal over the real tokens; 'cls': the first token; 'last': the last real token.
    """
    positions = np.arange(width)[None, :]
    if pooling == "mean":
        real = positions < lengths[:, None]
        weights = real / np.maximum(lengths, 1)[:, None]
    else:
        weights = positions == (lengths * 0 if pooling == "cls" else lengths - 1)[:, None]
    return np.asarray(weights, dtype=np.float32)


def pool(states: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weighted sums [n, d] of token vectors [n, tokens, d] under weights [n, tokens]."""
    return np.asarray(np.einsum("nt,ntd->nd", weights, states), dtype=np.float32)


def normalized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows scaled to length 1; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
