"""What is learned from: labelled rows, gathered by the entry (the distinct text) they share.

An entry is the unit of folds, neighbours and features, so that duplicates never stand on both sides
of a split; a row is the unit of weight, so that an entry with many rows counts as many.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augursql.errors import TrainingDataError

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """Labels of n entries as p (example, label, rows) triples without repetition.

    `entries` int64 [n], sorted; `example` int64 [p], sorted, indexes `entries`; `label` int64 [p];
    `rows` float64 [p], how many rows say so; `classes`, labels are 0..classes-1.
    """

    entries: Ids
    example: Ids
    label: Ids
    rows: Doubles
    classes: int

    @property
    def count(self) -> int:
        return len(self.entries)

    @property
    def prior(self) -> Doubles:
        """Rows of each class, float64 [classes]."""
        return np.bincount(self.label, self.rows, self.classes).astype(np.float64)

    @property
    def majority(self) -> Ids:
        """The label most rows of each example carry, int64 [n]; the lowest of several."""
        order = np.lexsort((self.label, -self.rows, self.example))
        first = np.searchsorted(self.example[order], np.arange(self.count))
        labels: Ids = self.label[order][first]
        return labels

    def only(self, chosen: Ids) -> "Examples":
        """The examples at `chosen` (sorted int64 [k]), renumbered from 0."""
        place = np.full(self.count, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        kept = np.flatnonzero(place[self.example] >= 0)
        return Examples(
            self.entries[chosen],
            place[self.example[kept]],
            self.label[kept],
            self.rows[kept],
            self.classes,
        )


@dataclass(frozen=True, slots=True)
class Values:
    """Values of n entries: `mean` and `rows` float64 [n] of each, and the rows themselves.

    `entries` int64 [n], sorted; `example` int64 [m] and `value` float64 [m] are the rows.
    """

    entries: Ids
    mean: Doubles
    rows: Doubles
    example: Ids
    value: Doubles

    @property
    def count(self) -> int:
        return len(self.entries)

    def only(self, chosen: Ids) -> "Values":
        """The examples at `chosen` (sorted int64 [k]), renumbered from 0."""
        place = np.full(self.count, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        kept = np.flatnonzero(place[self.example] >= 0)
        return Values(
            self.entries[chosen],
            self.mean[chosen],
            self.rows[chosen],
            place[self.example[kept]],
            self.value[kept],
        )


def gather_labels(entries: Ids, labels: Ids, classes: int) -> Examples:
    """Examples of labelled rows: `entries` and `labels` int64 [m].

    Raises TrainingDataError for no rows or a label outside 0..classes-1.
    """
    _some(len(entries))
    if labels.min() < 0 or labels.max() >= classes:
        raise TrainingDataError(f"A label lies outside 0..{classes - 1}.")
    pairs, rows = np.unique(entries * classes + labels, return_counts=True)
    distinct, example = np.unique(pairs // classes, return_inverse=True)
    return Examples(
        distinct, example.astype(np.int64), pairs % classes, rows.astype(np.float64), classes
    )


def gather_values(entries: Ids, values: Doubles) -> Values:
    """Values of rows: `entries` int64 [m], `values` float64 [m].

    Raises TrainingDataError for no rows, or a value that is not a finite number.
    """
    _some(len(entries))
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise TrainingDataError(
            f"{wrong:,} values of the target are infinite or not a number.",
            hint="Set them to NULL or leave these rows out of the index.",
        )
    distinct, example = np.unique(entries, return_inverse=True)
    rows = np.bincount(example).astype(np.float64)
    mean = np.bincount(example, values) / rows
    return Values(distinct, mean, rows, example.astype(np.int64), values.astype(np.float64))


def _some(rows: int) -> None:
    if rows == 0:
        raise TrainingDataError(
            "No row of the index carries a label for this target.",
            hint="Fill in the target's column for a few rows, then REFRESH INDEX.",
        )
