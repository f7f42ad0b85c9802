"""A row never learns from itself."""

import pytest

from augursql.errors import OtherDocumentWarning
from augursql.frontends.dbapi.connection import Connection

NOISE = "CREATE TABLE noise AS SELECT id, review, (hash(id) % 2)::INTEGER AS coin FROM reviews"


@pytest.mark.parametrize("strategy", ["vote", "head", "auto"])
@pytest.mark.parametrize("table", ["reviews", "(SELECT * FROM reviews) AS reviews"])
def test_labels_that_are_noise_cannot_be_predicted(
    con: Connection, strategy: str, table: str
) -> None:
    """Coin flips: a predictor that saw the row's own label would be right most of the time."""
    con.execute("CREATE OR REPLACE TABLE reviews AS SELECT DISTINCT ON (review) * FROM reviews")
    con.execute(NOISE)
    con.execute("CREATE INDEX coins ON noise USING HNSW (review)")
    (accuracy,) = con.execute(
        f"SELECT avg((predict('coin', review USING INDEX coins "
        f"OPTIONS (strategy = '{strategy}')) = coin)::INT) FROM {table} "
        "JOIN noise USING (id, review)"
    ).fetchone() or (1,)
    assert accuracy < 0.62


@pytest.mark.parametrize("strategy", ["vote", "head"])
def test_duplicates_of_a_row_do_not_give_its_label_away(con: Connection, strategy: str) -> None:
    con.execute(NOISE)
    con.execute("INSERT INTO noise SELECT id + 1000, review, coin FROM noise")
    con.execute("CREATE INDEX coins ON noise USING HNSW (review)")
    (accuracy,) = con.execute(
        "SELECT avg((predict('coin', review USING INDEX coins "
        f"OPTIONS (strategy = '{strategy}')) = coin)::INT) FROM noise"
    ).fetchone() or (1,)
    assert accuracy < 0.62


def test_an_explanation_leaves_the_row_itself_out(indexed: Connection) -> None:
    found = indexed.execute(
        "SELECT review, list_transform(predict('rating', review USING INDEX hotels TOP 5 "
        "WITH EXPLANATION).explanation.rows, lambda r: r.text) FROM reviews"
    ).fetchall()
    assert all(review not in texts for review, texts in found)


def test_search_does_find_the_row_itself(indexed: Connection) -> None:
    (review,) = indexed.execute("SELECT review FROM reviews LIMIT 1").fetchone() or ("",)
    found = indexed.execute(
        "SELECT review, similarity FROM search('hotels', ?, k := 1)", [review]
    ).fetchone()
    assert found is not None
    assert found[0] == review
    assert found[1] == pytest.approx(1, abs=1e-5)


def test_part_of_a_document_is_warned_of(con: Connection) -> None:
    con.execute("CREATE INDEX both ON reviews USING HNSW (title, review)")
    with pytest.warns(OtherDocumentWarning, match="title"):
        con.execute("SELECT predict('rating', review USING INDEX both) FROM reviews").fetchall()
