"""The table `augur.cache` and its SQL, on a connection that nobody else uses."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.planner.lexer import literal
from augursql.udfs.memo import HASH_BYTES
from augursql.udfs.stored import Stored

CREATE = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.cache (
    producer VARCHAR NOT NULL, input BLOB NOT NULL, value BLOB NOT NULL, tokens INTEGER NOT NULL,
    truncated BOOLEAN NOT NULL, bytes INTEGER NOT NULL, used TIMESTAMP NOT NULL);
"""
ROW_OVERHEAD = 64
KEPT_BY_EVICTION = 0.9

Prefixes = npt.NDArray[np.uint64]
Row = tuple[str, bytes, bytes, int, bool]


class CacheTable:
    """Every method raises duckdb.Error. `schema` is the SQL name of the table's schema.

    A row is a result: its producer, the 16-byte content hash of its input, its bytes and their
    number, the input's tokens, whether it was truncated, and when it was used last (UTC).
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self._name = f"{schema}.cache"

    def close(self) -> None:
        self._connection.close()

    def create(self) -> None:
        self._connection.execute(CREATE.format(schema=self._schema)).fetchall()

    def rows(self) -> int | None:
        """How many there are; None where there is no table."""
        try:
            return self._number(f"SELECT count(*) FROM {self._name}")
        except duckdb.CatalogException:
            return None

    def prefixes(self, producer: str) -> Prefixes:
        """`prefixes_of` all inputs of a producer, sorted."""
        found = self._arrow(
            f"SELECT input FROM {self._name} WHERE producer = {literal(producer)} "
            f"AND octet_length(input) = {HASH_BYTES}"
        )
        return np.sort(prefixes_of(found.column(0).to_pylist()))

    def fetch(
        self, producer: str, keys: Sequence[bytes], fresh_s: int
    ) -> tuple[Stored, list[bytes]]:
        """What is known of `keys`, and which of them were not used within `fresh_s` seconds."""
        with self._given(pa.table({"input": pa.array(keys, pa.binary())})):
            found = self._arrow(
                "SELECT input, value, tokens, truncated, "
                f"used < {_now()} - INTERVAL {fresh_s} SECOND FROM {self._name} "
                f"JOIN augur_given USING (input) WHERE producer = {literal(producer)}"
            )
        keys, values, tokens, truncated, old = (column.to_pylist() for column in found.columns)
        stored = Stored(keys, values, tokens, truncated)
        return stored, [key for key, is_old in zip(keys, old, strict=True) if is_old]

    def insert(self, rows: Sequence[Row]) -> None:
        """Adds rows; those that another session has added meanwhile stay as they are."""
        names = ("producer", "input", "value", "tokens", "truncated")
        with self._given(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))):
            self._connection.execute(
                f"INSERT INTO {self._name} SELECT producer, input, value, tokens, truncated, "
                f"octet_length(value), {_now()} FROM augur_given "
                f"ANTI JOIN {self._name} USING (producer, input)"
            ).fetchall()

    def touch(self, used: Sequence[tuple[str, bytes]]) -> None:
        """Notes that these were used now."""
        producers, keys = zip(*used, strict=True)
        with self._given(pa.table({"producer": producers, "input": keys})):
            self._connection.execute(
                f"UPDATE {self._name} AS c SET used = {_now()} FROM augur_given AS g "
                "WHERE c.producer = g.producer AND c.input = g.input"
            ).fetchall()

    def evict(self, capacity: int) -> None:
        """Deletes what was used longest ago where the rows take more than `capacity` bytes."""
        size = f"sum(bytes + {ROW_OVERHEAD})"
        if self._number(f"SELECT coalesce({size}, 0) FROM {self._name}") <= capacity:
            return
        self._connection.execute(
            f"DELETE FROM {self._name} WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, "
            f"{size} OVER (ORDER BY used DESC, rowid DESC) AS size FROM {self._name}) "
            f"WHERE size > {int(KEPT_BY_EVICTION * capacity)})"
        ).fetchall()

    @contextmanager
    def _given(self, given: pa.Table) -> Iterator[None]:
        """`given` as the table `augur_given`."""
        self._connection.register("augur_given", given)
        try:
            yield
        finally:
            self._connection.unregister("augur_given")

    def _number(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchall()[0][0])

    def _arrow(self, sql: str) -> pa.Table:
        # Without parameters: DuckDB 1.5 makes Python objects of the rows of a relation with some.
        return self._connection.sql(sql).to_arrow_table()


def prefixes_of(keys: Sequence[bytes]) -> Prefixes:
    """The first 8 bytes of 16-byte keys, as numbers."""
    return np.frombuffer(b"".join(keys), np.uint64)[::2].copy()


def _now() -> str:
    """The time in UTC as SQL, without the time zones of DuckDB's extension icu."""
    return f"make_timestamp({time.time_ns() // 1_000})"
