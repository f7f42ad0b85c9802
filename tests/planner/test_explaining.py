"""What stands between EXPLAIN and the statement."""

import pytest

from augursql.errors import StatementError
from augursql.planner.explaining import Explaining, explaining
from augursql.planner.lexer import tokenize
from augursql.planner.parse import parse
from augursql.planner.plan import Explain, Query, Verbatim
from augursql.planner.sentence import sentence


def read(text: str) -> Explaining | None:
    tokens = tokenize(text)
    assert tokens is not None
    return explaining(sentence(text, tokens))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("EXPLAIN SELECT 1", Explaining(1)),
        ("explain analyze SELECT 1", Explaining(2, analyze=True)),
        ("EXPLAIN (FORMAT json) SELECT 1", Explaining(5, format="json")),
        ("EXPLAIN (format 'JSON') SELECT 1", Explaining(5, format="json")),
        ("EXPLAIN (ANALYZE) SELECT 1", Explaining(4, analyze=True)),
        ("EXPLAIN (ANALYZE true) SELECT 1", Explaining(5, analyze=True)),
        ("EXPLAIN (ANALYZE false) SELECT 1", Explaining(5)),
        ("EXPLAIN (SQL) SELECT 1", Explaining(4, sql=True)),
        (
            "EXPLAIN (ANALYZE, SQL, FORMAT yaml) SELECT 1",
            Explaining(9, analyze=True, format="yaml", sql=True),
        ),
        ("EXPLAIN (SELECT 1)", Explaining(1)),
        ("EXPLAIN ((SELECT 1))", Explaining(1)),
        ("EXPLAIN", Explaining(1)),
    ],
)
def test_options(text: str, options: Explaining) -> None:
    assert read(text) == options


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "EXPLAIN (VERBOSE) SELECT 1",
        "EXPLAIN (FORMAT json, COSTS off) SELECT 1",
        "EXPLAIN (",
        "EXPLAIN (ANALYZE",
        "EXPLAIN (FORMAT json SELECT 1",
    ],
)
def test_what_only_duckdb_knows_is_left_to_it(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text", ["EXPLAIN (FORMAT) SELECT 1", "EXPLAIN (FORMAT 3) SELECT embed(x)"]
)
def test_a_format_has_a_name(text: str) -> None:
    with pytest.raises(StatementError, match="the name of the format is missing") as raised:
        parse(text)
    assert raised.value.span is not None
    assert text[raised.value.span[0]] in ")3"


def test_the_query_knows_its_place() -> None:
    text = "SELECT 1; EXPLAIN ANALYZE\n  SELECT embed(x) AS e FROM t"
    _, explain = parse(text)
    assert isinstance(explain, Explain)
    assert (explain.analyze, explain.format, explain.sql) == (True, "text", False)
    assert isinstance(explain.query, Query)
    assert explain.query.text == "SELECT embed(x) AS e FROM t"
    assert text[slice(*explain.query.span)] == explain.query.text
    assert text[slice(*explain.query.calls[0].span)] == "embed(x)"


@pytest.mark.parametrize(
    "text", ["EXPLAIN SELECT 42", "EXPLAIN (SQL) FROM t", "EXPLAIN CHECKPOINT"]
)
def test_without_calls_it_is_duckdbs(text: str) -> None:
    assert parse(text) == [Verbatim(text)]
