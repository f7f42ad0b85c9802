"""pandas and polars: frames from queries and tables from frames, with no row computed twice."""

from collections.abc import Iterator
from typing import Any

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
sa = pytest.importorskip("sqlalchemy")

# pandas says so of every connection that is neither SQLAlchemy's nor sqlite3's.
UNKNOWN = "ignore:pandas only supports SQLAlchemy:UserWarning"
TEXTS = "CREATE TABLE texts AS SELECT i, 'text ' || (i % 7) AS x FROM range(5000) r(i)"
QUERY = "SELECT i, embed(x) IS NOT NULL AS e FROM texts"


@pytest.fixture
def connection() -> Iterator[Connection]:
    with augursql.connect(settings={"progress": "off"}) as made:
        made.execute(TEXTS)
        yield made


@pytest.fixture
def alchemy() -> Iterator[Any]:
    """SQLAlchemy's connection."""
    pytest.importorskip("duckdb_sqlalchemy", reason="duckdb-sqlalchemy is for DuckDB 1.5")
    engine = sa.create_engine("augur://?augur_progress=off")
    with engine.connect() as made:
        made.execute(sa.text(TEXTS))
        yield made
    engine.dispose()


@pytest.fixture(params=["connection", "alchemy"])
def way(request: pytest.FixtureRequest) -> Any:
    """Both ways into a database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def frame() -> Any:
    days = pd.to_datetime(["2024-01-01", "2024-02-29", None])
    return pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y'z", None], "c": [1.5, 2, None], "d": days})


def spent(way: Any) -> tuple[int, int]:
    """How many texts were evaluated, and of how many rows."""
    sql = "SELECT sum(evaluated), sum(rows) FROM augur_calls()"
    rows = way.execute(sql if isinstance(way, Connection) else sa.text(sql)).fetchall()
    return rows[0][0], rows[0][1]


@pytest.mark.filterwarnings(UNKNOWN)
def test_read_sql(way: Any) -> None:
    found = pd.read_sql(QUERY, way)
    assert found.dtypes.astype(str).to_dict() == {"i": "int64", "e": "bool"}
    assert len(found) == 5000
    assert spent(way) == (7, 5000)


@pytest.mark.filterwarnings(UNKNOWN)
def test_read_sql_in_chunks(way: Any) -> None:
    if not isinstance(way, Connection):
        way = way.execution_options(stream_results=True)
    chunks = pd.read_sql(QUERY, way, chunksize=2000)
    first = next(chunks)
    assert [len(first), *(len(chunk) for chunk in chunks)] == [2000, 2000, 1000]
    assert spent(way) == (7, 5000)


def test_chunks_are_computed_as_they_are_read(alchemy: Any) -> None:
    alchemy.execute(sa.text("CREATE TABLE many AS SELECT i::VARCHAR AS x FROM range(600000) r(i)"))
    streamed = alchemy.execution_options(stream_results=True)
    query = "SELECT x, CASE WHEN x = '599999' THEN error('the end') END AS e FROM many"
    chunks = pd.read_sql(query, streamed, chunksize=1000)
    assert next(chunks)["x"].iloc[0] == "0"
    with pytest.raises(sa.exc.DBAPIError, match="the end"):
        for _ in chunks:
            pass


@pytest.mark.filterwarnings(UNKNOWN)
def test_read_sql_with_parameters(connection: Connection) -> None:
    assert len(pd.read_sql("FROM texts WHERE i < ?", connection, params=[3])) == 3
    assert len(pd.read_sql("FROM texts WHERE i < $n", connection, params={"n": 4})) == 4


def test_read_sql_of_sqlalchemys_expressions(alchemy: Any) -> None:
    query = sa.text("SELECT * FROM texts WHERE i < :n AND x <> $$a \\:b$$")
    assert len(pd.read_sql(query, alchemy, params={"n": 4})) == 4
    assert list(pd.read_sql("texts", alchemy, index_col="i").columns) == ["x"]


def test_to_sql(alchemy: Any, frame: Any) -> None:
    assert frame.to_sql("f", alchemy, index=False) == 3
    with pytest.raises(ValueError, match="already exists"):
        frame.to_sql("f", alchemy, index=False)
    assert frame.to_sql("f", alchemy, index=False, if_exists="append", chunksize=2) == 3
    assert len(pd.read_sql("f", alchemy)) == 6
    assert frame.to_sql("f", alchemy, index=False, if_exists="replace", method="multi") == 3
    pd.testing.assert_frame_equal(pd.read_sql("f", alchemy), frame, check_dtype=False)
    described = alchemy.execute(sa.text("SELECT column_type FROM (DESCRIBE f)")).scalars().all()
    assert described == ["BIGINT", "VARCHAR", "DOUBLE", "TIMESTAMP"]


def test_to_sql_of_many_rows(alchemy: Any) -> None:
    many = pd.DataFrame({"i": range(30_000), "x": [f"text {i % 9}" for i in range(30_000)]})
    assert many.to_sql("many", alchemy, index=False) == 30_000
    assert many.to_sql("many", alchemy, if_exists="append", index=False, chunksize=7_000) == 30_000
    total = alchemy.execute(sa.text("SELECT count(*), sum(i) FROM many")).one()
    assert tuple(total) == (60_000, 2 * sum(range(30_000)))


def test_to_sql_belongs_to_the_transaction(alchemy: Any, frame: Any) -> None:
    frame.to_sql("f", alchemy)
    alchemy.rollback()
    assert sa.inspect(alchemy).get_table_names() == []


@pytest.mark.filterwarnings(UNKNOWN)
def test_to_sql_with_a_connection_of_ours(connection: Connection, frame: Any) -> None:
    assert frame.to_sql("f", connection, index=False) == 3
    assert frame.to_sql("f", connection, index=False, if_exists="append", chunksize=2) == 3
    assert frame.to_sql("g", connection, index=False, if_exists="replace") == 3
    assert len(pd.read_sql("FROM f", connection)) == 6


def test_frames_are_tables_without_being_written(connection: Connection, frame: Any) -> None:
    assert connection.execute("SELECT sum(a) FROM frame").fetchall() == [(6,)]
    connection.register("given", frame)
    connection.execute("CREATE TABLE kept AS FROM given")
    connection.unregister("given")
    with pytest.raises(augursql.ProgrammingError, match="given"):
        connection.execute("FROM given")
    assert len(connection.execute("FROM kept").fetch_df()) == 3


def test_polars_reads(way: Any) -> None:
    found = pl.read_database(QUERY, way)
    assert found.schema == {"i": pl.Int64, "e": pl.Boolean}
    assert len(found) == 5000
    batches = pl.read_database(QUERY, way, iter_batches=True, batch_size=2000)
    assert [len(batch) for batch in batches] == [2000, 2000, 1000]
    assert spent(way) == (7, 10_000)


def test_polars_reads_all_types_as_arrow(connection: Connection) -> None:
    sql = "SELECT 1::UTINYINT AS a, 1.5::DECIMAL(5, 2) AS b, [1.5::FLOAT] AS c, {'x': 1} AS d"
    found = connection.execute(sql).fetch_polars()
    types = {"a": pl.UInt8, "b": pl.Decimal(5, 2), "c": pl.List(pl.Float32)}
    assert found.schema == {**types, "d": pl.Struct({"x": pl.Int32})}


def test_polars_writes(alchemy: Any) -> None:
    given = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert given.write_database("p", alchemy) == 2
    assert given.write_database("p", alchemy, if_table_exists="append") == 2
    assert pl.read_database("FROM p", alchemy).rows() == given.rows() * 2
