"""What a search answers, and what can be searched: `Neighbours` and the `Retriever` protocol."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from augursql.errors import InvalidValueError

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Metric = Literal["cosine", "ip", "l2"]
METRICS: tuple[Metric, ...] = ("cosine", "ip", "l2")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest entries of q queries, best first.

    `entries` int64 [q, k], -1 where there are fewer than k. `similarities` float32 [q, k], -inf
    there. A similarity grows with nearness under every metric: the cosine for 'cosine', the inner
    product for 'ip', the negated Euclidean distance for 'l2'.
    """

    entries: Ids
    similarities: Floats

    @staticmethod
    def none(queries: int, k: int) -> "Neighbours":
        """Nothing found: -1 and -inf in shape [queries, k]."""
        return Neighbours(
            np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32)
        )


class Retriever(Protocol):
    """Whatever answers a batch of queries with entries of one index. Thread-safe."""

    @property
    def count(self) -> int:
        """The number of entries."""
        ...

    def nearest(
        self, queries: Floats, k: int, exclude: Ids | None = None, within: Ids | None = None
    ) -> Neighbours:
        """The k nearest entries of each query.

        `queries` float32 [q, d]; `exclude` int64 [q], the entry left out of that query's result,
        -1 or None for no entry; `within` int64 [m], sorted distinct entry ids that alone may be
        answered, None for all. Fewer than k candidates leave -1 at the end.
        """
        ...


def metric_named(name: str) -> Metric:
    """The metric of that name, any case. Raises InvalidValueError for an unknown one."""
    for metric in METRICS:
        if metric == name.strip().lower():
            return metric
    raise InvalidValueError(
        f"There is no metric {name!r}.", hint=f"Use one of: {', '.join(METRICS)}."
    )


def normalised(vectors: Floats) -> Floats:
    """Rows of [n, d] scaled to length one; a row of zeros stays. No copy where they are already."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    if np.all((np.abs(norms - 1) <= 1e-6) | (norms == 0)):
        return vectors
    scaled: Floats = vectors / np.where(norms > 0, norms, 1).astype(np.float32)[:, None]
    return scaled
