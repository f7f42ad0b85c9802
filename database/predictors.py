"""Fitted predictors of indexes: fitted once, kept with the index version in the database."""

import json
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augursql.database.catalog import Catalog
from augursql.database.indexed import LoadedIndex
from augursql.database.memory import Memory
from augursql.engine.learning.predictor import (
    FitOptions,
    Predictor,
    fit_classifier,
    fit_regressor,
)
from augursql.errors import InvalidValueError, TrainingDataError
from augursql.types import Monitor
from augursql.udfs.predict import Labelled

MOST_INTEGER_CLASSES = 50
MOST_CLASSES = 1_000


@dataclass(frozen=True, slots=True)
class FittedTarget:
    """A predictor of one target, and the labelled texts it was fitted on."""

    predictor: Predictor
    labelled: Labelled


class Predictors:
    """Finds or fits the predictor of a target, once an index version."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        monitor: Monitor,
        memory: Memory,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._monitor = monitor
        self._lock = memory.lock
        self._fitted: dict[tuple[str, int, int, str, str], FittedTarget] = memory.fitted

    def forget(self) -> None:
        """Lets go of everything; what is needed next is read or fitted again."""
        self._fitted.clear()

    def get(self, index: LoadedIndex, target: str, options: FitOptions) -> FittedTarget:
        """The predictor of `target`. Raises TrainingDataError where nothing can be learned."""
        described = json.dumps([options.strategy, options.top, options.class_weight, options.seed])
        row = index.row
        key = (row.schema, row.id, row.version, target.lower(), described)
        with self._lock:
            if key not in self._fitted:
                self._fitted[key] = self._read_or_fit(index, target, options, described)
            return self._fitted[key]

    def labelled(self, index: LoadedIndex, target: str) -> Labelled:
        """The labelled texts alone, of any type and number of labels; nothing is fitted.

        Raises TrainingDataError where there are none.
        """
        rows = self._rows(index, target)
        column = rows.column("label").combine_chunks()
        return _labelled(rows.column("entry").to_numpy(), column, None, index.row.entries)

    def _rows(self, index: LoadedIndex, target: str) -> pa.Table:
        rows = index.labels(self._connection, target)
        if rows.num_rows == 0:
            raise TrainingDataError(
                f'No row of the index "{index.row.name}" has a value of "{target}".',
                hint=f"Label some rows, then REFRESH INDEX {index.row.name}.",
            )
        return rows

    def _read_or_fit(
        self, index: LoadedIndex, target: str, options: FitOptions, described: str
    ) -> FittedTarget:
        rows = self._rows(index, target)
        column = rows.column("label").combine_chunks()
        classes = _classes(column, target)
        labelled = _labelled(rows.column("entry").to_numpy(), column, classes, index.row.entries)
        stored = self._read(index, target, described)
        if stored is not None:
            return FittedTarget(stored, labelled)
        entries = rows.column("entry").to_numpy().astype(np.int64)
        self._monitor.begin(f"learning {target}", None)
        try:
            if classes is None:
                values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
                predictor = fit_regressor(
                    index.vectors, entries, values, index.retriever, options, self._monitor
                )
            else:
                labels = pc.index_in(_plain(column), classes).to_numpy().astype(np.int64)
                predictor = fit_classifier(
                    index.vectors,
                    entries,
                    labels,
                    len(classes),
                    index.retriever,
                    options,
                    self._monitor,
                )
        finally:
            self._monitor.end()
        self._write(index, target, described, predictor)
        return FittedTarget(predictor, labelled)

    def _read(self, index: LoadedIndex, target: str, described: str) -> Predictor | None:
        row = index.row
        found = self._connection.execute(
            f"SELECT fitted FROM {row.schema}.predictors WHERE index_id = ? AND index_version = ? "
            "AND lower(target) = lower(?) AND options = ?",
            [row.id, row.version, target, described],
        ).fetchall()
        return Predictor.from_bytes(found[0][0]) if found else None

    def _write(self, index: LoadedIndex, target: str, described: str, predictor: Predictor) -> None:
        row = index.row
        if row.schema != self._catalog.schema:
            return  # The file is read-only: the session keeps what it fitted.
        self._connection.execute(
            f"INSERT INTO {row.schema}.predictors VALUES (?, ?, ?, ?, ?, ?, ?, now())",
            [
                row.id,
                row.version,
                target,
                described,
                predictor.strategy,
                predictor.why,
                predictor.to_bytes(),
            ],
        )


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _classes(column: pa.Array, target: str) -> pa.Array | None:
    """The distinct labels, sorted, or None where the target is a number to be estimated."""
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return None
    classes = pc.unique(_plain(column))
    classes = classes.take(pc.sort_indices(classes))
    if pa.types.is_integer(column.type):
        return classes if len(classes) <= MOST_INTEGER_CLASSES else None
    if len(classes) > MOST_CLASSES:
        raise InvalidValueError(
            f'"{target}" has {len(classes):,} distinct values; at most {MOST_CLASSES:,} labels '
            "can be learned.",
            hint="A free text is not a label: group its values first.",
        )
    return classes


def _labelled(
    entries: np.ndarray, column: pa.Array, classes: pa.Array | None, count: int
) -> Labelled:
    """One label for each labelled text: the most frequent one, the first of equals."""
    plain = _plain(column)
    grouped = pa.table({"entry": entries, "label": plain}).group_by(["entry", "label"])
    counted = grouped.aggregate([([], "count_all")]).sort_by(
        [("entry", "ascending"), ("count_all", "descending"), ("label", "ascending")]
    )
    every = counted.column("entry").to_numpy()
    first = np.unique(every, return_index=True)[1]
    labels = counted.column("label").combine_chunks().take(pa.array(first))
    known = every[first].astype(np.int64)
    return Labelled(known, labels, len(known) == count, classes)
