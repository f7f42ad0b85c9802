"""The grammar of extract(), summarize(), matches(), rerank() and of the aggregates."""

from collections.abc import Callable

import pytest

from augursql.errors import AugurError, StatementError
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.catalog import Catalog
from augursql.planner.emit import emit
from augursql.planner.filling import filled, unfilled
from augursql.planner.parse import parse
from augursql.planner.plan import Call, Query, Verbatim
from augursql.planner.portable import portable, query_of

Bound = Callable[[str], BoundQuery]


def calls(sql: str) -> tuple[Call, ...]:
    (query,) = parse(sql)
    return query.calls if isinstance(query, Query) else ()


def call(text: str) -> Call:
    (found,) = calls(f"SELECT {text} FROM t")
    return found


@pytest.mark.parametrize(
    ("fields", "type_"),
    [
        ("{dish: 'VARCHAR'}", 'STRUCT("dish" VARCHAR)'),
        ("{'a b': 'int', \"C\": 'text[]',}", 'STRUCT("a b" INTEGER, "C" VARCHAR[])'),
        ("{m: 'ENUM(''a'', ''b'')'}", "STRUCT(\"m\" ENUM('a', 'b'))"),
        ("{a: 'STRUCT(b DATE)'}", 'STRUCT("a" STRUCT("b" DATE))'),
    ],
)
def test_fields_make_a_struct(fields: str, type_: str) -> None:
    assert call(f"extract(x, {fields} USING MODEL llm)").returns == type_
    assert call(f"extract(x, {fields})").inputs[0].sql == "x"


def test_clauses_and_named_arguments_say_the_same() -> None:
    clauses = "USING MODEL m WITH METADATA OPTIONS (max_tokens = 5, instruction = 'Go')"
    named = "model := 'm', with := 'metadata', max_tokens := 5, instruction := 'Go'"
    for start in ("extract(x, {a: 'DATE'}", "summarize(x", "summarize_agg(x ORDER BY y, z DESC"):
        assert call(f"{start} {clauses})").key == call(f"{start}, {named})").key
    one = call("prompt_agg('Why?', x USING MODEL m RETURNS DATE ON ERROR NULL)")
    assert (
        one.key
        == call("prompt_agg('Why?', x, model := m, returns := 'DATE', on_error := 'null')").key
    )


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("extract(x, {a: 'FOO'})", "does not know this type", "'FOO'"),
        ("extract(x, {a: 'INTEGER b'})", "one type", "'INTEGER b'"),
        ("extract(x, {a: b})", "is a string", "b"),
        ("extract(x, {a: 'DATE', A: 'DATE'})", "given twice", "A"),
        ("extract(x, {a: 'DATE'}, returns := 'DATE')", "given twice", None),
        ("extract(x, {})", "The fields are written", "{}"),
        ("extract(x, {a: 'DATE' b})", "The fields are written", "b"),
        ("extract(x, {a: 'DATE'} || y)", "The fields are written", "{a: 'DATE'} || y"),
        ("matches(x)", "An input of matches() is missing", "matches(x)"),
        ("rerank(x, y, z)", "too many inputs", "rerank(x, y, z)"),
        ("summarize(x USING INDEX i)", "has no USING INDEX", "USING"),
        ("summarize_agg()", "takes the text of the rows", "summarize_agg()"),
        ("summarize_agg(x, texts := y)", "takes the text of the rows", None),
        ("prompt_agg(x, y)", "takes the instruction as a string", "x"),
        ("prompt_agg('Why?')", "takes the text of the rows", None),
        ("rerank(x, y WITH CONFIDENCE)", "WITH does not know", "CONFIDENCE"),
    ],
)
def test_errors_have_a_place(text: str, message: str, at: str | None) -> None:
    with pytest.raises(StatementError) as caught:
        call(text)
    assert message in caught.value.message and caught.value.span is not None
    start, end = caught.value.span
    assert f"SELECT {text} FROM t"[start:end] == (at or text)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT extract(year FROM day), extract('month' FROM x), extract(hour FROM {'a': 1}.a)",
        "SUMMARIZE (SELECT 1)",
        "FROM (SUMMARIZE (SELECT {'a': 1}))",
        "CREATE TABLE matches (a INTEGER, b INTEGER)",
        "INSERT INTO matches (a, b) VALUES (1, 2)",
        "SELECT matches.a AS rerank FROM matches (1, 2) AS matches (a, b)",
        "WITH rerank (a, b) AS (SELECT 1, 2) FROM rerank",
        'SELECT t.matches(1, 2), "summarize"(x), main.rerank(1, 2) FROM t',
        "CREATE MACRO matches(a, b) AS a = b",
        "CREATE INDEX i ON matches (a, b)",
    ],
)
def test_what_is_duckdbs_stays(sql: str) -> None:
    assert parse(sql) == [Verbatim(sql)]


def test_functions_of_the_user_win_without_a_clause() -> None:
    mine = frozenset(("matches", "rerank", "summarize_agg", "prompt_agg", "summarize", "extract"))
    plain = "SELECT matches(a, b), rerank(a, b), summarize_agg(a), prompt_agg('a', b) FROM t"
    assert parse(plain, mine) == [Verbatim(plain)]
    (found,) = parse("SELECT matches(a, b USING MODEL llm) FROM t", mine)
    assert isinstance(found, Query) and found.calls[0].kind == "matches"
    # DuckDB reads neither of these as a call of a function.
    (found,) = parse("SELECT summarize(a), extract(b, {c: 'DATE'}) FROM t", mine)
    assert isinstance(found, Query) and len(found.calls) == 2


def test_conditions_of_joins_are_calls_also_where_a_table_is_made() -> None:
    joined = "SELECT 1 FROM a JOIN b ON matches(a.x, b.y)"
    assert len(calls(joined)) == len(calls(f"CREATE TABLE c AS {joined}")) == 1


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("summarize_agg(x) AS a", "summarize_agg(texts := list(x)) AS a"),
        (
            "summarize_agg(DISTINCT x ORDER BY x, y DESC USING MODEL m) FILTER (WHERE z > 3) AS a",
            "summarize_agg(texts := list(DISTINCT x ORDER BY x, y DESC) FILTER (WHERE z > 3)"
            " USING MODEL m) AS a",
        ),
        (
            "prompt_agg('Why?', x) FILTER (z) OVER (PARTITION BY y) AS a",
            "prompt_agg('Why?', texts := list(x) FILTER (z) OVER (PARTITION BY y)) AS a",
        ),
        ("prompt_agg('Why?', x) OVER w AS a", "prompt_agg('Why?', texts := list(x) OVER w) AS a"),
        ("summarize_agg(x)", 'summarize_agg(texts := list(x)) AS "summarize_agg(x)"'),
        (
            "summarize_agg(summarize_agg(texts := x)) filter AS a",
            "summarize_agg(texts := list(summarize_agg(texts := x))) filter AS a",
        ),
    ],
)
def test_aggregates_become_functions_of_lists(catalog: Catalog, written: str, made: str) -> None:
    (statement,) = parse(f"SELECT {written} FROM t")
    assert isinstance(statement, Query) and unfilled(statement)
    found = filled(statement, catalog, frozenset())
    assert found.origin.text == f"SELECT {made} FROM t"
    assert not unfilled(found.statement)


def test_calls_in_the_filter_of_an_aggregate_are_written_out_next(catalog: Catalog) -> None:
    sql = "SELECT summarize_agg(x) FILTER (WHERE prompt('{y}' RETURNS BOOLEAN)) AS a FROM t"
    (statement,) = parse(sql)
    for _ in range(2):
        assert isinstance(statement, Query) and unfilled(statement)
        statement = filled(statement, catalog, frozenset()).statement
    assert not unfilled(statement)
    assert isinstance(statement, Query)
    assert [c.kind for c in statement.calls] == ["summarize_agg", "prompt"]
    assert '"y" := "y"' in statement.text and "FILTER" in statement.text


@pytest.mark.parametrize(
    ("text", "type_", "labels"),
    [
        ("extract(review, {a: 'DATE'})", 'STRUCT("a" DATE)', None),
        ("summarize(review)", "VARCHAR", None),
        ("prompt_agg('Why?', texts := tags RETURNS BOOLEAN)", "BOOLEAN", ("false", "true")),
        ("matches(review, 'x')", "BOOLEAN", ("yes", "no")),
        ("rerank('x', review)", "DOUBLE", ("yes", "no")),
        (
            "matches(review, 'x' WITH PROBABILITIES)",
            "STRUCT(prediction BOOLEAN, probabilities MAP(BOOLEAN, DOUBLE))",
            ("yes", "no"),
        ),
    ],
)
def test_types_and_the_only_model(
    bound: Bound, text: str, type_: str, labels: tuple[str, ...] | None
) -> None:
    (found,) = bound(f"SELECT {text} FROM reviews").calls
    assert (found.result_type, found.labels) == (type_, labels)
    assert found.model is not None and found.model.name == "llm"


def test_a_judgement_has_no_options_of_writing(bound: Bound) -> None:
    with pytest.raises(AugurError, match='matches\\(\\) has no option "max_tokens"'):
        bound("SELECT matches(review, 'x' OPTIONS (max_tokens = 3)) FROM reviews")


def test_inputs_go_to_duckdb_as_lists_of_texts(bound: Bound) -> None:
    query = bound(
        "SELECT matches(a, b) AS m, rerank(a, b) AS r, summarize_agg(texts := c) AS s FROM t"
    )
    assert emit(query, ["f", "g", "h"]) == (
        "SELECT f(CAST(to_json([CAST(b AS VARCHAR), CAST(a AS VARCHAR)]) AS VARCHAR)) AS m,"
        " g(CAST(to_json([CAST(a AS VARCHAR), CAST(b AS VARCHAR)]) AS VARCHAR)) AS r,"
        " h(CAST(to_json(CAST(c AS VARCHAR[])) AS VARCHAR)) AS s FROM t"
    )


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("extract(x, {a: 'ENUM(''b'')'} OPTIONS (max_tokens = 9))", ""),
        ("summarize(x WITH CONFIDENCE)", ""),
        ("matches(x, y WITH PROBABILITIES ON ERROR NULL)", ""),
        ("rerank(x, y OPTIONS (instruction = 'Is it near?'))", ""),
        ("summarize_agg(texts := x)", ""),
        ("prompt_agg('It''s?', texts := x RETURNS DATE[])", "It's?"),
    ],
)
def test_definitions_say_it_in_plain_sql(bound: Bound, text: str, about: str) -> None:
    """What a view says leads to a call with the same answers."""
    query = bound(f"CREATE VIEW v AS SELECT {text} AS a FROM t")
    (before,), sql = query.calls, portable(query)
    assert f"augur_{before.call.kind}(" in sql
    start = sql.index("'{\"")
    named = sql[start + 1 : sql.index("}'", start) + 1].replace("''", "'")
    (after,) = query_of(before.call.kind, about, named).calls
    assert _meaning(after) == _meaning(before.call)


def _meaning(found: Call) -> tuple[object, ...]:
    said = (found.returns, found.template, found.with_, sorted(found.options), found.on_error)
    return (found.kind, *said)


def test_nothing_of_ours_is_left_in_what_duckdb_gets(bound: Bound) -> None:
    query = bound("SELECT upper(summarize(x)) AS a, (summarize(y)) AS b FROM t")
    assert [isinstance(found, BoundCall) for found in query.calls] == [True, True]
    assert "summarize" not in emit(query, ["f", "g"])
