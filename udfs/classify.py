"""classify(text, labels): zero-shot, the label whose name and description is nearest."""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.engine.learning.zeroshot import classify
from augursql.errors import InvalidValueError
from augursql.udfs.chunk import chunk_of
from augursql.udfs.embed import counted
from augursql.udfs.embedder import Embedded, Embedder
from augursql.udfs.function import VectorFunction
from augursql.udfs.results import Metadata, explained, most_probable, shaped
from augursql.udfs.tally import Tally

Label = tuple[str, str]


def classify_function(embedder: Embedder, with_: Sequence[str], returns: str) -> VectorFunction:
    """`classify` with one encoder. Each row may bring labels of its own; NULL labels give NULL.

    Labels come as JSON: a list of texts, or of objects with `label` and `description`.

    Raises InvalidValueError for an empty list of labels, or a NULL or repeated label.
    """
    tally = Tally()

    def compute(texts: pa.ChunkedArray, labels: pa.ChunkedArray) -> pa.Array:
        started = time.perf_counter()
        chunk = chunk_of(texts)
        text_of_row = chunk.index.fill_null(-1).to_numpy()
        sets = rows_by_labels(labels, text_of_row)
        embedded = embedder.embed(chunk.texts)
        parts, take, answered = [], np.full(chunk.rows, -1, np.int64), 0
        for label_set, rows in sets.items():
            texts_used, place = np.unique(text_of_row[rows], return_inverse=True)
            vectors = embedder.embed([_document(label) for label in label_set]).vectors
            probabilities = classify(embedded.vectors[texts_used], vectors)
            names = pa.array([name for name, _ in label_set], pa.string())
            answer = most_probable(probabilities, names)
            nothing = explained([[]] * len(texts_used), names)
            metadata = _metadata(embedder, embedded, texts_used)
            parts.append(shaped(answer, with_, nothing, metadata))
            take[rows] = answered + place
            answered += len(texts_used)
        tally.add(counted(embedded, chunk.rows, started))
        if not parts:
            return pa.nulls(chunk.rows)
        return pa.concat_arrays(parts).take(pa.array(take, mask=take < 0))

    return VectorFunction(("VARCHAR", "VARCHAR"), returns, compute, tally, embedder.foresee)


def rows_by_labels(
    column: pa.ChunkedArray, text_of_row: npt.NDArray[np.int64]
) -> dict[tuple[Label, ...], npt.NDArray[np.int64]]:
    """The rows with a text, of number `text_of_row` or -1, by the labels that they are given.

    Raises InvalidValueError for labels that cannot be used.
    """
    sets = chunk_of(column)
    set_of_row = sets.index.fill_null(-1).to_numpy()
    found: dict[tuple[Label, ...], npt.NDArray[np.int64]] = {}
    for number, text in enumerate(sets.texts):
        rows = np.flatnonzero((set_of_row == number) & (text_of_row >= 0))
        labels = json.loads(text)
        if len(rows) and labels is not None:
            found[_checked(labels)] = rows
    return found


def _checked(labels: Any) -> tuple[Label, ...]:
    if not isinstance(labels, list) or not labels:
        raise InvalidValueError("classify() needs a list of labels, at least one.")
    made = tuple(_label(label) for label in labels)
    names = [name for name, _ in made]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidValueError(f"classify() was given the label {repeated!r} twice.")
    return made


def _label(value: Any) -> Label:
    if isinstance(value, dict):
        if not set(value) <= {"label", "description"} or "label" not in value:
            raise InvalidValueError(
                f"A label of classify() has the fields {', '.join(value)}.",
                hint="A label is a text or STRUCT(label, description).",
            )
        name, description = value["label"], value.get("description")
    else:
        name, description = value, None
    if name is None:
        raise InvalidValueError("A label of classify() is NULL.", hint="Leave it out.")
    return str(name), str(description or "")


def _document(label: Label) -> str:
    """What is embedded for a label: identifiers such as `card_lost` read as words."""
    name, description = label
    words = name.replace("_", " ")
    return f"{words}: {description}" if description else words


def _metadata(embedder: Embedder, embedded: Embedded, texts: npt.NDArray[np.int64]) -> Metadata:
    return Metadata(
        embedder.encoder.name,
        None,
        "zero-shot",
        embedded.cached[texts],
        embedded.tokens[texts],
        embedded.truncated[texts],
    )
