"""Early stop: the rows below a LIMIT are handed to DuckDB in small batches that grow."""

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from augursql.database.state import Parameters

FIRST_ROWS, SMALLEST_BATCH, LARGEST_BATCH = 32, 8, 2_048
MOST_ROWS = 1_000_000
PIECE = 65_536
_NAMED = re.compile(r"\$(\w+)")


def register_stream(
    connection: duckdb.DuckDBPyConnection, name: str, sql: str, parameters: Parameters
) -> bool:
    """Makes the rows of a query readable once, under a name.

    False where they are too many to hold in memory, or a type would not come back the same.
    """
    wanted = chosen(parameters, sql)
    connection.execute(sql, wanted) if wanted else connection.execute(sql)
    types = [str(column[1]) for column in connection.description or ()]
    found, rows = list[pa.RecordBatch](), 0
    with warnings.catch_warnings():
        # DuckDB 2.0 advises against it, because it copies the rows once; so be it.
        warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
        reader: Any = connection.to_arrow_reader(PIECE)
    for batch in reader:
        found.append(batch)
        rows += batch.num_rows
        if rows > MOST_ROWS:
            return False
    table = pa.Table.from_batches(found, reader.schema).combine_chunks()
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    stream = pa.RecordBatchReader.from_batches(table.schema, _growing(table, int(threads)))
    connection.register(name, stream)
    described = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    if [str(row[1]) for row in described] == types:
        return True
    connection.unregister(name)
    return False


def chosen(parameters: Parameters, sql: str) -> Mapping[str, object]:
    """Those parameters that are told by name or number in `sql`: DuckDB takes no others."""
    if parameters is None:
        return {}
    numbered = enumerate(parameters, start=1)
    given = (
        dict(parameters) if isinstance(parameters, Mapping) else {str(n): v for n, v in numbered}
    )
    return {name: given[name] for name in _NAMED.findall(sql) if name in given}


def _growing(table: pa.Table, threads: int) -> Iterator[pa.RecordBatch]:
    """Each thread takes a batch before the first is answered: batches grow after all have one."""
    at, size, taken = 0, max(SMALLEST_BATCH, FIRST_ROWS // threads), 0
    while at < table.num_rows:
        yield from table.slice(at, size).to_batches()
        at, taken = at + size, taken + 1
        if taken % threads == 0:
            size = min(size * 2, LARGEST_BATCH)
