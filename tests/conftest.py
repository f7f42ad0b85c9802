"""What all tests share: a model store beside the checkout, and hotel reviews to learn from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Models are prepared once and kept, so that a second run of the tests takes seconds.
os.environ.setdefault("AUGUR_HOME", str(ROOT / ".cache" / "augursql"))

from augursql.frontends.dbapi.connection import Connection  # noqa: E402

REVIEWS = ROOT / "sql_examples" / "hotel_reviews.csv"


@pytest.fixture
def con() -> Iterator[Connection]:
    """A connection in memory with the table `reviews`."""
    with Connection(settings={"progress": "off"}) as connection:
        connection.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}'")
        yield connection


@pytest.fixture
def indexed(con: Connection) -> Connection:
    """The same with the index `hotels`."""
    con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    return con


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The path of a database file with a table `reviews` and an index `hotels` of 60 rows."""
    path = str(tmp_path / "hotels.duckdb")
    with Connection(path, settings={"progress": "off"}) as connection:
        connection.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}' LIMIT 60")
        connection.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    return path
