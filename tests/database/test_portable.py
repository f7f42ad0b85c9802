"""Predictions in views and macros, and for clients that send plain DuckDB SQL."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

VIEW = (
    "CREATE VIEW v AS SELECT id, predict('rating', review USING INDEX hotels) AS p FROM reviews "
    "ORDER BY id"
)
FUNCTIONS = ("predict", "classify", "embed", "similarity", "search", "augur")


def opened(path: str, **arguments: bool) -> Connection:
    return Connection(path, settings={"progress": "off"}, **arguments)


@pytest.fixture
def path(indexed_file: Path, tmp_path: Path) -> str:
    """A database of which this process has no session."""
    return str(shutil.copy(indexed_file, tmp_path / "portable.duckdb"))


@pytest.fixture
def session(path: str) -> Iterator[Connection]:
    with opened(path) as connection:
        yield connection


@pytest.fixture
def plain(session: Connection) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB's own connection to the database of `session`."""
    connection = duckdb.connect(_file(session))
    yield connection
    connection.close()


def _file(session: Connection) -> str:
    row = session.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchone()
    return str(row[0]) if row else ""


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
    with duckdb.connect(_file(session)) as plain:
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


def test_an_export_holds_no_macros_of_ours(session: Connection, tmp_path: Path) -> None:
    """Plain DuckDB imports it, which has not the functions that they call."""
    session.execute(f"EXPORT DATABASE '{tmp_path}/out'")
    with duckdb.connect(_file(session)) as plain:
        assert plain.execute("SELECT typeof(embed('x'))").fetchall() == [("FLOAT[384]",)]
    with duckdb.connect() as plain:
        plain.execute(f"IMPORT DATABASE '{tmp_path}/out'")
        assert plain.execute("SELECT count(*) FROM reviews").fetchall() == [(400,)]
        plain.execute(f"ATTACH '{tmp_path}/imported.duckdb' AS other")
        plain.execute("COPY FROM DATABASE memory TO other")
    with opened(f"{tmp_path}/imported.duckdb"), duckdb.connect(f"{tmp_path}/imported.duckdb") as db:
        assert db.execute("SELECT typeof(embed('x'))").fetchall() == [("FLOAT[384]",)]


def test_search_in_a_view_hides_columns_of_the_same_name(con: Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT review, id AS rank FROM reviews LIMIT 20")
    con.execute("CREATE INDEX i ON t USING HNSW (review)")
    con.execute("CREATE VIEW v AS SELECT * FROM search('i', 'water', k := 2)")
    assert (
        con.execute("FROM v").description
        == con.execute("FROM search('i', 'water', k := 2)").description
    )
    assert con.execute("SELECT rank FROM v ORDER BY rank").fetchall() == [(1,), (2,)]
