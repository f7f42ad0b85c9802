"""Examples for a prompt: the labelled texts of an index that are nearest to a row, never itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augursql.engine.retrieval.neighbours import Retriever
from augursql.udfs.embedder import Embedded, Embedder
from augursql.udfs.memo import content_hash
from augursql.udfs.predict import Labelled


@dataclass(frozen=True, slots=True)
class Shot:
    """An indexed text, its position among the labelled ones, its similarity to a row."""

    text: str
    label: int
    similarity: float


class Shots:
    """`texts` string [entries] of the index; `labelled` None where any text is an example; `k` how
    many are wanted for a row.
    """

    def __init__(
        self,
        embedder: Embedder,
        retriever: Retriever,
        texts: pa.Array,
        labelled: Labelled | None,
        k: int,
    ) -> None:
        self._embedder = embedder
        self._retriever = retriever
        self._texts = texts
        self.labelled = labelled
        self.k = k

    @property
    def answers(self) -> list[str]:
        """The labels of the labelled texts, as text."""
        if self.labelled is None:
            return []
        found: list[str] = pc.cast(self.labelled.labels, pa.string()).to_pylist()
        return found

    def nearest(
        self, queries: Sequence[str], values: Sequence[Sequence[str]] | None = None
    ) -> list[list[Shot]]:
        """The examples of each query, the most similar first.

        A text that equals the query, or one of its `values`, is not among them.
        """
        return self._found(self._embedder.embed(queries), values)

    def foreseen(self, queries: Sequence[str]) -> list[list[Shot]]:
        """As `nearest` where the vectors of the queries are known; else any of the texts, which
        take about as many tokens. No model is asked.
        """
        embedded, unknown = self._embedder.recalled(queries)
        found = self._found(embedded, None)
        entries = range(self._retriever.count) if self.labelled is None else self.labelled.entries
        some = [int(entry) for entry in entries[: self.k]]
        any_of = [Shot(self._texts[entry].as_py(), n, 0.0) for n, entry in enumerate(some)]
        for i in unknown:
            found[i] = any_of
        return found

    def _found(
        self, embedded: Embedded, values: Sequence[Sequence[str]] | None
    ) -> list[list[Shot]]:
        own = embedded.own if values is None else self._own(embedded.own, values)
        within = None
        if self.labelled is not None and not self.labelled.all_entries:
            within = self.labelled.entries
        found = self._retriever.nearest(embedded.vectors, self.k, own, within)
        shots = list[list[Shot]]()
        for entries, similarities in zip(found.entries, found.similarities, strict=True):
            kept = entries >= 0
            texts = self._texts.take(pa.array(entries[kept])).to_pylist()
            places = entries[kept]
            if self.labelled is not None:
                places = np.searchsorted(self.labelled.entries, places)
            parts = zip(texts, places.tolist(), similarities[kept].tolist(), strict=True)
            shots.append([Shot(*part) for part in parts])
        return shots

    def _own(
        self, own: npt.NDArray[np.int64], values: Sequence[Sequence[str]]
    ) -> npt.NDArray[np.int64]:
        """The entry that a query, or else one of its values, equals; -1 for none."""
        found = own.copy()
        for i, texts in enumerate(values):
            for text in texts:
                if found[i] < 0:
                    found[i] = self._embedder.known.entry_of.get(content_hash(text), -1)
        return found
