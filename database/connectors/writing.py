"""Rows on their way to a source: with the names and types of the columns that they go to."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from augursql.database.connectors.columns import Described
from augursql.database.result import Result
from augursql.errors import AugurError, InvalidValueError, NameNotFoundError, candidates
from augursql.planner.sources import WriteSource

BATCH = 2_048
# For columns of decimals without bounds, which are read as DOUBLE.
_UNBOUNDED = pa.decimal128(38, 12)


class Outgoing:
    """The rows of a result, computed while they are written. `failure` is what went wrong here
    and not in the source, whose driver keeps only the text of it.
    """

    def __init__(self, result: Result, statement: WriteSource, table: Described | None) -> None:
        """`table` is the one that is there. Raises NameNotFoundError, InvalidValueError."""
        self.failure: Exception | None = None
        self._result = result
        self._source = result.reader(BATCH)
        fields = list(self._source.schema)
        if not statement.creates and table is not None:
            names = [str(column[0]) for column in result.description or ()]
            fields = _targets(table, statement, names, self._source.schema.types)
        self._schema = pa.schema([pa.field(field.name, field.type) for field in fields])

    def reader(self, at_once: bool) -> pa.RecordBatchReader:
        """`at_once`: all rows are computed first, because they may come from the source itself,
        which cannot be read while it is written to."""
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.read_all().to_reader() if at_once else reader

    def close(self) -> None:
        """Lets go of the rows that were not read, so that DuckDB can run something else."""
        self._source.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            while True:
                with self._result.reading():
                    batch = next(iter(self._source), None)
                if batch is None:
                    return
                rows = pa.Table.from_batches([batch]).rename_columns(self._schema.names)
                yield from rows.cast(self._schema).to_batches()
        except pa.ArrowException as error:
            self.failure = InvalidValueError(f"A value does not fit its column: {error}")
            raise
        except (AugurError, duckdb.Error) as error:
            self.failure = error
            raise


def _targets(
    table: Described, statement: WriteSource, names: list[str], types: list[pa.DataType]
) -> list[pa.Field]:
    """The columns of the table that the columns of a query go to, in the query's order."""
    schema = table.schema
    wanted = names if statement.by_name else statement.columns or schema.names[: len(names)]
    if len(wanted) != len(names):
        raise InvalidValueError(
            f"INSERT INTO has {len(wanted)} columns, and the query {len(names)}.",
            span=statement.place,
        )
    folded = {name.lower(): name for name in schema.names}
    unknown = next((name for name in wanted if name.lower() not in folded), None)
    if unknown is not None:
        raise NameNotFoundError(
            f'The table has no column "{unknown}".',
            hint=candidates(unknown, schema.names),
            span=statement.place,
        )
    fields = [schema.field(folded[name.lower()]) for name in wanted]
    return [_written(table, field, type_) for field, type_ in zip(fields, types, strict=True)]


def _written(table: Described, field: pa.Field, type_: pa.DataType) -> pa.Field:
    """A column as its driver takes it."""
    if table.table.column(field.name).as_type != "double":
        return field
    return pa.field(field.name, type_ if pa.types.is_decimal(type_) else _UNBOUNDED)
