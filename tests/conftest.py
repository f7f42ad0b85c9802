"""What all tests share: a model store beside the checkout, and hotel reviews to learn from."""

import os
import shutil
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


@pytest.fixture(scope="session")
def indexed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with `reviews`, the index `hotels` and a fitted predictor of `rating`."""
    path = tmp_path_factory.mktemp("indexed") / "indexed.duckdb"
    with Connection(str(path), settings={"progress": "off"}) as connection:
        connection.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}'")
        connection.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
        connection.execute("SELECT predict('rating', review USING INDEX hotels) FROM reviews")
    return path


@pytest.fixture
def indexed(indexed_file: Path, tmp_path: Path) -> Iterator[Connection]:
    """A connection to a copy of it: embedding once serves many tests."""
    path = str(shutil.copy(indexed_file, tmp_path / "indexed.duckdb"))
    with Connection(path, settings={"progress": "off"}) as connection:
        yield connection


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The path of a database file with a table `reviews` and an index `hotels` of 60 rows."""
    path = str(tmp_path / "hotels.duckdb")
    with Connection(path, settings={"progress": "off"}) as connection:
        connection.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}' LIMIT 60")
        connection.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    return path
