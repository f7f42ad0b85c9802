"""The SQL that goes to DuckDB."""

from collections.abc import Callable

import pytest

from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.emit import document_sql, document_sql_for_columns, emit
from augursql.planner.parse import parse
from augursql.planner.plan import Query

Bound = Callable[[str], BoundQuery]


def emitted(bound: BoundQuery) -> str:
    """With functions f0, f1 ..., listings in the order of their places and tables r0, r1 ..."""
    functions = [f"f{i}" for i in range(len(bound.calls))]
    listings = [f"(SELECT {listing.kind!r})" for listing in bound.query.listings]
    tables = {i: f"r{i}" for i in range(len(bound.calls))}
    return emit(bound, functions, listings, tables)


CASES = [
    (
        "SELECT hotel, predict('rating', review USING INDEX hotels) FROM reviews -- all",
        "SELECT hotel, f0(CAST(review AS VARCHAR))"
        " AS \"predict('rating', review USING INDEX hotels)\" FROM reviews -- all",
    ),
    ("SELECT embed(x) AS e FROM t", "SELECT f0(CAST(x AS VARCHAR)) AS e FROM t"),
    ("SELECT embed(x) e FROM t", "SELECT f0(CAST(x AS VARCHAR)) e FROM t"),
    ('SELECT embed(x) "e" FROM t', 'SELECT f0(CAST(x AS VARCHAR)) "e" FROM t'),
    ("SELECT e: embed(x) FROM t", "SELECT e: f0(CAST(x AS VARCHAR)) FROM t"),
    ("FROM t SELECT embed(x)", 'FROM t SELECT f0(CAST(x AS VARCHAR)) AS "embed(x)"'),
    (
        'SELECT ALL embed( "a b"  ), 1 LIMIT 1',
        'SELECT ALL f0(CAST("a b" AS VARCHAR)) AS "embed( ""a b"" )", 1 LIMIT 1',
    ),
    (
        "SELECT DISTINCT ON (embed(a)) embed(b) FROM t",
        'SELECT DISTINCT ON (f0(CAST(a AS VARCHAR))) f1(CAST(b AS VARCHAR)) AS "embed(b)" FROM t',
    ),
    (
        "SELECT sum(similarity(a, b)) OVER (ORDER BY embed(c)) FROM t",
        "SELECT sum(f0(CAST(a AS VARCHAR), CAST(b AS VARCHAR))) OVER (ORDER BY f1(CAST(c AS"
        ' VARCHAR))) AS "sum(similarity(a, b)) OVER (ORDER BY embed(c))" FROM t',
    ),
    (
        "SELECT similarity(a, b) > t.x, 2 * similarity(a, b) two, embed(a)::FLOAT[3], embed(a)[1]",
        'SELECT f0(CAST(a AS VARCHAR), CAST(b AS VARCHAR)) > t.x AS "similarity(a, b) > t.x",'
        " 2 * f1(CAST(a AS VARCHAR), CAST(b AS VARCHAR)) two,"
        ' f2(CAST(a AS VARCHAR))::FLOAT[3] AS "embed(a)::FLOAT[3]",'
        ' f3(CAST(a AS VARCHAR))[1] AS "embed(a)[1]"',
    ),
    (
        "SELECT predict('rating', x USING INDEX hotels WITH CONFIDENCE).confidence FROM t",
        "SELECT f0(CAST(x AS VARCHAR)).confidence AS"
        " \"predict('rating', x USING INDEX hotels WITH CONFIDENCE).confidence\" FROM t",
    ),
    (
        "SELECT predict('rating', x USING INDEX hotels WITH CONFIDENCE).* FROM t",
        "SELECT f0(CAST(x AS VARCHAR)).* FROM t",
    ),
    (
        "SELECT unnest(embed(x)), * REPLACE (embed(y) AS y) FROM t",
        "SELECT unnest(f0(CAST(x AS VARCHAR))), * REPLACE (f1(CAST(y AS VARCHAR)) AS y) FROM t",
    ),
    (
        "SELECT a FROM t WHERE similarity(a, b) > 0 GROUP BY embed(a), b HAVING embed(c) = d"
        " ORDER BY embed(e), f",
        "SELECT a FROM t WHERE f0(CAST(a AS VARCHAR), CAST(b AS VARCHAR)) > 0"
        " GROUP BY f1(CAST(a AS VARCHAR)), b HAVING f2(CAST(c AS VARCHAR)) = d"
        " ORDER BY f3(CAST(e AS VARCHAR)), f",
    ),
    (
        "INSERT INTO t VALUES (embed('a'), [embed('b')])",
        "INSERT INTO t VALUES (f0(CAST('a' AS VARCHAR)), [f1(CAST('b' AS VARCHAR))])",
    ),
    (
        "WITH c AS (SELECT embed(x) FROM t) SELECT (SELECT max(embed(y)) FROM c) FROM c",
        'WITH c AS (SELECT f0(CAST(x AS VARCHAR)) AS "embed(x)" FROM t)'
        ' SELECT (SELECT max(f1(CAST(y AS VARCHAR))) AS "max(embed(y))" FROM c)'
        ' AS "(SELECT max(embed(y)) FROM c)" FROM c',
    ),
    (
        "SELECT embed(x) UNION ALL SELECT embed(y)",
        'SELECT f0(CAST(x AS VARCHAR)) AS "embed(x)"'
        ' UNION ALL SELECT f1(CAST(y AS VARCHAR)) AS "embed(y)"',
    ),
    (
        "SELECT predict('rating', title, lower(r.review), review USING INDEX hotels) AS p",
        "SELECT f0(NULLIF(concat_ws(E'\\n', 'title: ' || CAST(title AS VARCHAR),"
        " 'input 2: ' || CAST(lower(r.review) AS VARCHAR),"
        " 'review: ' || CAST(review AS VARCHAR)), '')) AS p",
    ),
    (
        "SELECT predict('rating', a, b || c USING INDEX pairs) AS p",
        "SELECT f0(NULLIF(concat_ws(E'\\n', 'Title: ' || CAST(a AS VARCHAR),"
        " 'review: ' || CAST(b || c AS VARCHAR)), '')) AS p",
    ),
    (
        "SELECT predict('rating', t.REVIEW, t.title USING INDEX pairs) AS p",
        "SELECT f0(NULLIF(concat_ws(E'\\n', 'Title: ' || CAST(t.title AS VARCHAR),"
        " 'review: ' || CAST(t.REVIEW AS VARCHAR)), '')) AS p",
    ),
    (
        "SELECT predict('rating', embed(embed(x) USING MODEL tiny) USING INDEX hotels) AS p",
        "SELECT f0(CAST(f1(CAST(f2(CAST(x AS VARCHAR)) AS VARCHAR)) AS VARCHAR)) AS p",
    ),
    (
        "SELECT classify(x, ['a', embed(y)]) a, classify(x, [{'label': 'b'}]) b",
        "SELECT f0(CAST(x AS VARCHAR), CAST(to_json(['a', f1(CAST(y AS VARCHAR))]) AS VARCHAR))"
        " a, f2(CAST(x AS VARCHAR), CAST(to_json([{'label': 'b'}]) AS VARCHAR)) b",
    ),
    (
        "FROM search('hotels', 'q') WHERE rank < 3",
        "FROM (SELECT __r.* EXCLUDE (__augur_row, __augur_entry), __h.similarity, __h.rank FROM"
        " (SELECT unnest(f0(CAST('q' AS VARCHAR)), recursive := true)) AS __h JOIN r0 AS __r ON"
        ' __r.__augur_row = __h."row" ORDER BY __h.rank) AS search WHERE rank < 3',
    ),
    (
        "FROM (SHOW INDEXES), augur_calls(), augur_settings() s WHERE true",
        "FROM (SELECT 'indexes'), (SELECT 'calls') AS augur_calls,"
        " (SELECT 'settings') s WHERE true",
    ),
    (
        "SELECT embed(x) AS e -- why\n  FROM t /* where */",
        "SELECT f0(CAST(x AS VARCHAR)) AS e -- why\n  FROM t /* where */",
    ),
]


@pytest.mark.parametrize(("text", "sql"), CASES)
def test_only_our_places_change(bound: Bound, text: str, sql: str) -> None:
    assert emitted(bound(text)) == sql


@pytest.mark.parametrize(
    ("after", "alias"),
    [
        ("", " AS search"),
        (" JOIN t ON true", " AS search"),
        (", t", " AS search"),
        (" LEFT JOIN t ON true", " AS search"),
        (" ORDER BY 1", " AS search"),
        (" s", ""),
        (" AS s(a)", ""),
        (' "s"', ""),
    ],
)
def test_search_is_called_search_unless_it_has_an_alias(
    bound: Bound, after: str, alias: str
) -> None:
    sql = emitted(bound(f"FROM search('hotels', 'q'){after}"))
    assert sql.endswith(f"ORDER BY __h.rank){alias}{after}")


def test_a_prefix_alias_is_an_alias(bound: Bound) -> None:
    assert emitted(bound("FROM s: search('hotels', 'q')")).endswith("__h.rank)")


def test_places_of_a_later_statement() -> None:
    query = parse("SELECT 'x'; SELECT embed(x) e FROM t ;")[1]
    assert isinstance(query, Query)
    calls = tuple(BoundCall(call, None, None, None, "FLOAT[3]") for call in query.calls)
    assert emit(BoundQuery(query, calls), ["f"]) == " SELECT f(CAST(x AS VARCHAR)) e FROM t "


def test_documents() -> None:
    assert document_sql(["x"], ["x"]) == "CAST(x AS VARCHAR)"
    assert document_sql_for_columns(["re view"]) == 'CAST("re view" AS VARCHAR)'
    assert document_sql_for_columns(["it's", 'a"b']) == (
        "NULLIF(concat_ws(E'\\n', 'it''s: ' || CAST(\"it's\" AS VARCHAR),"
        ' \'a"b: \' || CAST("a""b" AS VARCHAR)), \'\')'
    )
