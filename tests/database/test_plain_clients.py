"""Clients that send plain DuckDB SQL: functions with named arguments, and augur()."""

import threading
from pathlib import Path

import duckdb
import pytest

from augursql.frontends.dbapi.connection import Connection
from tests.database.portable import FUNCTIONS, VIEW, file_of, opened


def test_named_arguments_give_what_the_clauses_do(
    session: Connection, plain: duckdb.DuckDBPyConnection
) -> None:
    """Neither needs the planner: what the client sends is DuckDB's grammar."""
    for named, clauses in (
        (
            "predict('rating', review, index := 'hotels')",
            "predict('rating', review USING INDEX hotels)",
        ),
        (
            "predict('rating', review, index := 'hotels', top := 5, strategy := 'vote', "
            "\"with\" := ['confidence', 'metadata'])",
            "predict('rating', review USING INDEX hotels TOP 5 WITH CONFIDENCE, METADATA "
            "OPTIONS (strategy = 'vote'))",
        ),
        ("classify(title, ['food', 'noise'])", "classify(title, ['food', 'noise'])"),
        (
            "classify(title, [{'label': 'a', 'description': 'beds'}], \"with\" := ['confidence'])",
            "classify(title, [{'label': 'a', 'description': 'beds'}] WITH CONFIDENCE)",
        ),
        ("embed(title, model := 'minilm')", "embed(title USING MODEL minilm)"),
        ("similarity(title, review)", "similarity(title, review)"),
    ):
        types = "SELECT typeof({0}) FROM reviews WHERE id = 1"
        found = plain.execute(types.format(named)).fetchall()
        assert found == session.execute(types.format(clauses)).fetchall()
        values = "SELECT {0} FROM reviews WHERE id <= 5 ORDER BY id"
        assert (
            plain.execute(values.format(named)).fetchall()
            == session.execute(values.format(clauses)).fetchall()
        )


def test_several_inputs_are_labelled_as_the_columns_of_the_index(session: Connection) -> None:
    session.execute("CREATE INDEX titled ON reviews USING HNSW (title, review)")
    with duckdb.connect(file_of(session)) as plain:
        named = plain.execute(
            "SELECT predict('rating', title, review, index := 'titled', "
            "\"with\" := ['metadata']).metadata.cached FROM reviews"
        ).fetchall()
    assert set(named) == {(True,)}


def test_search_with_named_arguments(plain: duckdb.DuckDBPyConnection) -> None:
    found = plain.execute(
        "SELECT rank, rating FROM search('hotels', 'no hot water', k := 4, "
        "filter := 'rating <= 2') ORDER BY rank"
    ).fetchall()
    assert [rank for rank, _ in found] == [1, 2, 3, 4]
    assert all(rating <= 2 for _, rating in found)
    lateral = plain.execute(
        "SELECT topic, count(*) FROM (VALUES ('a'), ('b')) AS t(topic), "
        "search('hotels', t.topic, k := 2) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert lateral == [("a", 2), ("b", 2)]


def test_our_grammar_in_a_string(session: Connection, plain: duckdb.DuckDBPyConnection) -> None:
    statement = (
        "WITH bad AS (SELECT * FROM reviews WHERE rating <= 2) SELECT id, "
        "predict('rating', review USING INDEX hotels) FROM bad ORDER BY id LIMIT 3"
    )
    cursor = plain.execute(f"FROM augur($$ {statement} $$)")
    assert cursor.description[1][0] == "predict('rating', review USING INDEX hotels)"
    assert cursor.fetchall() == session.execute(statement).fetchall()
    assert plain.execute("SELECT name, rows FROM augur('SHOW INDEXES')").fetchall() == [
        ("hotels", 400)
    ]
    assert plain.execute("FROM augur('SELECT 42 AS x')").fetchall() == [(42,)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT predict('rating', review, index := 'hotel') FROM reviews",
            'Did you mean "hotels"',
        ),
        ("SELECT predict('ratin', review, index := 'hotels') FROM reviews", 'mean "rating"'),
        ("SELECT predict('rating', review) FROM reviews", "USING INDEX hotels"),
        ("SELECT predict('rating', 'x', index := 'hotels', top := 0)", "top"),
        ("SELECT embed('x', model := 'nobody')", 'no model "nobody"'),
        ("FROM search('hotel', 'x')", 'Did you mean "hotels"'),
        ("FROM augur($$ SELECT predict('rating', 'x' USING INDEX hotel) $$)", 'mean "hotels"'),
        ("FROM augur('DROP INDEX hotels')", "queries only"),
    ],
)
def test_errors_say_what_to_do(plain: duckdb.DuckDBPyConnection, query: str, message: str) -> None:
    with pytest.raises(duckdb.Error, match=message):
        plain.execute(query).fetchall()


def test_augur_without_any_index(tmp_path: Path) -> None:
    """The session's own connection has it in every database, without writing to the file."""
    path = tmp_path / "fresh.duckdb"
    with duckdb.connect(str(path)) as plain:
        plain.execute("CREATE TABLE t AS SELECT 1 AS a")
    before = path.read_bytes()
    with opened(str(path)) as session:
        session.execute("SET augur_cache = 'off'")
        query = "FROM augur($$ SELECT similarity('a cat', 'a kitten') > 0.3 AS near $$)"
        assert session.execute(query).fetchall() == [(True,)]
    assert path.read_bytes() == before


def test_plain_duckdb_opens_the_database(path: str) -> None:
    with opened(path) as session:
        session.execute(VIEW)
    with duckdb.connect(path) as plain:
        assert plain.execute("SHOW TABLES").fetchall() == [("reviews",), ("v",)]
        with pytest.raises(duckdb.CatalogException, match="augur_predict"):
            plain.execute("FROM v")


def test_the_users_macros_win(session: Connection) -> None:
    for name in FUNCTIONS:
        session.execute(f"CREATE MACRO {name}(x) AS x + 1")
    for name in FUNCTIONS:
        assert session.execute(f"SELECT {name}(1)").fetchall() == [(2,)]
    assert session.execute(
        "SELECT count(*) FROM (SELECT predict('rating', review USING INDEX hotels) FROM reviews)"
    ).fetchall() == [(400,)]
    session.execute("CREATE INDEX other ON reviews USING HNSW (title)")
    assert session.execute("SELECT predict(1)").fetchall() == [(2,)]


def test_macros_that_were_there_before_win(tmp_path: Path) -> None:
    path = str(tmp_path / "theirs.duckdb")
    with duckdb.connect(path) as plain:
        plain.execute("CREATE MACRO embed(x) AS x + 1")
        plain.execute("CREATE MACRO augur(x) AS TABLE SELECT x + 1 AS y")
    with opened(path) as session:
        session.execute("CREATE VIEW v AS SELECT similarity('a', 'b') AS s")
        assert session.execute("SELECT embed(1)").fetchall() == [(2,)]
        assert session.execute("FROM augur(1)").fetchall() == [(2,)]


def test_two_sessions_of_one_process(path: str) -> None:
    """The functions belong to the first; when it is closed, the second takes over."""
    first, second = opened(path), opened(path)
    first.execute(VIEW)
    assert second.execute("SELECT count(p) FROM v").fetchall() == [(400,)]
    with duckdb.connect(path) as plain:
        first.close()
        with pytest.raises(duckdb.Error):
            plain.execute("SELECT count(p) FROM v").fetchall()
        assert second.execute("SELECT count(p) FROM v").fetchall() == [(400,)]
        assert plain.execute("SELECT count(p) FROM v").fetchall() == [(400,)]
        second.close()
        with pytest.raises(duckdb.Error):
            plain.execute("SELECT count(p) FROM v").fetchall()


def test_many_threads_and_connections_at_once(session: Connection, path: str) -> None:
    session.execute(VIEW)
    expected = session.execute("FROM v").fetchall()
    found: list[object] = []

    def read() -> None:
        with duckdb.connect(path) as plain:
            found.append(plain.execute("FROM v").fetchall())

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_different_arguments_in_one_chunk(plain: duckdb.DuckDBPyConnection) -> None:
    rows = plain.execute(
        "SELECT target, augur_predict(target, '{\"index\": \"hotels\"}', 'Lovely') FROM "
        "(VALUES ('rating'), ('hotel'), ('rating')) AS t(target)"
    ).fetchall()
    assert rows[0] == rows[2]
    assert rows[0][1].isdigit()
    assert rows[1][1].startswith('"')


def test_an_export_holds_no_macros_of_ours(session: Connection, tmp_path: Path) -> None:
    """Plain DuckDB imports it, which has not the functions that they call."""
    session.execute(f"EXPORT DATABASE '{tmp_path}/out'")
    with duckdb.connect(file_of(session)) as plain:
        assert plain.execute("SELECT typeof(embed('x'))").fetchall() == [("FLOAT[384]",)]
    with duckdb.connect() as plain:
        plain.execute(f"IMPORT DATABASE '{tmp_path}/out'")
        assert plain.execute("SELECT count(*) FROM reviews").fetchall() == [(400,)]
        plain.execute(f"ATTACH '{tmp_path}/imported.duckdb' AS other")
        plain.execute("COPY FROM DATABASE memory TO other")
    with opened(f"{tmp_path}/imported.duckdb"), duckdb.connect(f"{tmp_path}/imported.duckdb") as db:
        assert db.execute("SELECT typeof(embed('x'))").fetchall() == [("FLOAT[384]",)]
