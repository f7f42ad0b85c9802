"""What is ours and what is not."""

import pytest

from augursql.errors import AugurError, StatementError
from augursql.planner.parse import parse
from augursql.planner.plan import Query, Verbatim

PLAIN = [
    "SELECT 1",
    "SELECT 'predict(''rating'', review USING INDEX hotels)'",
    "SELECT $$predict('rating', review)$$ /* embed(x) */ -- similarity(a, b)",
    "SELECT E'\\' predict(' FROM t",
    "SELECT \"predict\"('rating', review), s.predict('rating', review), x.embed()",
    "SELECT predict, embed, similarity, classify, search, model, index FROM predict",
    "SELECT predict(x), predict(rating, review), predict()",
    "SELECT embed(x, y := 1), s.embed(a, b) FROM t JOIN embed(a, b) ON x",
    "CREATE MACRO predict(a, b) AS a || b",
    "CREATE OR REPLACE TEMP FUNCTION embed(x) AS x",
    "CREATE TABLE embed (x INTEGER)",
    "CREATE TABLE IF NOT EXISTS similarity (a INTEGER, b INTEGER)",
    "INSERT INTO similarity (a, b) VALUES (1, 2)",
    "INSERT INTO embed(x) SELECT 1",
    "WITH similarity(a, b) AS (SELECT 1, 2) FROM similarity",
    "WITH RECURSIVE embed(x) AS NOT MATERIALIZED (SELECT 1) FROM embed",
    "SELECT * FROM t AS similarity(a, b)",
    "SELECT * FROM t embed(a)",
    "SELECT * FROM (VALUES (1)) predict('a')",
    "FROM embed(x)",
    "SELECT * FROM t, similarity(a, b)",
    "SELECT search('hotels', 'view')",
    "FROM search(x, y)",
    "FROM s.search('hotels', 'view')",
    "CREATE INDEX i ON embed(x)",
    "ALTER TABLE t ADD COLUMN c INTEGER REFERENCES embed(x)",
    "CREATE INDEX i ON t USING HNSW (lower(x))",
    "CREATE UNIQUE INDEX i ON t (x)",
    "SHOW TABLES",
    'SHOW "indexes"',
    "DESCRIBE index",
    "DESCRIBE t",
    "SET threads = 3",
    "SET VARIABLE augur_x = 3",
    "RESET threads",
    "FROM (SHOW TABLES)",
    "SELECT augur_calls()",
    "SELECT current_setting('threads'), s.current_setting('augur_x'), current_setting(augur_x)",
    "SELECT prompt FROM t WHERE prompt(x, y)",
    "SELECT predict AS given FROM t",
    "SELECT predict p, given FROM t",
    "SELECT predict, prompt 'x', given FROM (SELECT 1) evaluate",
    "CREATE TABLE t (predict VARCHAR, given VARCHAR)",
    "CREATE TABLE x AS SELECT a AS predict FROM t UNION SELECT given FROM u",
    "INSERT INTO predict SELECT given FROM t",
    "INSERT INTO t (predict, given) SELECT predict, given FROM evaluate",
    "SELECT * FROM (predict JOIN given ON true), (evaluate e CROSS JOIN given)",
    "SELECT x predict FROM t, given WHERE predict IS NULL",
    "SELECT (predict + given), (predict IN (1)) AND given FROM t",
    "FROM (SELECT 1) predict JOIN given (a) ON true",
    "WITH predict AS (SELECT 1), given AS (SELECT 2) FROM predict, given",
    "SELECT 1 FROM a JOIN b NEAREST 2 BY SIMILARITY (a.x, b.x)",
    "SELECT 1 FROM a JOIN b EXACT NEAREST BY SIMILARITY (a.x), (b.x)",
    "selec predict(",
    "SELECT (((",
    "SELECT embed(x",
    "SELECT 'never ended predict(",
]


@pytest.mark.parametrize("text", PLAIN)
def test_duckdbs_own_comes_back_unchanged(text: str) -> None:
    assert parse(text) == [Verbatim(text)]


OURS = [
    ("SELECT predict('rating', review) FROM t", ["predict"]),
    ("SELECT PREDICT ('rating', review USING INDEX hotels) FROM t", ["predict"]),
    ("SELECT predict(/* what */ 'rating', /* from */ review)", ["predict"]),
    ("SELECT predict($$rating$$, review)", ["predict"]),
    ("SELECT x: predict('rating', review)", ["predict"]),
    ("SELECT a FROM t WHERE b IS NOT DISTINCT FROM embed(c)", ["embed"]),
    ("SELECT * FROM a JOIN b ON similarity(a.x, b.x) > 0.5", ["similarity"]),
    ("SELECT 1 FROM a JOIN b NEAREST 2 BY SIMILARITY similarity(a.x, b.x)", ["similarity"]),
    ("SELECT 1 FROM a JOIN b APPROX NEAREST BY DISTANCE f(embed(a.x), b.e)", ["embed"]),
    ("SELECT 1 FROM a LEFT JOIN b NEAREST BY DISTANCE similarity(a.x, b.x)", ["similarity"]),
    ("SELECT DISTINCT ON (embed(a)) embed(b) FROM t", ["embed", "embed"]),
    ("SELECT CASE WHEN similarity(a, b) > 1 THEN embed(a) END", ["similarity", "embed"]),
    ("UPDATE t SET e = embed(x) WHERE predict('a', y) = 1", ["embed", "predict"]),
    ("CREATE MACRO m(x) AS embed(x)", ["embed"]),
    ("COPY (SELECT embed(x) FROM t) TO 'f.parquet'", ["embed"]),
    ("PREPARE p AS SELECT embed(?)", ["embed"]),
    ("SELECT extract(year FROM predict('d', x))", ["predict"]),
    ("SELECT [embed(a), embed(b)], {'e': embed(c)}", ["embed"] * 3),
    ("SELECT list_transform(xs, lambda x: embed(x))", ["embed"]),
    ("SELECT predict('r', embed(x)::VARCHAR, (SELECT embed(y)))", ["predict", "embed", "embed"]),
    ("FROM t, search('i', 'q') SELECT 1", ["search"]),
    ("FROM t JOIN search('i', 'q') s ON true", ["search"]),
    ("FROM s: search('i', 'q')", ["search"]),
    ("SELECT * FROM t, LATERAL search('i', t.q, k := 3)", ["search"]),
    ("SELECT (SELECT count(*) FROM search('i', 'q'))", ["search"]),
    ("FROM t SELECT classify(x, ['a', 'b'])", ["classify"]),
    ("SELECT embed(x::TIMESTAMP WITH TIME ZONE)", ["embed"]),
    ("INSERT INTO t VALUES (embed('a'), similarity('a', 'b'))", ["embed", "similarity"]),
]


@pytest.mark.parametrize(("text", "kinds"), OURS)
def test_calls_are_found(text: str, kinds: list[str]) -> None:
    (query,) = parse(text)
    assert isinstance(query, Query)
    assert [call.kind for call in query.calls] == kinds


def test_functions_of_the_user_win_unless_a_clause_of_ours_is_used() -> None:
    mine = frozenset({"embed", "predict", "search", "prompt"})
    plain = (
        "SELECT embed(x), embed(x, y), predict('a', x), predict(a, model := 3), prompt('x')"
        " FROM search('a', 'b')"
    )
    assert parse(plain, mine) == [Verbatim(plain)]
    (query,) = parse("SELECT embed(x USING MODEL m), predict('a', x USING INDEX i)", mine)
    assert isinstance(query, Query)
    assert len(query.calls) == 2


def test_each_statement_knows_its_place() -> None:
    text = "SELECT 1; SELECT ';', embed(x) FROM t;\n-- bye;\nSHOW INDEXES ;"
    first, second, third = parse(text)
    assert first == Verbatim("SELECT 1")
    assert isinstance(second, Query)
    assert text[slice(*second.span)] == second.text == " SELECT ';', embed(x) FROM t"
    assert text[slice(*second.calls[0].span)] == "embed(x)"
    assert text[slice(*third.span)] == "\n-- bye;\nSHOW INDEXES "


def test_nothing_is_no_statement() -> None:
    assert parse("") == parse(" ; /* ; */ ; -- x") == []


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("CREATE VIEW v AS SELECT embed(x) FROM t", True),
        ("CREATE OR REPLACE TEMP MACRO m(x) AS embed(x)", True),
        ("CREATE TABLE t (x VARCHAR, e FLOAT[3] AS (embed(x)))", True),
        ("CREATE TABLE t AS SELECT embed(x) FROM u", False),
        ("SELECT embed(x)", False),
        ("CREATE VIEW v AS FROM (SHOW INDEXES)", False),
    ],
)
def test_definitions_are_marked(text: str, definition: bool) -> None:
    (query,) = parse(text)
    assert isinstance(query, Query)
    assert query.definition is definition


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("FROM (SHOW INDEXES)", [("indexes", None, "(SHOW INDEXES)")]),
        ("SELECT * FROM ( show models ) AS m", [("models", None, "( show models )")]),
        ('FROM (DESCRIBE INDEX "My i")', [("index", "My i", '(DESCRIBE INDEX "My i")')]),
        ("FROM t JOIN (DESC MODEL m) ON true", [("model", "m", "(DESC MODEL m)")]),
        ("FROM augur_calls()", [("calls", None, "augur_calls()")]),
        ("SELECT 1 FROM t, augur_settings() s", [("settings", None, "augur_settings()")]),
        ("FROM (SHOW augur_seed)", [("setting", "augur_seed", "(SHOW augur_seed)")]),
        (
            "SELECT 1 + current_setting('AUGUR_seed')",
            [("value", "augur_seed", "current_setting('AUGUR_seed')")],
        ),
    ],
)
def test_listings_stand_in_from(text: str, listed: list[tuple[str, str | None, str]]) -> None:
    (query,) = parse(text)
    assert isinstance(query, Query)
    assert [(x.kind, x.name, text[slice(*x.span)]) for x in query.listings] == listed


def test_errors_carry_the_whole_text() -> None:
    text = "SELECT 1;\nSELECT predict('rating' USING INDEX i)"
    with pytest.raises(StatementError, match="LINE 2: SELECT predict") as caught:
        parse(text)
    assert isinstance(caught.value, AugurError)
    assert caught.value.sql == text
