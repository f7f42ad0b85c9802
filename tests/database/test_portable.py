"""Definitions that hold predictions: views, macros and generated columns, and who may read them."""

import os
from pathlib import Path

import duckdb
import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from tests.database.portable import VIEW, opened


def test_a_view_lives_in_new_sessions_and_plain_connections(path: str) -> None:
    with opened(path) as first:
        first.execute(VIEW)
        expected = first.execute(
            "SELECT id, predict('rating', review USING INDEX hotels) FROM reviews ORDER BY id"
        ).fetchall()
    with opened(path) as second:
        assert second.execute("FROM v").fetchall() == expected
        assert second.execute("FROM augur($$ SELECT * FROM v $$)").fetchall() == expected
        with duckdb.connect(path) as plain:
            cursor = plain.execute("FROM v")
            assert [(name, str(type_)) for name, type_, *_ in cursor.description] == [
                ("id", "BIGINT"),
                ("p", "BIGINT"),
            ]
            assert cursor.fetchall() == expected


def test_a_view_names_its_columns_as_the_user_wrote_them(session: Connection) -> None:
    session.execute(
        "CREATE VIEW v AS SELECT predict('rating', review USING INDEX hotels) FROM reviews"
    )
    assert session.execute("SELECT column_name FROM (DESCRIBE v)").fetchall() == [
        ("predict('rating', review USING INDEX hotels)",)
    ]
    stored = session.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'v'").fetchone()
    assert stored is not None
    assert (
        """augur_predict('rating', '{"index": "hotels"}', CAST(review AS VARCHAR))""" in stored[0]
    )


def test_every_clause_and_detail_is_kept(session: Connection) -> None:
    call = (
        "predict('rating', review USING INDEX hotels TOP 3 WITH CONFIDENCE, PROBABILITIES, "
        "EXPLANATION, METADATA OPTIONS (strategy = 'vote', seed = 7))"
    )
    session.execute(f"CREATE VIEW v AS SELECT id, {call} AS p FROM reviews")
    both = session.execute(
        f"SELECT v.p, t.p, typeof(v.p) = typeof(t.p) FROM v JOIN "
        f"(SELECT id, {call} AS p FROM reviews) AS t USING (id) ORDER BY id LIMIT 20"
    ).fetchall()
    assert len(both) == 20
    for stored, direct, same_type in both:
        assert stored == direct
        assert same_type


@pytest.mark.parametrize(
    "target",
    [
        "rating >= 4",
        "rating::DOUBLE",
        "rating::FLOAT",
        "rating::DECIMAL(5,2)",
        "rating::UTINYINT",
        "rating::HUGEINT",
        "(CASE WHEN rating > 3 THEN 'go''od' ELSE 'bad' END)::ENUM('bad', 'go''od')",
        "hotel",
    ],
)
def test_targets_of_every_type(con: Connection, target: str) -> None:
    con.execute(f"CREATE TABLE t AS SELECT id, review, {target} AS target FROM reviews LIMIT 60")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    call = "predict('target', review USING INDEX i WITH PROBABILITIES)"
    con.execute(f"CREATE VIEW v AS SELECT id, {call} AS p FROM t")
    differ = con.execute(
        f"SELECT count(*) FROM v JOIN (SELECT id, {call} AS p FROM t) AS d USING (id) "
        "WHERE v.p IS DISTINCT FROM d.p OR typeof(v.p) <> typeof(d.p)"
    ).fetchone()
    assert differ == (0,)


def test_null_inputs_stay_null(session: Connection, plain: duckdb.DuckDBPyConnection) -> None:
    session.execute("CREATE MACRO rate(x) AS predict('rating', x USING INDEX hotels)")
    assert plain.execute("SELECT rate(NULL), rate('') IS NULL").fetchall() == [(None, False)]


def test_macros_keep_calls(session: Connection, plain: duckdb.DuckDBPyConnection) -> None:
    session.execute("CREATE MACRO rate(x) AS predict('rating', x USING INDEX hotels)")
    session.execute("CREATE MACRO nearest(q) AS TABLE FROM search('hotels', q, k := 2)")
    session.execute("CREATE MACRO topic(x) AS classify(x, ['food', 'noise'] WITH CONFIDENCE)")
    for query in (
        "SELECT rate(review) FROM reviews ORDER BY id LIMIT 5",
        "SELECT rank, hotel FROM nearest('no hot water') ORDER BY rank",
        "SELECT topic(review).prediction FROM reviews ORDER BY id LIMIT 5",
    ):
        assert session.execute(query).fetchall() == plain.execute(query).fetchall()
    assert plain.execute("SELECT count(*) FROM nearest('no hot water')").fetchone() == (2,)


def test_a_view_follows_its_index(session: Connection, plain: duckdb.DuckDBPyConnection) -> None:
    session.execute(
        "CREATE VIEW v AS SELECT predict('rating', 'x' USING INDEX hotels WITH METADATA)"
        ".metadata.index_version AS version"
    )
    assert plain.execute("FROM v").fetchall() == [(1,)]
    session.execute("INSERT INTO reviews (id, review, rating) VALUES (9999, 'Zebras', 5)")
    session.execute("REFRESH INDEX hotels")
    assert plain.execute("FROM v").fetchall() == [(2,)]
    assert session.execute("FROM v").fetchall() == [(2,)]
    session.execute("DROP INDEX hotels")
    with pytest.raises(duckdb.Error, match='There is no index "hotels"'):
        plain.execute("FROM v").fetchall()
    with pytest.raises(errors.ProgrammingError, match='There is no index "hotels"'):
        session.execute("FROM v").fetchall()


def test_what_a_view_asked_is_counted(session: Connection) -> None:
    session.execute(VIEW)
    session.execute("FROM v").fetchall()
    session.execute("SELECT count(p) FROM v WHERE id <= 10").fetchall()
    counted = session.execute(
        "SELECT call, rung, model, rows FROM augur_calls() ORDER BY statement DESC LIMIT 2"
    ).fetchall()
    assert [row[3] for row in counted] == [10, 400]
    assert counted[0][0] == "predict('rating', x, index := 'hotels')"
    assert counted[0][2] == "minilm"


def test_a_definition_alone_makes_the_functions_last(tmp_path: Path) -> None:
    path = str(tmp_path / "fresh.duckdb")
    with opened(path) as session:
        session.execute("CREATE VIEW v AS SELECT similarity('a cat', 'a kitten') > 0.3 AS near")
    with opened(path) as session:
        assert session.execute("FROM v").fetchall() == [(True,)]


def test_read_only(path: str) -> None:
    with opened(path) as session:
        session.execute(VIEW)
    os.chmod(path, 0o444)
    with opened(path, read_only=True) as session:
        assert session.execute("SELECT count(p) FROM v").fetchall() == [(400,)]
        query = "SELECT count(*) FROM augur($$ SELECT predict('rating', 'x' USING INDEX hotels) $$)"
        assert session.execute(query).fetchall() == [(1,)]


def test_a_rollback_takes_a_definition_back(session: Connection) -> None:
    session.execute("BEGIN")
    session.execute(VIEW)
    assert session.execute("SELECT count(*) FROM v").fetchall() == [(400,)]
    session.execute("ROLLBACK")
    with pytest.raises(errors.ProgrammingError, match="v"):
        session.execute("FROM v")
    session.execute(VIEW)
    assert session.execute("SELECT count(*) FROM v").fetchall() == [(400,)]


def test_functions_outlive_the_transaction_that_made_them(tmp_path: Path) -> None:
    with opened(str(tmp_path / "fresh.duckdb")) as session:
        session.execute("BEGIN")
        session.execute("CREATE VIEW v AS SELECT similarity('a', 'a') > 0.9 AS same")
        assert session.execute("FROM v").fetchall() == [(True,)]
        session.execute("ROLLBACK")
        session.execute("CREATE VIEW v AS SELECT similarity('a', 'a') > 0.9 AS same")
        assert session.execute("FROM v").fetchall() == [(True,)]


@pytest.mark.parametrize(
    "definition",
    [
        "ALTER TABLE reviews ADD COLUMN p BIGINT DEFAULT predict('rating', 'x' USING INDEX hotels)",
        "CREATE INDEX i ON reviews (predict('rating', review USING INDEX hotels))",
    ],
)
def test_what_cannot_be_stored(session: Connection, definition: str) -> None:
    with pytest.raises(errors.NotSupportedError, match="view, a macro"):
        session.execute(definition)


def test_a_generated_column(session: Connection) -> None:
    session.execute(
        "CREATE TABLE told (review VARCHAR, rating BIGINT GENERATED ALWAYS AS "
        "(predict('rating', review USING INDEX hotels)))"
    )
    session.execute("INSERT INTO told (review) VALUES ('Lovely'), (NULL)")
    rows = session.execute("FROM told").fetchall()
    assert rows[0][1] in range(1, 6)
    assert rows[1] == (None, None)


def test_search_in_a_view_hides_columns_of_the_same_name(con: Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT review, id AS rank FROM reviews LIMIT 20")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    con.execute("CREATE VIEW v AS SELECT * FROM search('i', 'water', k := 2)")
    assert (
        con.execute("FROM v").description
        == con.execute("FROM search('i', 'water', k := 2)").description
    )
    assert con.execute("SELECT rank FROM v ORDER BY rank").fetchall() == [(1,), (2,)]
