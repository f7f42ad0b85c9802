"""A table of a source in the shape of a pyarrow dataset, of which DuckDB asks what it needs."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset

from augursql.database.connectors.columns import Described, fitted
from augursql.database.connectors.conditions import columns_of, condition_of
from augursql.database.connectors.remote import Remote
from augursql.errors import AugurError, SourceError
from augursql.planner.remote import select_sql


class Scan(pa.dataset.Dataset):  # type: ignore[misc]
    """DuckDB asks a dataset for its `schema` and for a `scanner`, and nothing else.

    Filters that it hands over it does not apply again: the source may apply a part of them, all
    are applied to what it sends. `failures` keeps errors, of which DuckDB keeps only the text.
    """

    def __init__(self, remote: Remote, described: Described, failures: list[BaseException]) -> None:
        # Dataset's own cannot be called: there is no dataset of Arrow's behind this one.
        self.described = described
        self._remote = remote
        self._failures = failures

    @property
    def schema(self) -> pa.Schema:
        return self.described.schema

    def scanner(
        self, columns: Sequence[str] | None = None, filter: Any = None, **how: Any
    ) -> "Scanner":
        """What reads these columns of the rows that pass the filter, a pyarrow expression."""
        wanted = list(self.schema.names if columns is None else columns)
        return Scanner(self, wanted, filter)

    def batches(self, wanted: list[str], filter: Any) -> Iterator[pa.RecordBatch]:
        """The rows, while the source sends them."""
        try:
            yield from self._batches(wanted, filter)
        except AugurError as error:
            self._failures.append(error)
            raise
        except pa.ArrowException as error:
            failure = SourceError(f"The source sent what its table does not hold: {error}")
            self._failures.append(failure)
            raise failure from None

    def _batches(self, wanted: list[str], filter: Any) -> Iterator[pa.RecordBatch]:
        needed, condition = wanted, condition_of(filter, self.schema)
        if filter is not None:
            needed = wanted + [c for c in columns_of(filter, self.schema) if c not in wanted]
        described, first = self.described, self.described.first(needed)
        sql = select_sql(described.table, needed, condition, self._remote.target.dialect)
        schema = pa.schema([self.schema.field(name) for name in needed])
        skipped = bool(first)
        for batch in self._remote.read(f"{first} UNION ALL {sql}" if first else sql):
            rows = batch.slice(1) if skipped and batch.num_rows else batch
            skipped = skipped and not batch.num_rows
            table = fitted(pa.Table.from_batches([rows]), schema)
            if filter is not None:
                table = table.filter(filter).select(wanted)
            yield from table.to_batches()


class Scanner:
    """One reading of a `Scan`."""

    def __init__(self, scan: Scan, wanted: list[str], filter: Any) -> None:
        self._scan, self._wanted, self._filter = scan, wanted, filter

    @property
    def projected_schema(self) -> pa.Schema:
        return pa.schema([self._scan.schema.field(name) for name in self._wanted])

    def to_reader(self) -> pa.RecordBatchReader:
        batches = self._scan.batches(self._wanted, self._filter)
        return pa.RecordBatchReader.from_batches(self.projected_schema, batches)
