"""predict(): what it returns, for every kind of target and clause."""

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection


def test_the_main_sentence(indexed: Connection) -> None:
    rows = indexed.execute(
        "SELECT hotel, predict('rating', review USING INDEX hotels) FROM reviews"
    ).fetchall()
    assert len(rows) == 400
    assert {rating for _, rating in rows} <= {1, 2, 3, 4, 5}


def test_the_column_is_named_by_the_call_and_typed_by_the_target(indexed: Connection) -> None:
    cursor = indexed.execute(
        "SELECT predict('rating',  review USING INDEX hotels) FROM reviews LIMIT 1"
    )
    assert cursor.description is not None
    name, type_ = cursor.description[0][:2]
    assert name == "predict('rating', review USING INDEX hotels)"
    assert str(type_) == "BIGINT"


def test_it_learns(indexed: Connection) -> None:
    """Ratings from held-in rows, each predicted without itself, beat the commonest rating."""
    accuracy, near, commonest = indexed.execute(
        "SELECT avg((p = rating)::INT), avg((abs(p - rating) <= 1)::INT), "
        "avg((rating = (SELECT mode(rating) FROM reviews))::INT) FROM (SELECT rating, "
        "predict('rating', review USING INDEX hotels) AS p FROM reviews WHERE rating IS NOT NULL)"
    ).fetchone() or (0, 0, 1)
    assert accuracy > commonest + 0.1
    assert near > 0.75


def test_all_clauses_give_a_struct_in_the_order_of_the_language(indexed: Connection) -> None:
    row = indexed.execute(
        "SELECT p, typeof(p) FROM (SELECT predict('rating', review USING INDEX hotels TOP 3 "
        "WITH METADATA, EXPLANATION, PROBABILITIES, CONFIDENCE) AS p FROM reviews LIMIT 1)"
    ).fetchone()
    assert row is not None
    answer, type_ = row
    assert list(answer) == [
        "prediction",
        "confidence",
        "probabilities",
        "explanation",
        "metadata",
    ]
    assert type_.startswith("STRUCT(prediction BIGINT, confidence DOUBLE, probabilities MAP(BIGINT")
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["confidence"] == pytest.approx(max(answer["probabilities"].values()))
    assert answer["probabilities"][answer["prediction"]] == answer["confidence"]
    similarities = [row["similarity"] for row in answer["explanation"]["rows"]]
    assert len(similarities) == 3
    assert similarities == sorted(similarities, reverse=True)
    assert answer["metadata"]["index_version"] == 1
    assert answer["metadata"]["strategy"] in ("vote", "head")


def test_an_explanation_shows_indexed_rows_with_their_labels(indexed: Connection) -> None:
    explained = indexed.execute(
        "SELECT unnest(predict('rating', 'The wifi never worked and the room was filthy' "
        "USING INDEX hotels TOP 5 WITH EXPLANATION).explanation.rows, recursive := true)"
    ).fetchall()
    known = set(
        indexed.execute("SELECT review, rating FROM reviews WHERE rating IS NOT NULL").fetchall()
    )
    assert len(explained) == 5
    assert {(text, label) for text, label, _ in explained} <= known


@pytest.mark.parametrize(
    ("target", "type_"),
    [
        ("hotel", "VARCHAR"),
        ("rating >= 4", "BOOLEAN"),
        ("rating::DOUBLE", "DOUBLE"),
        ("rating::FLOAT", "FLOAT"),
        ("rating::DECIMAL(5,2)", "DECIMAL(5,2)"),
        ("rating::UTINYINT", "UTINYINT"),
        ("(CASE WHEN rating > 3 THEN 'good' ELSE 'bad' END)::ENUM('bad', 'good')", "ENUM"),
        ("rating * 1000 + id", "BIGINT"),
    ],
)
def test_targets_of_every_type(con: Connection, target: str, type_: str) -> None:
    con.execute(f"CREATE TABLE t AS SELECT review, {target} AS target FROM reviews LIMIT 120")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    rows = con.execute(
        "SELECT p.prediction, typeof(p.prediction), p.confidence FROM (SELECT predict('target', "
        "review USING INDEX i WITH CONFIDENCE) AS p FROM t)"
    ).fetchall()
    assert len(rows) == 120
    assert all(found.startswith(type_) for _, found, _ in rows)
    assert all(value is not None for value, _, _ in rows)


def test_numbers_are_estimated_better_than_by_their_mean(con: Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT review, rating::DOUBLE AS stars FROM reviews")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    error, mean_error = con.execute(
        "SELECT avg(abs(predict('stars', review USING INDEX i) - stars)), "
        "avg(abs((SELECT avg(stars) FROM t) - stars)) FROM t WHERE stars IS NOT NULL"
    ).fetchone() or (1, 0)
    assert error < 0.85 * mean_error


def test_a_target_that_cannot_be_predicted(indexed: Connection) -> None:
    with pytest.raises(errors.DataError, match="stayed_on"):
        indexed.execute("SELECT predict('stayed_on', review USING INDEX hotels) FROM reviews")


def test_null_and_empty_inputs(indexed: Connection) -> None:
    rows = indexed.execute(
        "SELECT t, predict('rating', t USING INDEX hotels WITH CONFIDENCE) FROM "
        "(VALUES (NULL), (''), ('clean and quiet')) AS v(t)"
    ).fetchall()
    assert rows[0] == (None, None)
    assert all(answer["prediction"] in range(1, 6) for _, answer in rows[1:])
    assert indexed.execute("SELECT predict('rating', NULL USING INDEX hotels)").fetchall() == [
        (None,)
    ]
    assert (
        indexed.execute(
            "SELECT predict('rating', review USING INDEX hotels) FROM reviews WHERE false"
        ).fetchall()
        == []
    )


def test_huge_and_odd_texts(indexed: Connection) -> None:
    texts = [
        "x" * 2_000_000,
        "word " * 300_000,
        "\u0000",
        "🏨" * 500,
        "e\u0301\u200d\ufeff",
        " \n\t",
    ]
    answers = [
        indexed.execute(
            "SELECT predict('rating', ? USING INDEX hotels WITH METADATA)", [text]
        ).fetchone()
        for text in texts
    ]
    assert all(answer is not None and answer[0]["prediction"] in range(1, 6) for answer in answers)
    truncated = [answer[0]["metadata"]["truncated"] for answer in answers if answer]
    assert truncated[1] is True
    assert truncated[4] is False


def test_several_inputs_are_one_document(con: Connection) -> None:
    con.execute("CREATE INDEX both ON reviews USING HNSW (title, review)")
    rows = con.execute(
        "SELECT r.rating, predict('rating', r.title, r.review USING INDEX both WITH METADATA) "
        "FROM reviews r"
    ).fetchall()
    assert all(answer["metadata"]["cached"] for _, answer in rows), "the indexed texts, found again"


def test_strategies_by_hand(indexed: Connection) -> None:
    for strategy in ("vote", "head"):
        found = indexed.execute(
            "SELECT DISTINCT predict('rating', review USING INDEX hotels WITH METADATA "
            f"OPTIONS (strategy = '{strategy}')).metadata.strategy FROM reviews LIMIT 5"
        ).fetchall()
        assert found == [(strategy,)]


def test_random_neighbours_are_worse_and_repeatable(indexed: Connection) -> None:
    sql = (
        "SELECT avg((predict('rating', review USING INDEX hotels TOP 5 {how}) = rating)::INT) "
        "FROM reviews WHERE rating IS NOT NULL"
    )
    first, again, semantic = (
        (indexed.execute(sql.format(how=how)).fetchone() or (0,))[0]
        for how in ("RANDOM OPTIONS (seed = 7)", "RANDOM OPTIONS (seed = 7)", "SEMANTIC")
    )
    assert first == again
    assert semantic > first


def test_named_arguments_instead_of_clauses(indexed: Connection) -> None:
    clauses = "SELECT predict('rating', review USING INDEX hotels TOP 5) FROM reviews ORDER BY id"
    named = "SELECT predict('rating', review, index := 'hotels', top := 5) FROM reviews ORDER BY id"
    assert indexed.execute(clauses).fetchall() == indexed.execute(named).fetchall()


def test_parameters_and_prepared_statements(indexed: Connection) -> None:
    text = "A filthy room and rude staff"
    (direct,) = indexed.execute(
        "SELECT predict('rating', ? USING INDEX hotels)", [text]
    ).fetchone() or (None,)
    indexed.execute("PREPARE p AS SELECT predict('rating', $1 USING INDEX hotels)")
    assert indexed.execute(f"EXECUTE p('{text}')").fetchall() == [(direct,)]
    assert direct in range(1, 6)


def test_calls_stand_wherever_an_expression_can(indexed: Connection) -> None:
    indexed.execute(
        "CREATE TABLE scored AS WITH r AS (SELECT * FROM reviews WHERE rating IS NULL) "
        "SELECT id, predict('rating', review USING INDEX hotels) AS rating FROM r"
    )
    (count,) = indexed.execute("SELECT count(rating) FROM scored").fetchone() or (0,)
    assert count == 24
    indexed.execute(
        "UPDATE reviews SET rating = predict('rating', review USING INDEX hotels) "
        "WHERE rating IS NULL"
    )
    assert indexed.execute("SELECT count(*) FROM reviews WHERE rating IS NULL").fetchall() == [(0,)]
    indexed.execute("REFRESH INDEX hotels")
    best = indexed.execute(
        "SELECT hotel, avg(predict('rating', review USING INDEX hotels)) AS mean FROM reviews "
        "GROUP BY hotel HAVING count(*) > 3 ORDER BY mean DESC LIMIT 3"
    ).fetchall()
    assert len(best) == 3


def test_quoted_names(con: Connection) -> None:
    con.execute(
        'CREATE TABLE "my ""odd"" table" AS SELECT review AS "the text", rating AS "Ra ting" '
        "FROM reviews LIMIT 40"
    )
    con.execute('CREATE INDEX "My Index" ON "my ""odd"" table" USING HNSW ("the text")')
    rows = con.execute(
        'SELECT predict(\'ra ting\', "the text" USING INDEX "my index") FROM "my ""odd"" table"'
    ).fetchall()
    assert len(rows) == 40
