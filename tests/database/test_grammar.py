"""Calls inside of DuckDB's own grammar, the newest included, which only DuckDB can parse.

Each statement runs twice: with calls in the places of P, S and E, and with columns that hold what
these calls gave before.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

CALLS = {
    "P": "predict('rating', review USING INDEX hotels)",
    "S": "similarity(review, 'clean and quiet')",
    "E": "embed(review)",
}
COLUMNS = {"P": "p_", "S": "s_", "E": "e_"}

QUERIES = [
    "FROM few SELECT id, P AS p",
    "FROM few SELECT p: P, id",
    "SELECT * REPLACE (P AS rating) FROM few",
    "SELECT id, S AS s FROM few WINDOW w AS (ORDER BY id) QUALIFY lag(P, 1, 0) OVER w <> P",
    "SELECT P AS p, count(*) AS n FROM few GROUP BY ALL",
    "SELECT count(*) FROM few GROUP BY P HAVING max(S) > 0",
    "SELECT P AS p, count(*) FILTER (WHERE S > 0.1) AS n FROM few GROUP BY CUBE (P)",
    "SELECT id, COLUMNS(lambda c: c IN ('rating', 'id')) + P AS 'sum_\\0' FROM few",
    "SELECT min(COLUMNS(* EXCLUDE (review, e_))), max(P) AS m FROM few",
    "PIVOT (SELECT id % 2 AS odd, P AS p FROM few) ON odd USING count(p)",
    "PIVOT few ON P IN (1, 2, 3, 4, 5) USING count(*) GROUP BY rating",
    "UNPIVOT (SELECT id, P::BIGINT AS a, rating AS b FROM few) ON a, b",
    "SELECT a.id, b.id FROM few a ASOF JOIN (SELECT id, S AS s FROM few) b ON S >= b.s",
    "SELECT a.id, b.n FROM few a POSITIONAL JOIN (SELECT P AS n FROM few) b",
    "SELECT a.id, b.p FROM few a, LATERAL (SELECT P AS p) b",
    "SELECT a.id FROM few a SEMI JOIN (SELECT id FROM few WHERE P >= 3) USING (id)",
    "SELECT id FROM few WHERE P = ANY (SELECT rating FROM few)",
    "SELECT P AS p FROM few UNION ALL BY NAME SELECT 9 AS q, 1 AS p",
    "SELECT id, [x + P FOR x IN [1, 2] IF x > 1] AS l FROM few",
    "SELECT id, list_transform([1, 2], lambda x, i: x * i + P) AS l FROM few",
    "SELECT {'a': {'b': P}}.a.b + 1 AS x, row(P, id) AS r, struct_pack(k := P).k AS k FROM few",
    "SELECT id, (P).greatest(2) AS a, P::VARCHAR.upper().concat('!') AS b FROM few",
    "SELECT id, MAP {'p': P}['p'] AS m, ([P, 7])[1:2] AS l FROM few",
    "SELECT id, TRY(CAST(review AS INTEGER)) AS t, TRY_CAST(P AS TINYINT) AS c FROM few",
    "SELECT id, CASE P WHEN 5 THEN 'five' ELSE 'other' END AS c FROM few",
    "SELECT id FROM few WHERE P BETWEEN 1 AND 4 AND P IS NOT DISTINCT FROM rating",
    "SELECT id FROM few WHERE EXISTS (FROM few f WHERE f.id = few.id AND P > 3)",
    "SELECT id, sum(P) OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE TIES) AS s FROM few",
    "SELECT DISTINCT ON (P) P AS p, id FROM few ORDER BY P, id",
    "SELECT id FROM few ORDER BY S DESC NULLS LAST LIMIT 50%",
    "SELECT arg_max(id, S) AS best, mode() WITHIN GROUP (ORDER BY P) AS m FROM few",
    "WITH t AS NOT MATERIALIZED (SELECT id, P AS p FROM few) FROM t",
    "WITH RECURSIVE r(n, p) AS (SELECT 1, max(P) FROM few UNION ALL SELECT n + 1, p FROM r"
    " WHERE n < 3) FROM r",
    "WITH RECURSIVE r(n, p) USING KEY (n) AS (SELECT id, P FROM few UNION"
    " SELECT n, p + 1 FROM r WHERE p < 5) FROM r",
    "FROM (DESCRIBE SELECT P AS p, S AS s, E AS e FROM few)",
    "FROM (SUMMARIZE SELECT P AS p FROM few)",
    "SELECT id /* P( /* nested */ ' */ , P AS p -- 'P'\n FROM few",
    "SELECT $$P($$ AS a, $ä$ P' $$ $ä$ AS b, E'\\'P' AS c, P AS p FROM few",
    'SELECT P AS "größte ""Zahl""", id AS 数 FROM few ORDER BY 数',
    "SELECT id, extract(YEAR FROM DATE '2020-01-01' + INTERVAL (P) YEAR) AS y FROM few",
    "SELECT id, position('4' IN P::VARCHAR) AS a, substring(P::VARCHAR FROM 1 FOR 1) AS b FROM few",
    "SELECT x'00'::BLOB AS b, 1_000 + P AS n FROM few",
    "SELECT id FROM few TABLESAMPLE reservoir(100%) WHERE P > 0",
    "SELECT unnest([P, id]) AS u FROM few",
    "SELECT q.id, t.id FROM few q JOIN few t EXACT NEAREST 2 BY SIMILARITY"
    " array_cosine_similarity((SELECT E FROM few f WHERE f.id = q.id), t.e_)",
    "SELECT q.id, t.id FROM few q LEFT JOIN (SELECT id, S AS s FROM few) t"
    " NEAREST BY DISTANCE abs(q.s_ - t.s)",
]

# What a statement does is read by the query behind it, and then rolled back.
STATEMENTS = [
    (
        "INSERT INTO marks BY NAME SELECT P AS p, id + 10 AS id FROM few RETURNING id, p",
        "FROM marks",
    ),
    (
        "INSERT INTO marks SELECT id, P FROM few"
        " ON CONFLICT DO UPDATE SET p = excluded.p + 1 WHERE excluded.p > 0",
        "FROM marks",
    ),
    ("INSERT OR REPLACE INTO marks SELECT id, P FROM few", "FROM marks"),
    (
        "UPDATE marks SET p = f.p FROM (SELECT id, P AS p FROM few) f WHERE f.id = marks.id",
        "FROM marks",
    ),
    ("UPDATE few SET rating = P WHERE S > 0.1 RETURNING id, P AS p", "SELECT id, rating FROM few"),
    ("DELETE FROM few WHERE P > 2 RETURNING id", "SELECT id FROM few"),
    ("DELETE FROM marks USING few WHERE few.id = marks.id AND P > 0", "FROM marks"),
    (
        "MERGE INTO marks USING few USING (id) WHEN MATCHED AND P > 1 THEN UPDATE SET p = P"
        " WHEN NOT MATCHED BY TARGET THEN INSERT (id, p) VALUES (id, P) RETURNING merge_action, id",
        "FROM marks",
    ),
    (
        "CREATE OR REPLACE TEMP TABLE made AS FROM few SELECT id, P AS p WITH NO DATA",
        "DESCRIBE made",
    ),
    ("PREPARE q AS SELECT id, P AS p FROM few WHERE P >= $least", "EXECUTE q(least := 3)"),
    ("ALTER TABLE few ALTER rating TYPE DOUBLE USING P / 2", "SELECT id, rating FROM few"),
    ("SET VARIABLE best = (SELECT max(P) FROM few)", "SELECT getvariable('best')"),
    (
        "WITH i AS (INSERT INTO marks SELECT id + 20, P FROM few RETURNING id, p) FROM i",
        "FROM marks",
    ),
    (
        "WITH d AS (DELETE FROM few WHERE P > 2 RETURNING id), u AS (UPDATE marks SET p = 7)"
        " INSERT INTO marks SELECT id + 30, 0 FROM d RETURNING id",
        "FROM marks",
    ),
    (
        "CREATE SCHEMA a; CREATE SCHEMA a.b; CREATE TABLE a.b.t AS FROM few SELECT id, P AS p",
        "FROM a.b.t",
    ),
]


@pytest.fixture(scope="module")
def few(indexed_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A table of six reviews with what the calls give for them, and one that is written to."""
    path = str(shutil.copy(indexed_file, tmp_path_factory.mktemp("grammar") / "few.duckdb"))
    with Connection(path, settings={"progress": "off"}) as connection:
        connection.execute(
            "CREATE TABLE few AS SELECT row_number() OVER ()::INTEGER AS id, rating, review, "
            f"{CALLS['P']} AS p_, {CALLS['S']} AS s_, {CALLS['E']} AS e_ FROM reviews LIMIT 6"
        )
        connection.execute("CREATE TABLE marks (id INTEGER PRIMARY KEY, p BIGINT)")
        connection.execute("INSERT INTO marks VALUES (1, 0), (2, 0)")
        yield connection


@pytest.fixture
def undone(few: Connection) -> Iterator[Connection]:
    few.begin()
    yield few
    few.rollback()


def filled(statement: str, values: dict[str, str]) -> str:
    return re.sub(r"\b[PSE]\b(?!['(]| \$)", lambda found: values[found[0]], statement)


def answer(con: Connection, statement: str) -> tuple[str, list[str]]:
    cursor = con.execute(statement)
    columns = [column[:2] for column in cursor.description or ()]
    return str(columns), sorted(map(str, cursor.fetchall() if columns else []))


def expected(con: Connection, statement: str) -> tuple[str, list[str]]:
    try:
        return answer(con, filled(statement, COLUMNS))
    except errors.ProgrammingError:
        if duckdb.__version__.startswith("1."):
            pytest.skip("this grammar is newer than this version of DuckDB")
        raise


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_gives_what_columns_would_give(few: Connection, query: str) -> None:
    wanted = expected(few, query)
    assert answer(few, filled(query, CALLS)) == wanted


@pytest.mark.parametrize(("statement", "query"), STATEMENTS)
def test_a_statement_does_what_it_would_do_with_columns(
    undone: Connection, statement: str, query: str
) -> None:
    wanted = expected(undone, statement), answer(undone, query)
    undone.rollback()
    undone.begin()
    assert (answer(undone, filled(statement, CALLS)), answer(undone, query)) == wanted


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="NEAREST joins came with 2.0")
@pytest.mark.parametrize("kind", ["", "EXACT", "APPROX"])
def test_similarity_ranks_a_nearest_join(few: Connection, kind: str) -> None:
    joined = few.execute(
        f"SELECT q.id, t.id FROM few q JOIN few t {kind} NEAREST 2 BY SIMILARITY "
        "similarity(q.review, t.review) ORDER BY ALL"
    ).fetchall()
    by_columns = few.execute(
        "SELECT q.id, t.id FROM few q JOIN few t NEAREST 2 BY SIMILARITY "
        "(array_cosine_similarity(q.e_, t.e_)) ORDER BY ALL"
    ).fetchall()
    assert joined == by_columns
    assert len(joined) == 12


def test_parameters_keep_their_places_and_names(few: Connection) -> None:
    by_place = "SELECT id FROM few WHERE similarity(review, ?) > ? AND id < ? ORDER BY id"
    by_name = "SELECT id FROM few WHERE similarity(review, $t) > $s AND id < $i ORDER BY id"
    rows = few.execute(by_place, ["clean and quiet", 0.1, 5]).fetchall()
    assert rows == few.execute("SELECT id FROM few WHERE s_ > 0.1 AND id < 5 ORDER BY 1").fetchall()
    assert rows == few.execute(by_name, {"t": "clean and quiet", "s": 0.1, "i": 5}).fetchall()
