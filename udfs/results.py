"""Shapes predictions as Arrow columns: the bare value, or the STRUCT of a WITH clause."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExplainedRow:
    """A retrieved text, its label as an index into the classes' or values' column, its cosine."""

    text: str
    label: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Metadata:
    """What every row of a call shares, and per row whether it was cached, tokens, truncation, and
    how many examples its prompt held."""

    model: str
    index_version: int | None
    strategy: str
    cached: npt.NDArray[np.bool_]
    tokens: npt.NDArray[np.int32]
    truncated: npt.NDArray[np.bool_]
    examples: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers for n distinct inputs: `prediction` [n] in the target's type; `confidence` float64
    [n], all NaN where the target is a number; `probabilities` [n, classes] or None."""

    prediction: pa.Array
    confidence: Probabilities
    probabilities: Probabilities | None
    classes: pa.Array | None


def shaped(
    answer: Answer,
    with_: Sequence[str],
    explanation: pa.Array | None,
    metadata: Metadata,
) -> pa.Array:
    """The column a call returns: `prediction` alone, or a struct with what `with_` names."""
    if not with_:
        return answer.prediction
    columns = {"prediction": answer.prediction}
    if "confidence" in with_:
        columns["confidence"] = pa.array(answer.confidence, mask=np.isnan(answer.confidence))
    if "probabilities" in with_:
        columns["probabilities"] = _map(answer)
    if "explanation" in with_ and explanation is not None:
        columns["explanation"] = explanation
    if "metadata" in with_:
        columns["metadata"] = _metadata(metadata)
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def most_probable(probabilities: Probabilities, classes: pa.Array) -> Answer:
    """The class with the highest probability of each row, float64 [n, classes]."""
    best = probabilities.argmax(axis=1) if len(classes) else np.empty(0, np.int64)
    confidence = probabilities[np.arange(len(best)), best]
    return Answer(classes.take(pa.array(best)), confidence, probabilities, classes)


def numbers(values: npt.NDArray[np.float64], type_: pa.DataType) -> Answer:
    """Predicted numbers, float64 [n], in the target's type: rounded and kept in its range."""
    if pa.types.is_integer(type_):
        limits = np.iinfo(type_.to_pandas_dtype())
        # The nearest doubles inside the range: int64's own bounds are not doubles.
        low, high = np.nextafter(float(limits.min), 0), np.nextafter(float(limits.max), 0)
        column = pa.array(np.clip(np.rint(values), low, high).astype(type_.to_pandas_dtype()))
    elif pa.types.is_decimal(type_):
        top = 10.0 ** (type_.precision - type_.scale) - 10.0**-type_.scale
        rounded = np.round(np.clip(values, -top, top), type_.scale)
        column = pc.cast(pa.array([f"{v:.{type_.scale}f}" for v in rounded]), type_)
    else:
        column = pa.array(values).cast(type_)
    return Answer(column, np.full(len(values), np.nan), None, None)


def explained(
    rows: Sequence[Sequence[ExplainedRow]],
    labels: pa.Array | None,
    prompts: Sequence[str] | None = None,
) -> pa.Array:
    """STRUCT(rows STRUCT(text, label, similarity)[], prompt) of each input; NULL where no prompt
    was sent. Without `labels` the rows have none.
    """
    flat = [row for group in rows for row in group]
    offsets = np.concatenate([[0], np.cumsum([len(group) for group in rows])]).astype(np.int32)
    columns = {"text": pa.array([row.text for row in flat], pa.string())}
    if labels is not None:
        columns["label"] = labels.take(pa.array([row.label for row in flat], pa.int64()))
    columns["similarity"] = pa.array([row.similarity for row in flat], pa.float64())
    structs = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    lists = pa.ListArray.from_arrays(pa.array(offsets), structs)
    sent = pa.array([None] * len(rows) if prompts is None else prompts, pa.string())
    return pa.StructArray.from_arrays([lists, sent], names=["rows", "prompt"])


def _map(answer: Answer) -> pa.Array:
    count = len(answer.prediction)
    if answer.probabilities is None or answer.classes is None:
        return pa.nulls(count, pa.map_(answer.prediction.type, pa.float64()))
    width = len(answer.classes)
    keys = answer.classes.take(pa.array(np.tile(np.arange(width), count)))
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * width)
    return pa.MapArray.from_arrays(offsets, keys, pa.array(answer.probabilities.ravel()))


def _metadata(metadata: Metadata) -> pa.Array:
    count = len(metadata.cached)
    return pa.StructArray.from_arrays(
        [
            pa.array([metadata.model] * count, pa.string()),
            pa.nulls(count, pa.int32()),
            pa.array([metadata.index_version] * count, pa.int32()),
            pa.array([metadata.strategy] * count, pa.string()),
            pa.array(metadata.cached),
            pa.array(metadata.tokens),
            pa.array(metadata.truncated),
            pa.nulls(count, pa.int32())
            if metadata.examples is None
            else pa.array(metadata.examples),
        ],
        names=[
            *("model", "version", "index_version", "strategy", "cached", "tokens", "truncated"),
            "examples",
        ],
    )
