"""CREATE, REFRESH, DROP, SHOW and DESCRIBE INDEX."""

import duckdb
import pytest

from augursql.database.indexing import IndexBuilder
from augursql.errors import StaleIndexWarning
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection


def evaluated(con: Connection) -> int:
    """Texts that the last statement but this one sent to a model."""
    row = con.execute(
        "SELECT coalesce(sum(evaluated), 0) FROM augur_calls() "
        "WHERE statement = (SELECT max(statement) FROM augur_calls())"
    ).fetchone()
    return int(row[0]) if row else 0


def test_show_and_describe(indexed: Connection) -> None:
    assert indexed.execute("SHOW INDEXES").fetchall() == [
        ("hotels", '"main"."reviews"', ["review"], "minilm", 1, 400, 394)
    ]
    names = indexed.execute("SELECT name FROM (SHOW INDEXES) WHERE rows > 10").fetchall()
    assert names == [("hotels",)]
    described = dict(indexed.execute("DESCRIBE INDEX hotels").fetchall())
    assert described["distinct texts"] == "394"
    assert described["rows lacking"] == "0"
    assert described["search"].startswith("exact")
    model = dict(indexed.execute("FROM (DESCRIBE MODEL minilm)").fetchall())
    assert model["provider"] == "CPUExecutionProvider"
    assert model["dimensions"] == "384"


def test_nothing_of_the_index_is_embedded_again(indexed: Connection) -> None:
    sql = "SELECT predict('rating', review USING INDEX hotels) FROM reviews"
    indexed.execute(sql).fetchall()
    assert evaluated(indexed) == 0
    indexed.execute(sql).fetchall()
    assert evaluated(indexed) == 0


def test_duplicates_cost_what_their_distinct_texts_cost(con: Connection) -> None:
    con.execute(
        "CREATE TABLE many AS SELECT r.review || ' indeed' AS t FROM "
        "(SELECT DISTINCT review FROM reviews LIMIT 100) r, range(100)"
    )
    con.execute("SELECT embed(t) FROM many").fetchall()
    rows, cost = con.execute(
        "SELECT rows, evaluated FROM augur_calls() ORDER BY statement DESC LIMIT 1"
    ).fetchone() or (0, 0)
    assert (rows, cost) == (10_000, 100)


def test_a_stale_index_answers_with_a_warning(indexed: Connection) -> None:
    indexed.execute("INSERT INTO reviews (id, review, rating) VALUES (900, 'Lovely', 5)")
    with pytest.warns(StaleIndexWarning, match="lacks 1 row"):
        indexed.execute("SELECT predict('rating', 'x' USING INDEX hotels)").fetchall()
    assert "REFRESH INDEX" in indexed.notices[0].text
    indexed.execute("REFRESH INDEX hotels")
    indexed.execute("SELECT predict('rating', 'x' USING INDEX hotels)").fetchall()
    assert not indexed.notices


def test_refresh_embeds_new_texts_only_and_forgets_deleted_rows(indexed: Connection) -> None:
    sql = "SELECT id FROM search('hotels', 'zebras in the swimming pool', k := 1)"
    indexed.execute("INSERT INTO reviews (id, review) VALUES (901, 'Zebras in the swimming pool')")
    indexed.execute("DELETE FROM reviews WHERE id = 1")
    indexed.execute("REFRESH INDEX hotels")
    assert indexed.execute("SELECT version, rows FROM (SHOW INDEXES)").fetchall() == [(2, 400)]
    assert indexed.execute(sql).fetchall() == [(901,)]
    indexed.execute("DELETE FROM reviews WHERE id = 901")
    indexed.execute("REFRESH INDEX hotels")
    assert indexed.execute(sql).fetchall() != [(901,)]
    ids = indexed.execute("SELECT id FROM search('hotels', 'x', k := 1000)").fetchall()
    assert len(ids) == 399
    assert (1,) not in ids


def test_changed_labels_are_learned_at_refresh(con: Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT review, 'a' AS label FROM reviews LIMIT 50")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    sql = "SELECT DISTINCT predict('label', review USING INDEX i) FROM t"
    assert con.execute(sql).fetchall() == [("a",)]
    con.execute("UPDATE t SET label = 'b'")
    con.execute("REFRESH INDEX i")
    assert con.execute(sql).fetchall() == [("b",)]


def test_names_that_are_taken_or_unknown(indexed: Connection) -> None:
    with pytest.raises(errors.ProgrammingError, match="exists already.*OR REPLACE"):
        indexed.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    indexed.execute("CREATE INDEX IF NOT EXISTS hotels ON reviews USING HNSW (title)")
    assert indexed.execute("SELECT columns FROM (SHOW INDEXES)").fetchall() == [(["review"],)]
    indexed.execute("CREATE OR REPLACE INDEX hotels ON reviews USING HNSW (title)")
    assert indexed.execute("SELECT columns FROM (SHOW INDEXES)").fetchall() == [(["title"],)]
    indexed.execute("DROP INDEX hotels")
    indexed.execute("DROP INDEX IF EXISTS hotels")
    with pytest.raises(errors.Error):
        indexed.execute("DROP INDEX hotels")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE INDEX i ON nowhere USING HNSW (review)", "nowhere"),
        ("CREATE INDEX i ON reviews USING HNSW (revue)", 'Did you mean "review"'),
        ("CREATE INDEX i ON reviews USING HNSW (rating)", "rating.*BIGINT"),
        ("CREATE INDEX i ON reviews USING HNSW (review) WITH (mm = 3)", 'Did you mean "m"'),
        ("CREATE INDEX i ON reviews USING HNSW (review) WITH (metric = 'x')", "cosine"),
        ("CREATE INDEX i ON reviews USING HNSW (review) WITH (model = 'nope')", "minilm"),
        ("REFRESH INDEX nope", "There is no index"),
        ("DESCRIBE INDEX nope", "There is no index"),
    ],
)
def test_errors_say_what_to_do_and_leave_nothing(con: Connection, sql: str, message: str) -> None:
    with pytest.raises(errors.Error, match=message):
        con.execute(sql)
    assert con.execute("SHOW INDEXES").fetchall() == []


def test_dropping_forgets_texts_and_vectors(indexed: Connection) -> None:
    indexed.execute("CREATE INDEX titles ON reviews USING HNSW (title)")
    tables = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'augur'"
    before = indexed.execute(tables).fetchall()
    indexed.execute("DROP INDEX titles")
    vectors = indexed.execute(
        "SELECT estimated_size FROM duckdb_tables() WHERE table_name LIKE 'embeddings%'"
    ).fetchall()
    assert len(vectors) == 1
    assert indexed.execute(tables).fetchall()[0][0] == before[0][0] - 2
    indexed.execute("DROP INDEX hotels")
    assert (
        indexed.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name SIMILAR TO "
            "'(embeddings|rows|entries).*'"
        ).fetchall()
        == []
    )


def test_an_empty_table_and_null_texts(con: Connection) -> None:
    con.execute("CREATE TABLE t (x VARCHAR, y INTEGER)")
    con.execute("CREATE INDEX i ON t USING HNSW (x)")
    assert con.execute("FROM search('i', 'anything')").fetchall() == []
    with pytest.raises(errors.DataError, match='No row of the index "i"'):
        con.execute("SELECT predict('y', 'a' USING INDEX i)")
    con.execute("INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('one', 1)")
    con.execute("REFRESH INDEX i")
    assert con.execute("SELECT x, y FROM search('i', 'anything')").fetchall() == [("one", 1)]
    assert con.execute("SELECT predict('y', 'a' USING INDEX i)").fetchall() == [(1,)]


def test_an_index_of_duckdb_stays_duckdbs(con: Connection) -> None:
    con.execute("CREATE TABLE v (id INTEGER, x FLOAT[3])")
    con.execute("CREATE INDEX ids ON v (id)")
    con.execute("DROP INDEX ids")
    with pytest.raises(errors.Error, match="HNSW|vss|index type"):
        con.execute("CREATE INDEX i ON v USING HNSW (x)")


def test_views_and_other_schemas_can_be_indexed(con: Connection) -> None:
    con.execute("CREATE SCHEMA s")
    con.execute("CREATE VIEW s.good AS SELECT * FROM reviews WHERE rating >= 4")
    con.execute("CREATE INDEX good ON s.good USING HNSW (review)")
    con.execute("USE s")
    assert con.execute("SELECT min(rating) FROM search('good', 'bad', k := 500)").fetchall() == [
        (4,)
    ]


def test_a_cancel_while_the_index_is_written_is_told_as_one(
    con: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    with monkeypatch.context() as patch:
        patch.setattr(IndexBuilder, "_write", interrupted)
        with pytest.raises(errors.Error, match="cancelled"):
            con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
    assert con.execute("SELECT * FROM (SHOW INDEXES)").fetchall() == []
    con.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
