"""What is emitted runs on DuckDB and means what it should."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from augursql.planner.bound import BoundQuery
from augursql.planner.emit import document_sql_for_columns, emit

Bound = Callable[[str], BoundQuery]


SETUP = """
CREATE TABLE t (id INTEGER, title VARCHAR, review VARCHAR, stars INTEGER);
INSERT INTO t VALUES (1, 'A', 'good', 5), (2, NULL, 'bad', 1), (3, 'C', NULL, 3);
CREATE TABLE rows_ AS SELECT *, id AS __augur_row, id AS __augur_entry FROM t;
CREATE MACRO f(x) AS 'f(' || x || ')';
CREATE MACRO length_of(x, labels) AS json_array_length(labels);
CREATE MACRO found(q) AS [
    {'row': 2, 'similarity': 0.5::DOUBLE, 'rank': 1},
    {'row': 1, 'similarity': 0.25::DOUBLE, 'rank': 2}
];
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(SETUP)
        yield opened


def run(
    connection: duckdb.DuckDBPyConnection, bound: BoundQuery
) -> tuple[list[str], list[tuple[object, ...]]]:
    functions = {"search": "found", "classify": "length_of"}
    names = [functions.get(call.call.kind, "f") for call in bound.calls]
    listings = ["(SELECT 1 AS one)" for _ in bound.query.listings]
    tables = dict.fromkeys(range(len(names)), "rows_")
    result = connection.execute(emit(bound, names, listings, tables))
    assert result.description is not None
    return [column[0] for column in result.description], result.fetchall()


CASES = [
    (
        "SELECT id, predict('rating', review USING INDEX hotels) FROM t ORDER BY id",
        ["id", "predict('rating', review USING INDEX hotels)"],
        [(1, "f(good)"), (2, "f(bad)"), (3, None)],
    ),
    (
        "SELECT predict('rating', title, review USING INDEX pairs) AS p FROM t ORDER BY id",
        ["p"],
        [("f(Title: A\nreview: good)",), ("f(review: bad)",), ("f(Title: C)",)],
    ),
    ("SELECT predict('rating', NULL, NULL USING INDEX pairs) p", ["p"], [(None,)]),
    (
        "SELECT embed(review), count(*) AS n FROM t GROUP BY embed(review) ORDER BY ALL LIMIT 1",
        ["embed(review)", "n"],
        [("f(bad)", 1)],
    ),
    (
        "SELECT DISTINCT max(embed(review)) FILTER (WHERE embed(title) IS NOT NULL), 1 FROM t",
        ["max(embed(review)) FILTER (WHERE embed(title) IS NOT NULL)", "1"],
        [("f(good)", 1)],
    ),
    (
        "SELECT classify(review, [{'label': 'a'}, {'label': 'b', 'description': 'c'}]) AS n,"
        " classify(review, ['x', 'y', 'z']) FROM t LIMIT 1",
        ["n", "classify(review, ['x', 'y', 'z'])"],
        [(2, 3)],
    ),
    (
        "SELECT id, similarity, rank FROM search('hotels', 'q') ORDER BY rank",
        ["id", "similarity", "rank"],
        [(2, 0.5, 1), (1, 0.25, 2)],
    ),
    (
        "FROM search('hotels', 'q') SELECT search.id ORDER BY search.rank LIMIT 1",
        ["id"],
        [(2,)],
    ),
    (
        "FROM s: search('hotels', 'q') SELECT s.* EXCLUDE (similarity, rank, review) ORDER BY 1",
        ["id", "title", "stars"],
        [(1, "A", 5), (2, None, 1)],
    ),
    (
        "SELECT t.id, s.rank FROM t, LATERAL search('hotels', t.review) AS s ORDER BY ALL LIMIT 2",
        ["id", "rank"],
        [(1, 1), (1, 2)],
    ),
    (
        "SELECT CASE WHEN id = 1 THEN upper(embed(review)) END, 3 FROM t ORDER BY id LIMIT 1",
        ["CASE WHEN id = 1 THEN upper(embed(review)) END", "3"],
        [("F(GOOD)", 3)],
    ),
    ("SELECT one, 2 FROM (SHOW INDEXES)", ["one", "2"], [(1, 2)]),
    (
        "SELECT augur_calls.one FROM augur_calls() JOIN augur_settings() s USING (one)",
        ["one"],
        [(1,)],
    ),
    (
        'WITH c AS (FROM t SELECT id, embed(review)) SELECT "embed(review)" FROM c WHERE id = 1',
        ["embed(review)"],
        [("f(good)",)],
    ),
]


@pytest.mark.parametrize(("text", "names", "rows"), CASES)
def test_it_runs(
    connection: duckdb.DuckDBPyConnection,
    bound: Bound,
    text: str,
    names: list[str],
    rows: list[tuple[object, ...]],
) -> None:
    assert run(connection, bound(text)) == (names, rows)


def test_an_indexed_row_and_a_predicted_one_make_the_same_document(
    connection: duckdb.DuckDBPyConnection, bound: Bound
) -> None:
    query = "SELECT predict('rating', t.review, t.title USING INDEX pairs) FROM t ORDER BY id"
    _, predicted = run(connection, bound(query))
    columns = document_sql_for_columns(["Title", "review"])
    indexed = connection.execute(f"SELECT 'f(' || {columns} || ')' FROM t ORDER BY id").fetchall()
    assert predicted == indexed
