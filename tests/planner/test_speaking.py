"""Calls that a language model answers: what they mean, and what is wrong with them."""

from collections.abc import Callable

import pytest

from augursql.errors import AugurError, InvalidValueError, NameNotFoundError, UnsupportedError
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.catalog import Catalog
from augursql.planner.filling import filled, unfilled
from augursql.planner.given import desugared
from augursql.planner.parse import parse
from augursql.planner.plan import Explain, GivenQuery, Query
from augursql.planner.portable import portable, query_of
from augursql.planner.returns import answer_type

Bound = Callable[[str], BoundQuery]


def one(bound: Bound, sql: str) -> BoundCall:
    (call,) = bound(sql).calls
    return call


def test_prompts_have_the_type_they_return(bound: Bound) -> None:
    plain = one(bound, "SELECT prompt('{x}')")
    assert plain.model is not None and plain.model.name == "llm"  # the only one there is
    assert (plain.result_type, plain.labels, plain.speaks) == ("VARCHAR", None, True)
    told = one(bound, "SELECT prompt('{x}' USING MODEL Polite RETURNS BOOLEAN WITH EXPLANATION)")
    assert told.labels == ("false", "true")
    assert told.result_type == (
        'STRUCT(prediction BOOLEAN, explanation STRUCT("rows" STRUCT("text" VARCHAR,'
        " similarity DOUBLE)[], prompt VARCHAR))"
    )


@pytest.mark.parametrize(
    ("call", "type_", "labels"),
    [
        ("predict('rating', x USING MODEL llm USING INDEX hotels)", "INTEGER", ("1", "5")),
        ("predict('price', x USING MODEL llm USING INDEX hotels)", "DECIMAL(8,2)", None),
        ("predict('sentiment', x USING MODEL llm)", "VARCHAR", ("bad", "good")),
        ("predict('rating', x USING MODEL llm)", "INTEGER", ("1", "2", "5")),
        ("predict('price', x USING MODEL llm)", "DOUBLE", None),
        ("predict('mood', x USING MODEL llm)", "ENUM('so', 'la')", ("so", "la")),
        ("predict('b', x USING MODEL llm)", "BOOLEAN", ("false", "true")),
        ("predict('title', x USING MODEL llm)", "VARCHAR", None),
        ("predict('unknown', x, model := 'llm', labels := [1, 2])", "INTEGER", ("1", "2")),
        ("predict('unknown', x USING MODEL llm OPTIONS (labels = ['a']))", "VARCHAR", ("a",)),
        ("classify(x, ['a'] USING MODEL llm OPTIONS (calibrate = true))", "VARCHAR", None),
    ],
)
def test_labels_come_from_options_an_index_or_the_table(
    bound: Bound, call: str, type_: str, labels: tuple[str, ...] | None
) -> None:
    found = one(bound, f"SELECT {call} FROM reviews")
    assert (found.target_type, found.labels) == (type_, labels)


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("FROM reviews", True),
        ("FROM main.reviews AS r WHERE x > 1", True),
        ('FROM db.main."reviews" r', True),
        ("FROM (SELECT * FROM reviews) AS t", True),
        ("FROM (SELECT * FROM reviews WHERE x = ?) AS t", False),
        ("FROM (SELECT embed(review) FROM reviews)", False),
        ("FROM reviews, others", False),
        ("FROM reviews JOIN others USING (id)", False),
        ("FROM read_csv('reviews')", False),
        ("FROM others", False),
        ("", False),
    ],
)
def test_only_one_plain_table_tells_labels(bound: Bound, source: str, known: bool) -> None:
    sql = f"SELECT predict('sentiment', x USING MODEL llm) {source}"
    if known:
        assert bound(sql).calls[0].labels == ("bad", "good")
    else:
        with pytest.raises(NameNotFoundError, match="Nothing says what the values"):
            bound(sql)


def test_a_table_of_with_is_not_read_for_labels(bound: Bound) -> None:
    with pytest.raises(NameNotFoundError, match="Nothing says"):
        bound("WITH reviews AS (FROM t) SELECT predict('rating', x USING MODEL llm) FROM reviews")


def test_the_rows_of_an_update_tell_labels(bound: Bound) -> None:
    update = "UPDATE reviews SET rating = predict('rating', review USING MODEL llm)"
    assert one(bound, update).labels == ("1", "2", "5")


@pytest.mark.parametrize(
    ("text", "kind", "message", "at"),
    [
        ("prompt('a' USING MODEL tiny)", InvalidValueError, "is an encoder", "tiny"),
        ("prompt('a' USING MODEL lm)", NameNotFoundError, '"llm"', "lm"),
        ("embed(x USING MODEL llm)", InvalidValueError, "is a language model", "llm"),
        ("embed(x USING MODEL polite)", InvalidValueError, "is an adapter", "polite"),
        ("predict('r', x USING MODEL llm VERSION 2)", UnsupportedError, "no versions", "2"),
        ("predict('nothing', x USING MODEL llm)", NameNotFoundError, "No row", "'nothing'"),
        ("prompt('a' RETURNS INT MATCHING 'b')", InvalidValueError, "for texts", "RETURNS"),
        ("prompt(gret)", NameNotFoundError, 'mean "greet"', "gret"),
        ("prompt(greet VERSION 3)", NameNotFoundError, "no version 3", "greet VERSION 3"),
        ("prompt('a' OPTIONS (top_p = 0))", InvalidValueError, "above 0, at most 1", "top_p"),
        ("prompt('a' OPTIONS (temprature = 0))", NameNotFoundError, '"temperature"?', "temprature"),
        ("prompt('a' OPTIONS (stop = ['a', 1]))", InvalidValueError, "a text or a list", "stop"),
        ("prompt('a' OPTIONS (retries = 11))", InvalidValueError, "from 0 to 10", "retries"),
        (
            "predict('r', x USING MODEL llm OPTIONS (labels = ['a', 'a']))",
            InvalidValueError,
            "different labels",
            "labels",
        ),
        (
            "classify(x, ['a'] OPTIONS (calibrate = true))",
            NameNotFoundError,
            "encoder",
            "calibrate",
        ),
        (
            "predict('rating', x USING MODEL llm OPTIONS (strategy = 'vote'))",
            NameNotFoundError,
            "when a language model answers",
            "strategy",
        ),
    ],
)
def test_errors_point_at_the_name(
    bound: Bound, text: str, kind: type[AugurError], message: str, at: str
) -> None:
    sql = f"SELECT {text} FROM reviews"
    with pytest.raises(kind) as caught:
        bound(sql)
    assert caught.value.span is not None
    assert sql[slice(*caught.value.span)] == at
    assert message in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("written", "made"),
    [
        (
            "SELECT prompt('{x} {t.y}?', x := f(z) USING MODEL llm) AS p FROM t",
            'SELECT prompt(\'{x} {t.y}?\', x := f(z), "t.y" := "t"."y" USING MODEL llm) AS p FROM t',
        ),
        ("SELECT prompt('{x}')", """SELECT prompt('{x}', "x" := "x") AS "prompt('{x}')\""""),
        (
            "EXPLAIN SELECT prompt(Greet) AS p",
            """EXPLAIN SELECT prompt('Dear {guest}, {t.mood}', "guest" := "guest","""
            """ "t.mood" := "t"."mood") AS p""",
        ),
        (
            "SELECT prompt(greet VERSION 1, guest := a || b, seed := 3) AS p",
            "SELECT prompt('Hello {guest}', guest := a || b, seed := 3) AS p",
        ),
        (
            "SELECT prompt('{a}', a := prompt('{b}')) AS p",
            """SELECT prompt('{a}', a := prompt('{b}', "b" := "b")) AS p""",
        ),
    ],
)
def test_values_are_written_out(catalog: Catalog, written: str, made: str) -> None:
    (statement,) = parse(written)
    assert isinstance(statement, Query | Explain) and unfilled(statement)
    found = filled(statement, catalog, frozenset())
    assert found.origin.text == made
    assert not unfilled(found.statement)


def test_errors_in_what_was_written_out_point_at_the_template(catalog: Catalog) -> None:
    sql = "SELECT prompt('Is {x} {y}' OPTIONS (seed = 1, nothing = 2))"
    (statement,) = parse(sql)
    assert isinstance(statement, Query)
    found = filled(statement, catalog, frozenset())
    text = found.origin.text
    at = text.index('"y" :=')
    place = found.origin.place((at, at + 3))
    assert place[0] < sql.index(" OPTIONS") <= place[1] + 1
    nothing = text.index("nothing")
    assert sql[slice(*found.origin.place((nothing, nothing + 7)))] == "nothing"


def test_definitions_keep_templates_and_labels(bound: Bound) -> None:
    sql = portable(bound("""CREATE VIEW v AS SELECT prompt('{x}', "x" := y RETURNS BOOLEAN)"""))
    assert 'augur_prompt(\'{x}\', \'{"model": "llm", "returns": "BOOLEAN"}\'' in sql
    assert "NULLIF(CAST(to_json([CAST(y AS VARCHAR)]) AS VARCHAR), '[null]')" in sql
    sql = portable(
        bound("CREATE VIEW v AS SELECT predict('rating', y USING MODEL llm) FROM reviews")
    )
    assert '"labels": [1, 2, 5]' in sql
    (call,) = query_of("prompt", "Is {x}?", '{"model": "llm", "top_p": 0.5}').calls
    assert (call.template, call.model, call.options) == ("Is {x}?", "llm", (("top_p", 0.5),))
    with pytest.raises(UnsupportedError, match="writes freely"):
        portable(bound("CREATE VIEW v AS SELECT predict('price', y USING MODEL llm) FROM reviews"))


def test_types_have_json_schemas() -> None:
    type_ = answer_type("STRUCT(a TINYINT, \"B c\" ENUM('x', 'y')[], d DATE)[]")
    assert type_.sql == 'STRUCT("a" TINYINT, "B c" ENUM(\'x\', \'y\')[], "d" DATE)[]'
    assert type_.item is not None
    assert type_.item.schema() == {
        "type": "object",
        "properties": {
            "a": {"anyOf": [_whole(-128, 127), {"type": "null"}]},
            "B c": {"anyOf": [{"type": "array", "items": {"enum": ["x", "y"]}}, {"type": "null"}]},
            "d": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        },
        "required": ["a", "B c", "d"],
        "additionalProperties": False,
    }
    assert answer_type("UINTEGER").schema() == _whole(0, 2**32 - 1)
    assert answer_type("DECIMAL(8,2)").schema()["maximum"] == 999_999.99


def _whole(least: int, most: int) -> dict[str, object]:
    return {"type": "integer", "minimum": least, "maximum": most}


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("CREATE PROMPT greet AS 'Hello {guest}'", "CreatePrompt"),
        ("create or replace prompt greet as 'a'", "CreatePrompt"),
        ("DROP PROMPT IF EXISTS greet", "DropPrompt"),
        ("SHOW PROMPTS", "ShowPrompts"),
        ("DESCRIBE PROMPT greet", "DescribePrompt"),
    ],
)
def test_statements_of_prompts(sql: str, names: str) -> None:
    (statement,) = parse(sql)
    assert type(statement).__name__ == names


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE PROMPT greet 'a'", "followed by AS"),
        ("CREATE PROMPT greet AS a", "is a string"),
        ("CREATE PROMPT greet AS 'a {b'", "no partner"),
        ("CREATE PROMPT greet AS 'a' 'b'", "nothing more"),
    ],
)
def test_broken_statements_of_prompts(sql: str, message: str) -> None:
    with pytest.raises(AugurError, match=message):
        parse(sql)


def test_a_language_model_without_an_index_is_shown_the_other_columns(catalog: Catalog) -> None:
    (statement,) = parse("PREDICT rating USING MODEL llm GIVEN SELECT * FROM reviews")
    assert isinstance(statement, GivenQuery)
    made = desugared(statement, catalog, {}, frozenset())
    assert (
        """predict('rating', given."Review", given."hotel" USING MODEL llm)""" in made.origin.text
    )
    labels = "OPTIONS (labels = [1, 5])"
    (statement,) = parse(f"PREDICT rating USING MODEL llm {labels} GIVEN SELECT * FROM others")
    assert isinstance(statement, GivenQuery)
    with pytest.raises(AugurError, match="cannot be told"):
        desugared(statement, catalog, {}, frozenset())
