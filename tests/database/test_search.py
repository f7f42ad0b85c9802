"""search(), similarity(), embed() and classify()."""

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection


def test_search_gives_the_rows_their_similarity_and_rank(indexed: Connection) -> None:
    cursor = indexed.execute("FROM search('hotels', 'the wifi did not work', k := 4)")
    assert cursor.description is not None
    assert [c[0] for c in cursor.description] == [
        *("id", "hotel", "city", "stayed_on", "title", "review", "rating", "similarity", "rank")
    ]
    rows = cursor.fetchall()
    assert [row[-1] for row in rows] == [1, 2, 3, 4]
    similarities = [row[-2] for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    assert any("wi-fi" in row[5].lower() or "wifi" in row[5].lower() for row in rows)


def test_a_filter_still_gives_k_rows(indexed: Connection) -> None:
    rows = indexed.execute(
        "SELECT rating FROM search('hotels', 'wonderful', k := 20, filter := 'rating = 1')"
    ).fetchall()
    assert rows == [(1,)] * 20
    few = indexed.execute(
        "SELECT city FROM search('hotels', 'x', k := 50, filter := 'city = ''Bristol'' AND id < 9')"
    ).fetchall()
    expected = indexed.execute(
        "SELECT city FROM reviews WHERE city = 'Bristol' AND id < 9"
    ).fetchall()
    assert few == expected
    with pytest.raises(errors.DataError, match="filter"):
        indexed.execute("FROM search('hotels', 'x', filter := 'nonsense > 3')")


def test_columns_of_the_user_with_our_names(con: Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT review, 77 AS rank, 'x' AS similarity FROM reviews")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    rows = con.execute("SELECT rank, similarity <= 1 FROM search('i', 'tea', k := 2)").fetchall()
    assert rows == [(1, True), (2, True)]


def test_search_for_each_row_of_a_table(indexed: Connection) -> None:
    rows = indexed.execute(
        "SELECT q.word, s.rank FROM (VALUES ('breakfast'), ('noise')) q(word), "
        "search('hotels', q.word, k := 3) s ORDER BY ALL"
    ).fetchall()
    assert rows == [(word, rank) for word in ("breakfast", "noise") for rank in (1, 2, 3)]


def test_graph_and_exact_search_agree(con: Connection) -> None:
    con.execute("CREATE INDEX exact ON reviews USING HNSW (review)")
    sql = "SELECT id FROM search('exact', 'a loud bar under the room', k := 5)"
    exactly = con.execute(sql).fetchall()
    con.execute("SET augur_exact_below = 10")
    described = dict(con.execute("DESCRIBE INDEX exact").fetchall())
    assert described["search"].startswith("hnsw")
    assert con.execute(sql).fetchall() == exactly


def test_embed_and_similarity(con: Connection) -> None:
    row = con.execute(
        "SELECT typeof(embed('a')), similarity('a cat', 'a kitten') AS near, "
        "similarity('a cat', 'the tax law') AS far, similarity('same', 'same') AS same, "
        "similarity(NULL, 'x') AS nothing, embed(NULL) AS none"
    ).fetchone()
    assert row is not None
    assert row[0] == "FLOAT[384]"
    assert row[1] > row[2]
    assert row[3] == pytest.approx(1)
    assert row[4:] == (None, None)


def test_similarity_is_the_cosine_of_embeddings(con: Connection) -> None:
    difference = con.execute(
        "SELECT max(abs(similarity(title, review) - "
        "array_cosine_similarity(embed(title), embed(review)))) FROM reviews"
    ).fetchone()
    assert difference is not None
    assert difference[0] < 1e-5


def test_classify_with_labels_and_descriptions(con: Connection) -> None:
    rows = con.execute(
        "SELECT classify(t, ['sports', 'cooking', 'politics']) FROM "
        "(VALUES ('the striker scored twice'), ('bake it for an hour'), (NULL)) v(t)"
    ).fetchall()
    assert rows == [("sports",), ("cooking",), (None,)]
    row = con.execute(
        "SELECT classify('bake it for an hour', [{'label': 'a', 'description': 'food and cooking'},"
        " {'label': 'b', 'description': 'sports and games'}] WITH CONFIDENCE, PROBABILITIES)"
    ).fetchone()
    assert row is not None
    answer = row[0]
    assert answer["prediction"] == "a"
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_classify_with_labels_from_a_column(con: Connection) -> None:
    rows = con.execute(
        "SELECT classify(t, labels) FROM (VALUES ('a goal', ['sport', 'food']), "
        "('a pie', ['food', 'law']), ('x', NULL)) v(t, labels)"
    ).fetchall()
    assert rows == [("sport",), ("food",), (None,)]
    con.execute(
        "CREATE TABLE l AS SELECT [{'label': 'a', 'description': 'cooking'}, "
        "{'label': 'b', 'description': 'football'}] AS labels"
    )
    assert con.execute("SELECT classify('a ripe tomato', labels) FROM l").fetchall() == [("a",)]
    with pytest.raises(errors.DataError, match="STRUCT"):
        con.execute("SELECT classify('x', [{'name': 'a'}])").fetchall()
    for bad in ("[]::VARCHAR[]", "['a', 'a']", "['a', NULL]"):
        with pytest.raises(errors.DataError, match="label"):
            con.execute(f"SELECT classify('x', {bad})").fetchall()


def test_words_of_ours_as_names_of_the_users(con: Connection) -> None:
    con.execute('CREATE TABLE predict ("model" INTEGER, embed INTEGER, search VARCHAR)')
    con.execute("INSERT INTO predict VALUES (1, 2, 'predict(''x'', y)')")
    assert con.execute("SELECT model, embed, search FROM predict").fetchall() == [
        (1, 2, "predict('x', y)")
    ]
    con.execute("CREATE MACRO embed(x) AS x + 1")
    assert con.execute("SELECT embed(41)").fetchall() == [(42,)]
    con.execute("DROP MACRO embed")
    assert con.execute("SELECT typeof(embed('a'))").fetchall() == [("FLOAT[384]",)]


def test_two_unnamed_searches_have_names_of_their_own(indexed: Connection) -> None:
    sql = (
        "SELECT search.rank, search_2.rank FROM search('hotels', 'view', k := 1), "
        "search('hotels', 'noise', k := 1) UNION ALL "
        "SELECT search.rank, s.rank FROM search('hotels', 'a', k := 1), "
        "search('hotels', 'b', k := 1) AS s"
    )
    assert indexed.execute(sql).fetchall() == [(1, 1), (1, 1)]
