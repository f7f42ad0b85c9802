"""A trained predictor: what it answers, and its form as bytes."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from augursql.engine.learning.calibration import softmax
from augursql.engine.learning.examples import Doubles, Floats, Ids
from augursql.engine.learning.head import Head
from augursql.engine.learning.vote import Ballots, Vote
from augursql.engine.retrieval.neighbours import Neighbours, Retriever
from augursql.errors import ModelError

FORMAT = 1

Kind = Literal["classification", "regression"]
Strategy = Literal["vote", "head"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Answers for q queries.

    `probabilities` float64 [q, C], calibrated, rows summing to one; the prediction is the largest.
    `values` float64 [q] for numbers. The one of the other kind is None. `neighbours`: the labelled
    entries that voted, None from a head.
    """

    probabilities: Doubles | None
    values: Doubles | None
    neighbours: Neighbours | None


@dataclass(frozen=True, slots=True)
class Predictor:
    """A fitted vote or head.

    `why` is one clause on how it was chosen; `scores` the cross-validated metrics of each
    candidate, as {'head': {'accuracy': ...}, 'vote': {...}}. `columns` int64: which of the
    `classes` labels the model knows, in its order; the others have no labelled row and get
    probability 0. Both are empty for numbers.
    """

    kind: Kind
    strategy: Strategy
    why: str
    scores: Mapping[str, Mapping[str, float]]
    temperature: float
    classes: int
    columns: Ids
    model: Head | Vote

    @property
    def needs_neighbours(self) -> bool:
        """Whether predicting searches the index."""
        return isinstance(self.model, Vote)

    def predict(self, vectors: Floats, own: Ids, retriever: Retriever) -> Scores:
        """`vectors` float32 [q, d]; `own` int64 [q]: the entry with the same text, or -1.

        An entry never answers for itself: a vote leaves it out, a head answers with the weights of
        the fold that was fitted without it.
        """
        if isinstance(self.model, Head):
            return self._answer(self.model.scores(vectors, own), None)
        found = self.model.neighbours(vectors, own, retriever)
        if self.kind == "regression":
            return self._answer(self.model.means(found)[:, None], found)
        return self._answer(self.model.scores(found, own), found)

    def to_bytes(self) -> bytes:
        """The predictor as an npz archive without pickles."""
        about = {
            "format": FORMAT,
            "kind": self.kind,
            "strategy": self.strategy,
            "why": self.why,
            "scores": {name: dict(values) for name, values in self.scores.items()},
            "temperature": self.temperature,
            "classes": self.classes,
            "columns": self.columns.tolist(),
        }
        if isinstance(self.model, Head):
            arrays = _head_arrays(self.model)
        else:
            arrays = _ballot_arrays(self.model.ballots)
            about |= {
                "k": self.model.k,
                "tau": self.model.tau,
                "smoothing": self.model.smoothing,
            }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, about=text, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> "Predictor":
        """What `to_bytes` gave. Raises ModelError for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(arrays["about"].tobytes())
            if about["format"] != FORMAT:
                raise _unreadable(f"its format is {about['format']}, this version reads {FORMAT}")
            return _restored(about, arrays)
        except (
            ArithmeticError,
            AttributeError,
            EOFError,
            LookupError,
            NotImplementedError,  # zipfile's word for a compression it does not know
            OSError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise _unreadable(str(error) or type(error).__name__) from error

    def _answer(self, scores: Floats | Doubles, found: Neighbours | None) -> Scores:
        if self.kind == "regression":
            return Scores(None, scores[:, 0].astype(np.float64), found)
        probabilities = softmax(scores, self.temperature)
        if len(self.columns) == self.classes:
            return Scores(probabilities, None, found)
        all_classes = np.zeros((len(probabilities), self.classes))
        all_classes[:, self.columns] = probabilities
        return Scores(all_classes, None, found)


def _head_arrays(head: Head) -> dict[str, npt.NDArray[np.generic]]:
    return {"weights": head.weights, "entries": head.entries, "fold": head.fold}


def _ballot_arrays(ballots: Ballots) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "entries": ballots.entries,
        "start": ballots.start,
        "label": ballots.label,
        "weight": ballots.weight,
        "value": ballots.value,
    }


def _restored(about: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[np.generic]]) -> Predictor:
    kind, strategy = about["kind"], about["strategy"]
    columns = np.array(about["columns"], np.int64)
    if kind not in ("classification", "regression") or strategy not in ("vote", "head"):
        raise ValueError("its description is damaged")
    model: Head | Vote
    if strategy == "head":
        model = _restored_head(arrays)
    else:
        model = _restored_vote(about, arrays, max(1, len(columns)))
    return Predictor(
        kind,
        strategy,
        str(about["why"]),
        {name: dict(values) for name, values in about["scores"].items()},
        float(about["temperature"]),
        int(about["classes"]),
        columns,
        model,
    )


def _restored_head(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Head:
    weights = arrays["weights"].astype(np.float32)
    entries, fold = arrays["entries"].astype(np.int64), arrays["fold"].astype(np.int64)
    if weights.ndim != 3 or len(weights) < 1 or not 0 < len(entries) == len(fold):
        raise ValueError("its arrays do not fit together")
    return Head(weights, entries, fold)


def _restored_vote(
    about: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[np.generic]], classes: int
) -> Vote:
    ballots = Ballots(
        arrays["entries"].astype(np.int64),
        arrays["start"].astype(np.int64),
        arrays["label"].astype(np.int64),
        arrays["weight"].astype(np.float64),
        arrays["value"].astype(np.float64),
        classes,
    )
    pairs, count = len(ballots.label), len(ballots.entries)
    if not 0 < count == len(ballots.start) - 1 or ballots.start[-1] != pairs:
        raise ValueError("its arrays do not fit together")
    if pairs != len(ballots.weight) or ballots.label.max() >= classes:
        raise ValueError("its arrays do not fit together")
    return Vote(ballots, int(about["k"]), float(about["tau"]), float(about["smoothing"]))


def _unreadable(reason: str) -> ModelError:
    return ModelError(
        f"A stored predictor cannot be read: {reason}.",
        hint="REFRESH INDEX fits it again.",
    )
