"""Ibis's expressions with predictions in them: `ibis.augur`."""

from pathlib import Path
from typing import Any

import pytest

from augursql.errors import NameNotFoundError

ibis = pytest.importorskip("ibis", reason="ibis-framework is not installed: make clients")
duckdb = pytest.importorskip("duckdb")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def hotels(database: str) -> Any:
    backend = ibis.augur.connect(database)
    backend.raw_sql("SET augur_progress = 'off'")
    yield backend
    backend.disconnect()


def rated(hotels: Any) -> Any:
    reviews = hotels.table("reviews")
    return reviews.mutate(predicted=hotels.predict("rating", reviews.review, index="hotels"))


def test_a_prediction_has_the_type_of_its_target(hotels: Any) -> None:
    assert rated(hotels).predicted.type() == ibis.dtype("int64")
    sure = hotels.predict("rating", ibis.literal("Lovely"), index="hotels", with_=["confidence"])
    assert sure.type().names == ("prediction", "confidence")
    assert 0 < hotels.execute(sure.confidence) < 1


def test_a_prediction_is_filtered_grouped_and_joined(hotels: Any) -> None:
    wanted = hotels.con.session.execute(
        "SELECT predict('rating', review USING INDEX hotels) AS p, count(*) FROM reviews "
        "GROUP BY p ORDER BY p"
    ).fetchall()
    table = rated(hotels)
    counts = table.group_by("predicted").agg(n=table.count()).order_by("predicted")
    assert [tuple(row.values()) for row in counts.to_pyarrow().to_pylist()] == wanted
    best = table.filter(table.predicted == 5).select("id")
    assert best.count().execute() == dict(wanted)[5]
    words = ibis.memtable({"predicted": [1, 5], "word": ["bad", "good"]})
    said = table.join(words, "predicted").group_by("word").agg(n=ibis._.count())
    frame = said.to_pandas().set_index("word").n
    assert dict(frame) == {"bad": dict(wanted)[1], "good": dict(wanted)[5]}


def test_nothing_is_computed_before_it_is_asked_for(hotels: Any) -> None:
    def rows_asked() -> int:
        found = hotels.con.session.execute("SELECT sum(rows)::BIGINT FROM augur_calls()")
        return found.fetchall()[0][0] or 0

    first = rated(hotels).select("predicted").limit(3)
    assert rows_asked() == 0
    assert sum(batch.num_rows for batch in first.to_pyarrow_batches()) == 3
    assert rows_asked() == 3


def test_sql_of_our_language_is_a_table(hotels: Any) -> None:
    found = hotels.sql("FROM search('hotels', 'no hot water', k := 2)")
    assert found.select("rank").order_by("rank").to_pyarrow().to_pydict() == {"rank": [1, 2]}
    given = hotels.sql(
        "PREDICT rating AS p USING INDEX hotels GIVEN SELECT id, review FROM reviews"
    )
    assert given.filter(given.id <= 3).p.count().execute() == 3
    assert hotels.sql("SHOW INDEXES").name.execute().tolist() == ["hotels"]


def test_classify_and_a_macro_as_a_builtin(hotels: Any) -> None:
    reviews = hotels.table("reviews")
    about = hotels.classify(reviews.review, ["food", "noise"])
    assert set(reviews.select(about=about).limit(5).about.execute()) <= {"food", "noise"}
    hotels.raw_sql("CREATE MACRO rate(x) AS predict('rating', x USING INDEX hotels)")

    @ibis.udf.scalar.builtin
    def rate(text: str) -> int: ...

    assert hotels.execute(rate(ibis.literal("Spotless, quiet, kind people"))) in range(1, 6)


def test_predictions_are_written_back(hotels: Any) -> None:
    hotels.create_table("scored", rated(hotels).select("id", "predicted"))
    hotels.create_view("seen", rated(hotels).select("id", "predicted"))
    assert hotels.table("scored").to_pyarrow().equals(hotels.table("seen").to_pyarrow())
    hotels.drop_view("seen")
    hotels.drop_table("scored")
    assert "scored" not in hotels.list_tables()


def test_a_wrong_name_is_told_at_once(hotels: Any) -> None:
    reviews = hotels.table("reviews")
    with pytest.raises(NameNotFoundError, match='Did you mean "hotels"'):
        hotels.predict("rating", reviews.review, index="hotel")


def test_an_address_and_an_open_connection(database: str) -> None:
    backend = ibis.connect(f"augur://{database}")
    assert rated(backend).count().execute() == 60
    backend.disconnect()
    backend = ibis.augur.from_connection(duckdb.connect(database))
    assert rated(backend).predicted.count().execute() == 60
    backend.disconnect()


def test_the_backend_of_duckdb_reads_a_view_of_ours(hotels: Any, database: str) -> None:
    hotels.create_view("seen", rated(hotels))
    plain = ibis.duckdb.connect(Path(database))
    assert plain.table("seen").predicted.count().execute() == 60
    plain.disconnect()
