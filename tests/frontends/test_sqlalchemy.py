"""SQLAlchemy's engine over our connections: statements, transactions, pools, errors."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("duckdb_sqlalchemy", reason="duckdb-sqlalchemy is installed for DuckDB 1.5")

from sqlalchemy import orm  # noqa: E402

import augursql  # noqa: E402

RATING = "predict('rating', review USING INDEX hotels)"


@pytest.fixture
def engine() -> Iterator[Any]:
    """A database in memory."""
    made = sa.create_engine("augur://?augur_progress=off")
    yield made
    made.dispose()


@pytest.fixture
def hotels(database: str) -> Iterator[Any]:
    """A file with `reviews` and the index `hotels`."""
    made = sa.create_engine(f"augur:///{database}?augur_progress=off")
    yield made
    made.dispose()


def evaluated(connection: Any) -> int:
    counted = sa.text("SELECT sum(evaluated) FROM augur_calls()")
    return int(connection.execute(counted).scalar_one() or 0)


def test_a_prediction(hotels: Any) -> None:
    with hotels.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT id, {RATING} AS p FROM reviews")).all()
    assert len(rows) == 60
    assert {row.p for row in rows} <= {1, 2, 3, 4, 5}


def test_expressions_hold_predictions(hotels: Any) -> None:
    reviews = sa.Table("reviews", sa.MetaData(), autoload_with=hotels)
    using = reviews.c.review.op("USING INDEX")(sa.literal_column("hotels"))
    spelled = sa.func.predict(sa.literal_column("'rating'"), using, type_=sa.Integer)
    literal = sa.literal_column(RATING, sa.Integer)
    query = sa.select(reviews.c.id, spelled.label("a"), literal.label("b")).where(spelled >= 4)
    with hotels.connect() as connection:
        rows = connection.execute(query.order_by(reviews.c.id)).all()
    assert rows and all(row.a == row.b >= 4 for row in rows)


def test_the_index_can_be_metadata(engine: Any) -> None:
    metadata = sa.MetaData()
    docs = sa.Table("docs", metadata, sa.Column("x", sa.Text), sa.Column("y", sa.Integer))
    sa.Index("near", docs.c.x, postgresql_using="hnsw")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(docs.insert(), [{"x": f"text {i}", "y": i % 2} for i in range(30)])
        connection.execute(sa.text("REFRESH INDEX near"))
        found = sa.text("SELECT x FROM search('near', 'text 7', k := 1)")
        assert connection.execute(found).scalar_one() == "text 7"


@pytest.mark.parametrize(
    ("written", "given", "value"),
    [
        ("SELECT 5::VARCHAR", {}, "5"),
        (r"SELECT $$a \:b$$", {}, "a :b"),
        (r"SELECT 'at 10\:30'", {}, "at 10:30"),
        ("SELECT '10:30 %s %(x) 100%'", {}, "10:30 %s %(x) 100%"),
        ("SELECT list_value(1, 2, 3)[1:2]", {}, [1, 2]),
        (r"SELECT [1, 2, 3][\:2]", {}, [1, 2]),
        ("SELECT {'a': 1}", {}, {"a": 1}),
        ("SELECT CAST(:a AS INTEGER) + :a", {"a": 2}, 4),
        ("SELECT :a || '?' || $$ $1 $$", {"a": "x"}, "x? $1 "),
    ],
)
def test_what_text_lets_pass(engine: Any, written: str, given: dict[str, Any], value: Any) -> None:
    with engine.connect() as connection:
        assert connection.execute(sa.text(written), given).scalar_one() == value


def test_parameters_in_predictions(hotels: Any) -> None:
    predict = sa.text("SELECT predict('rating', :x USING INDEX hotels) WHERE :x <> :y")
    search = sa.text("SELECT count(*) FROM search('hotels', :q, k := 5)")
    with hotels.connect() as connection:
        given = {"x": "Terrible, rude and dirty", "y": "nothing"}
        assert connection.execute(predict, given).scalar_one() in (1, 2, 3, 4, 5)
        assert connection.execute(search, {"q": "clean rooms"}).scalar_one() == 5


@pytest.mark.parametrize("options", [{"stream_results": True}, {"yield_per": 100}, {}])
def test_rows_are_streamed_and_computed_once(engine: Any, options: dict[str, Any]) -> None:
    with engine.connect() as connection:
        connection.execute(
            sa.text("CREATE TABLE t AS SELECT 'text ' || (i % 50) AS x FROM range(9000) r(i)")
        )
        query = sa.text("SELECT embed(x) IS NOT NULL FROM t")
        result = connection.execution_options(**options).execute(query)
        first = result.fetchmany(10)
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        assert len(first) + len(result.all()) == 9000
        assert evaluated(connection) == 50


def test_transactions(engine: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER PRIMARY KEY)"))
    with engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
        with engine.connect() as other:
            assert other.execute(sa.text("SELECT count(*) FROM t")).scalar_one() == 0
        connection.rollback()
        connection.execute(sa.text("INSERT INTO t VALUES (2)"))
        connection.commit()
        with pytest.raises(sa.exc.IntegrityError, match="(?i)duplicate key"):
            connection.execute(sa.text("INSERT INTO t VALUES (2)"))
        connection.rollback()
        assert connection.execute(sa.text("FROM t")).all() == [(2,)]


def test_autocommit(engine: Any) -> None:
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.get_isolation_level() == "AUTOCOMMIT"
        connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
        assert connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one() == 1


def test_threads_share_a_database_in_memory(engine: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
    failures: list[BaseException] = []

    def work(mark: int) -> None:
        try:
            for _ in range(5):
                with engine.begin() as connection:
                    connection.execute(sa.text("INSERT INTO t VALUES (:a)"), {"a": mark})
                    assert connection.execute(sa.text("SELECT embed('x') IS NOT NULL")).scalar()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one() == 20


def test_databases_in_memory_are_their_engines(engine: Any) -> None:
    other = sa.create_engine("augur://")
    for made in (engine, other):
        with made.begin() as connection:
            connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
    other.dispose()
    with other.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    other.dispose()
    assert sa.inspect(engine).get_table_names() == ["t"]


def test_ctrl_c_leaves_the_database_as_it_is(engine: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t AS FROM range(100) r(i)"))
    endless = sa.text("SELECT count(*) FROM range(10000000000) a(i) WHERE i % 7 = 8")
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt), engine.connect() as connection:
        connection.execute(endless).all()
    timer.join()
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one() == 100


def test_the_query_of_an_url(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with augursql.connect(str(path)) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS a")
    engine = sa.create_engine(f"augur:///{path}?read_only=true&threads=1&augur_dtype=fp32")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW augur_dtype")).scalar_one() == "fp32"
        assert connection.execute(sa.text("SELECT current_setting('threads')")).scalar_one() == 1
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            connection.execute(sa.text("INSERT INTO t VALUES (2)"))
    engine.dispose()
    with pytest.raises(sa.exc.ProgrammingError, match="augur_dtipe.*augur_dtype"):
        sa.create_engine("augur://?augur_dtipe=fp32").connect()


def test_connect_args_are_those_of_connect() -> None:
    given = {"settings": {"dtype": "fp32"}, "config": {"threads": 1}}
    engine = sa.create_engine("augur://", connect_args=given)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW augur_dtype")).scalar_one() == "fp32"
    engine.dispose()


def test_errors_are_sqlalchemys_with_our_text(hotels: Any) -> None:
    with hotels.connect() as connection:
        with pytest.raises(sa.exc.ProgrammingError) as caught:
            connection.execute(sa.text("SELECT predict('rating', 'x' USING INDEX hotel)"))
        assert 'Did you mean "hotels"?' in str(caught.value)
        assert "\n" + " " * 49 + "^^^^^" in str(caught.value)
        assert caught.value.orig.sqlstate == "42704"
        assert not caught.value.connection_invalidated
        connection.rollback()
        with pytest.raises(sa.exc.ProgrammingError, match="nowhere"):
            connection.execute(sa.text("FROM nowhere"))


def test_a_closed_connection_is_replaced(engine: Any) -> None:
    with engine.connect() as connection:
        connection.connection.dbapi_connection.close()
        with pytest.raises(sa.exc.InterfaceError) as caught:
            connection.execute(sa.text("SELECT 1"))
        assert caught.value.connection_invalidated
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


class Base(orm.DeclarativeBase):
    pass


class Hotel(Base):
    __tablename__ = "hotel"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    tags: orm.Mapped[list[str]] = orm.mapped_column(sa.ARRAY(sa.String))


def test_objects(engine: Any) -> None:
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all([Hotel(name=f"Hotel {i}", tags=["sea", str(i)]) for i in range(5)])
        session.commit()
        found = session.scalars(sa.select(Hotel).where(Hotel.name == "Hotel 3")).one()
        assert found.tags == ["sea", "3"]
        found.name = "Other"
        session.commit()
        changed = session.execute(sa.update(Hotel).where(Hotel.id > 2).values(name="x"))
        assert changed.rowcount == 3
        session.rollback()
        gone = sa.delete(Hotel).where(Hotel.id > 2).returning(Hotel.id)
        assert len(session.scalars(gone).all()) == 3


def test_inserted_rows_are_counted(engine: Any) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer))
    with engine.begin() as connection:
        table.create(connection)
        for count in (1, 7, 2_500, 12_000):
            rows = [{"a": i} for i in range(count)]
            assert connection.execute(table.insert(), rows).rowcount == count
        total = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        assert total == 14_508


def test_statements_are_compiled_once(engine: Any) -> None:
    query = sa.select(sa.literal(1, sa.Integer))
    with engine.connect() as connection:
        for _ in range(2):
            result = connection.execute(query)
            assert result.scalar_one() == 1
        assert result.context.cache_hit.name == "CACHE_HIT"
