"""predict(target, text USING INDEX ...): labels learned from an index, without leakage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.engine.learning.predictor import Predictor
from augursql.engine.retrieval.neighbours import Retriever
from augursql.udfs.chunk import chunk_of
from augursql.udfs.embed import counted
from augursql.udfs.embedder import Embedded, Embedder
from augursql.udfs.function import VectorFunction
from augursql.udfs.results import (
    Answer,
    ExplainedRow,
    Metadata,
    explained,
    most_probable,
    numbers,
    shaped,
)
from augursql.udfs.tally import Tally

EXPLAINED_ROWS = 5


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled texts of an index: `entries` int64 [n] sorted; `labels` [n] in the target's
    type, the most frequent one of each text; `all_entries`: no text is without a label;
    `classes`, the distinct labels, or None where the target is a number to be estimated."""

    entries: npt.NDArray[np.int64]
    labels: pa.Array
    all_entries: bool
    classes: pa.Array | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the answer looks: the DuckDB type, the clauses of WITH, and neighbours to show."""

    returns: str
    with_: tuple[str, ...]
    top: int | None
    index_version: int


@dataclass(frozen=True, slots=True)
class Learned:
    """A fitted predictor with what it needs at prediction; `texts` string [entries] or None
    unless an explanation is asked for."""

    predictor: Predictor
    retriever: Retriever
    labelled: Labelled
    texts: pa.Array | None


def predict_function(embedder: Embedder, learned: Learned, shape: Shape) -> VectorFunction:
    """`predict` with a fitted predictor. A text that the index holds never learns from itself."""
    tally = Tally()

    def compute(documents: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        chunk = chunk_of(documents)
        embedded = embedder.embed(chunk.texts)
        answer = _answer(embedded, learned)
        explanation = None
        if "explanation" in shape.with_:
            explanation = _explanation(embedded, learned, shape.top or EXPLAINED_ROWS)
        metadata = Metadata(
            embedder.encoder.name,
            shape.index_version,
            learned.predictor.strategy,
            embedded.cached,
            embedded.tokens,
            embedded.truncated,
        )
        column = shaped(answer, shape.with_, explanation, metadata)
        tally.add(counted(embedded, chunk.rows, started))
        return chunk.spread(column)

    return VectorFunction(("VARCHAR",), shape.returns, compute, tally, embedder.foresee)


def _answer(embedded: Embedded, learned: Learned) -> Answer:
    labelled = learned.labelled
    scores = learned.predictor.predict(embedded.vectors, embedded.own, learned.retriever)
    if labelled.classes is not None and scores.probabilities is not None:
        return most_probable(scores.probabilities, labelled.classes)
    values = scores.values if scores.values is not None else np.empty(0)
    return numbers(values, labelled.labels.type)


def _explanation(embedded: Embedded, learned: Learned, top: int) -> pa.Array:
    labelled = learned.labelled
    within = None if labelled.all_entries else labelled.entries
    found = learned.retriever.nearest(embedded.vectors, top, embedded.own, within)
    rows: list[Sequence[ExplainedRow]] = []
    for entries, similarities in zip(found.entries, found.similarities, strict=True):
        kept = entries >= 0
        positions = np.searchsorted(labelled.entries, entries[kept])
        texts = (
            learned.texts.take(pa.array(entries[kept])).to_pylist()
            if learned.texts is not None
            else [""] * int(kept.sum())
        )
        rows.append(
            [
                ExplainedRow(text, int(position), float(similarity))
                for text, position, similarity in zip(
                    texts, positions, similarities[kept], strict=True
                )
            ]
        )
    return explained(rows, labelled.labels)
