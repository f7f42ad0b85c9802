"""EVALUATE: how good predictions are, measured on rows whose answers are known.

The rows of GIVEN's query are read once; each rung predicts them as any query would, without
leakage, and what it said is compared with the rows' own values. The figures are kept in the table
`evaluations` of the catalog.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.database import listings
from augursql.database.calls import Calls
from augursql.database.catalog import Catalog
from augursql.database.result import Result
from augursql.database.state import Parameters, State
from augursql.database.transactions import atomic
from augursql.engine.learning import metrics
from augursql.planner.given import ROWS, Measured, Rung
from augursql.planner.plan import Explain, Query

COLUMNS = {
    "target": "VARCHAR",
    "rung": "VARCHAR",
    "model": "VARCHAR",
    "index": "VARCHAR",
    "rows": "BIGINT",
    "accuracy": "DOUBLE",
    "macro_f1": "DOUBLE",
    "log_loss": "DOUBLE",
    "calibration_error": "DOUBLE",
    "mae": "DOUBLE",
    "rmse": "DOUBLE",
    "r2": "DOUBLE",
    "spearman": "DOUBLE",
    "tokens": "BIGINT",
    "seconds": "DOUBLE",
}
KEPT = ", ".join(f'"{name}" {type_}' for name, type_ in COLUMNS.items())
TABLE = (
    "CREATE TABLE IF NOT EXISTS {schema}.evaluations "
    f"(evaluated_at TIMESTAMPTZ NOT NULL, statement VARCHAR NOT NULL, {KEPT})"
)
Figures = Mapping[str, float | None]


class Evaluations:
    """Measures, keeps and shows. `start` begins to run a query."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        calls: Calls,
        start: Callable[[Query | Explain, Parameters], None],
    ) -> None:
        self._state = state
        self._catalog = catalog
        self._calls = calls
        self._start = start

    def rows_sql(self, measured: Measured, written: str, parameters: Parameters) -> str:
        """Runs an EVALUATE, written like that, and returns a parenthesised SELECT of its rows.

        Raises AugurError; errors have their places in the user's text.
        """
        with measured.rows.origin.restoring():
            self._start(measured.rows.statement, parameters)
            self._state.connection.fetchall()
        try:
            listed = [self._rung(rung) for rung in measured.rungs]
        finally:
            self._state.connection.execute(f"DROP TABLE IF EXISTS {ROWS}")
        self._keep(written, listed)
        return listings.table_sql(COLUMNS, listed)

    def _rung(self, rung: Rung) -> listings.Row:
        first = len(self._calls.records)
        with rung.answers.origin.restoring():
            self._start(rung.answers.statement, None)
            table = Result(self._state.connection, nullcontext).arrow()
        record = self._calls.records[first]
        costs = record.counts
        self._calls.settle()
        answered = self._answered(table, rung)
        type_ = str(rung.bound.target_type)
        figures = dict(_figures(answered, type_)) if answered.num_rows else {}
        random = rung.call.order == "random" and not rung.bound.speaks
        known: dict[str, object] = {
            "target": rung.call.target,
            "rung": "random" if random else record.rung,
            "model": record.model,
            "index": None if rung.bound.index is None else rung.bound.index.name,
            "rows": answered.num_rows,
            "tokens": costs.tokens,
            "seconds": costs.seconds,
        }
        return [known.get(name, figures.get(name)) for name in COLUMNS]

    def _answered(self, table: pa.Table, rung: Rung) -> pa.Table:
        """The rows with a label and an answer; the others are counted, and told."""
        for column, what in (("label", f'value of "{rung.call.target}"'), ("predicted", "input")):
            missing = table.column(column).null_count
            if missing:
                rows = "row has" if missing == 1 else "rows have"
                text = f"{missing:,} {rows} no {what}: left out of EVALUATE."
                if text not in [notice.text for notice in self._state.notices]:
                    self._state.notice(text)
                table = table.filter(table.column(column).is_valid())
        return table

    def _keep(self, written: str, rows: Sequence[listings.Row]) -> None:
        self._catalog.create()
        schema, run = self._catalog.schema, self._state.connection.execute
        marks = ", ".join("?" * len(COLUMNS))
        with atomic(self._state.connection):
            run(TABLE.format(schema=schema))
            for row in rows:
                insert = f"INSERT INTO {schema}.evaluations VALUES (now(), ?, {marks})"
                run(insert, [written, *row])


def _figures(table: pa.Table, type_: str) -> Figures:
    """The metrics that fit: of the labels where there are probabilities, of the numbers else."""
    figures: dict[str, float | None] = {}
    if table.column("probabilities").null_count == 0:
        figures |= metrics.classification(*_classified(table))
    if type_ != "BOOLEAN" and table.column("value").null_count == 0 and _is_number(type_):
        number = table.column("number").to_numpy()
        figures |= metrics.regression(number, table.column("value").to_numpy())
    return figures


def _is_number(type_: str) -> bool:
    return type_ in ("FLOAT", "DOUBLE") or type_.endswith(("INT", "INTEGER")) or "DECIMAL" in type_


def _classified(table: pa.Table) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Probabilities [rows, classes] and the number of each label; a label that the index has not
    is a class of probability 0."""
    known = table.column("classes")[0].as_py()
    labels = table.column("label").to_pylist()
    numbers = {name: n for n, name in enumerate([*known, *sorted(set(labels) - set(known))])}
    given = table.column("probabilities").combine_chunks().flatten()
    probabilities = np.zeros((len(labels), len(numbers)))
    probabilities[:, : len(known)] = given.to_numpy().reshape(len(labels), len(known))
    return probabilities, np.array([numbers[label] for label in labels], np.int64)
