"""The grammar of calls."""

from dataclasses import replace

import pytest

from augursql.errors import StatementError
from augursql.planner.parse import parse
from augursql.planner.plan import Argument, Call, Query


def call(text: str) -> Call:
    (query,) = parse(f"SELECT {text} FROM t")
    assert isinstance(query, Query)
    return query.calls[0]


def refused(text: str) -> tuple[str, str]:
    """The message of the error, and what its caret points at."""
    sql = text if text.startswith("FROM") else f"SELECT {text} FROM t"
    with pytest.raises(StatementError) as caught:
        parse(sql)
    assert caught.value.span is not None and caught.value.sql == sql
    message = f"{caught.value.message} {caught.value.hint}"
    return message, sql[slice(*caught.value.span)]


def test_every_clause_of_predict() -> None:
    found = call(
        "predict('rating', review, t.title USING INDEX hotels TOP 5 RANDOM USING MODEL m VERSION 2"
        " WITH explanation, CONFIDENCE, confidence OPTIONS (seed = -3, strategy = vote, x = 1.5))"
    )
    assert (found.target, found.index, found.top, found.order) == ("rating", "hotels", 5, "random")
    assert (found.model, found.version) == ("m", 2)
    assert found.with_ == ("confidence", "explanation")
    assert found.options == (("seed", -3), ("strategy", "vote"), ("x", 1.5))
    assert [(a.sql, a.name) for a in found.inputs] == [("review", "review"), ("t.title", "title")]


def test_clauses_come_in_any_order() -> None:
    one = call("predict('r', x WITH METADATA OPTIONS (a = 1) USING INDEX i SEMANTIC TOP 2)")
    other = call("predict('r', x USING INDEX i TOP 2 SEMANTIC OPTIONS (a = 1) WITH METADATA)")
    assert one.key == other.key


@pytest.mark.parametrize("sign", [":=", "=>"])
def test_named_arguments_say_the_same(sign: str) -> None:
    clauses = call(
        "predict('r', x USING INDEX hotels TOP 5 RANDOM USING MODEL m VERSION 2"
        " WITH CONFIDENCE, EXPLANATION OPTIONS (strategy = 'vote'))"
    )
    named = call(
        f"predict('r', x, index {sign} 'hotels', top {sign} 5, random {sign} true,"
        f" model {sign} 'm', version {sign} 2, with {sign} ['confidence', 'explanation'],"
        f" strategy {sign} 'vote')"
    )
    assert named.key == clauses.key
    assert named.inputs[0].sql == "x"


def test_keys_ignore_inputs_places_and_case() -> None:
    one = call("predict('Rating', review USING INDEX Hotels)")
    other = call("predict('rating', upper(title)  USING INDEX hotels)")
    assert one.key == other.key
    assert hash(one.key) == hash(other.key)
    assert one.key != call("predict('rating', review USING INDEX hotels TOP 5)").key
    assert one.key != call("predict('rating', review USING INDEX hotels WITH CONFIDENCE)").key


@pytest.mark.parametrize(
    ("written", "model"),
    [("m", "m"), ('"My m"', "My m"), ("a.b", "a.b"), ('a."b c"', "a.b c"), ("'x/y'", "x/y")],
)
def test_names(written: str, model: str) -> None:
    assert call(f"embed(x USING MODEL {written})").model == model


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("review", "review"),
        ('r."Re view"', "Re view"),
        ("db.s.t.review", "review"),
        ("(review)", None),
        ("review || 'x'", None),
        ("'text'", None),
        ("t.*", None),
        ("xs[1]", None),
        ("review::DATE", None),
        ("?", None),
        ("embed(x)", None),
        ("f(a, b := 2)", None),
        ("a: 5", None),
        ("x::TIMESTAMP WITH TIME ZONE", None),
        ("(SELECT a, b FROM t)", None),
        ("options(1)", None),
    ],
)
def test_arguments_keep_their_text_and_know_their_column(written: str, name: str | None) -> None:
    found = call(f"predict('r', {written} , y USING INDEX i)")
    assert (found.inputs[0].sql, found.inputs[0].name) == (written, name)
    assert found.inputs[1].name == "y"


def test_what_sqlglot_cannot_read_is_kept_as_text() -> None:
    found = call("predict('r', a ?!? b $ c, y USING INDEX i WITH CONFIDENCE)")
    assert [(a.sql, a.name) for a in found.inputs] == [("a ?!? b $ c", None), ("y", "y")]
    assert found.with_ == ("confidence",)


def test_text_of_a_call_is_collapsed() -> None:
    found = call("predict( 'a  b',\n\n  review -- why\n USING INDEX  i)")
    assert found.sql == "predict( 'a  b', review USING INDEX i)"


def test_classify() -> None:
    plain = call("classify(review, ['good', 'bad'] WITH PROBABILITIES)")
    assert plain.labels == Argument("['good', 'bad']", None, (24, 39))
    described = call("classify(x, [{'label': 'a', 'description': 'b'}] USING MODEL m)")
    assert plain.key != described.key
    assert call("classify(x, labels)").labels == Argument("labels", "labels", (19, 25))


def test_search() -> None:
    (query,) = parse("FROM search('hotels', 'a view', k := 7, filter := 'stars > 3')")
    assert isinstance(query, Query)
    (found,) = query.calls
    assert (found.index, found.top, found.filter) == ("hotels", 7, "stars > 3")
    assert found.inputs[0].sql == "'a view'"


def test_places_say_where_names_stand() -> None:
    sql = "SELECT predict('r', x USING INDEX \"My i\" TOP 5 OPTIONS (seed = 1)) FROM t"
    (query,) = parse(sql)
    assert isinstance(query, Query)
    found = query.calls[0]
    shown = [sql[slice(*found.place(p))] for p in ("target", "index", "top", "option:seed")]
    assert shown == ["'r'", '"My i"', "5", "seed"]
    assert found.place("model") == found.span


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("predict(rating, x USING INDEX i)", "takes the target as a string", "rating"),
        ("predict('a' || 'b', x USING INDEX i)", "target as a string", "'a' || 'b'"),
        ("predict('r' USING INDEX i)", "An input of predict", "predict('r' USING INDEX i)"),
        ("predict('r', , x)", "An input of predict", "predict('r', , x)"),
        ("predict('r', x, USING INDEX i)", "An input", "predict('r', x, USING INDEX i)"),
        ("predict('r', x", "predict( is not closed", "predict("),
        ("predict('r', x USING i)", "USING is followed by MODEL or INDEX", "USING"),
        ("predict('r', x USING INDEX)", "name of an index is missing", "INDEX"),
        ("predict('r', x USING INDEX i TOP 0)", "whole number from 1", "0"),
        ("predict('r', x USING INDEX i TOP many)", "whole number from 1", "many"),
        ("predict('r', x USING INDEX i TOP 2.5)", "whole number from 1", "2.5"),
        ("predict('r', x USING INDEX i TOP 1 TOP 2)", "TOP is given twice", "TOP"),
        ("predict('r', x USING INDEX i SEMANTIC RANDOM)", "given twice", "RANDOM"),
        ("predict('r', x USING INDEX i USING INDEX j)", "USING INDEX is given twice", "USING"),
        ("predict('r', x WITH CONFIDNCE)", 'Did you mean "CONFIDENCE"', "CONFIDNCE"),
        ("predict('r', x WITH)", "WITH is followed by", "WITH"),
        ("predict('r', x WITH CONFIDENCE METADATA)", "does not understand METADATA", "METADATA"),
        ("predict('r', x OPTIONS (a))", "needs a value", ")"),
        ("predict('r', x OPTIONS (a = 1, A = 2))", "given twice", "A"),
        ("predict('r', x OPTIONS (a = (1)))", "is a string, a number", "("),
        ("predict('r', x, top := 5)", "stand after USING INDEX", "predict('r', x, top := 5)"),
        ("predict('r', x, index := 'i', y)", "stands after the inputs", "index"),
        ("predict('r', x, index := )", "needs a value", "index"),
        ("predict('r', x, index := 'a' || 'b')", "one plain value", "||"),
        ("predict('r', x, index := 'i' USING INDEX i)", "USING INDEX is given twice", "index"),
        ("predict('r', x, with := ['confidenc'])", 'Did you mean "CONFIDENCE"', "'confidenc'"),
        ("predict('r', x, with := 5)", "takes a string", "5"),
        ("embed(x USING INDEX i)", "embed() has no USING INDEX", "USING"),
        ("embed(USING MODEL m)", "An input of embed() is missing", "embed(USING MODEL m)"),
        ("embed(x, y USING MODEL m)", "too many inputs", "embed(x, y USING MODEL m)"),
        ("classify(x WITH CONFIDENCE)", "An input", "classify(x WITH CONFIDENCE)"),
        ("FROM search('i', 'q', k := 0)", "whole number from 1", "0"),
        ("FROM search('i', 'q', n := 3)", 'no argument "n"', "n"),
        ("FROM search('i', 'q', filter := x)", "takes a string", "x"),
    ],
)
def test_broken_grammar_is_pointed_at(text: str, message: str, at: str) -> None:
    told, shown = refused(text)
    assert message in told
    assert shown == at


def test_a_call_checks_itself() -> None:
    with pytest.raises(StatementError, match="0 inputs"):
        Call("embed", (0, 1), "embed()", ())
    with pytest.raises(StatementError, match="has a target"):
        Call("predict", (0, 1), "predict()", (Argument("x", None, (0, 1)),))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("embed()", "An input of embed() is missing. Write it as embed(review)."),
        ("embed(a, b)", "embed() has too many inputs. Write it as embed(review)."),
        ("similarity(a)", "An input of similarity() is missing."),
        ("similarity(a, b, c)", "similarity() has too many inputs."),
        ("classify(a)", "An input of classify() is missing."),
        ("classify(a, ['x'], c)", "classify() has too many inputs."),
    ],
)
def test_wrong_numbers_of_inputs(written: str, message: str) -> None:
    said, shown = refused(written)
    assert said.startswith(message) and shown == written


def test_a_prompt_with_everything() -> None:
    found = call(
        "prompt('Is {review} {{so}} {t.mood} {x}, {Review}?', x := upper(title) USING MODEL m "
        "USING INDEX i TOP 3 RANDOM WITH EXPLANATION, CONFIDENCE RETURNS STRUCT(a INT, b TEXT[])[] "
        "OPTIONS (seed = 1))"
    )
    assert found.template == "Is {review} {{so}} {t.mood} {x}, {Review}?"
    assert [(a.name, a.sql) for a in found.inputs] == [
        ("review", '"review"'),
        ("t.mood", '"t"."mood"'),
        ("x", "upper(title)"),
    ]
    assert (found.model, found.index, found.top, found.order) == ("m", "i", 3, "random")
    assert found.with_ == ("confidence", "explanation")
    assert found.returns == 'STRUCT("a" INTEGER, "b" VARCHAR[])[]'
    named = call(
        "prompt('Is {review} {{so}} {t.mood} {x}, {Review}?', x := upper(title), model := 'm', "
        "index := 'i', top := 3, random := true, with := ['explanation', 'confidence'], "
        "returns := 'STRUCT(a INT, b TEXT[])[]')"
    )
    assert (named.returns, named.with_, named.top) == (found.returns, found.with_, 3)


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("prompt('a {b')", "no partner", "{"),
        ("prompt('a }')", "no partner", "}"),
        ("prompt('{ }')", "placeholder is empty", "{ }"),
        ("prompt('{x}', y := 1)", 'no argument "y"', "y"),
        ("prompt('{x}', 'y')", "too many inputs", "prompt('{x}', 'y')"),
        ("prompt(upper(x) USING MODEL m)", "takes the template as a string", "upper(x)"),
        ("prompt(x VERSION 0 USING MODEL m)", "whole number from 1", "0"),
        ("prompt('x' RETURNS VARCHAR MATCHING 5)", "followed by a string", "5"),
        ("prompt('x' RETURNS BLOB)", "does not know this type", "BLOB"),
        ("prompt('x' RETURNS ENUM(a))", "lists its values", "a"),
        ("prompt('x' RETURNS ENUM('a', 'a'))", "twice", "'a'"),
        ("prompt('x' RETURNS STRUCT(a INT, A INT))", "twice", "A"),
        ("prompt('x' RETURNS INT[3])", "empty brackets", "3"),
        ("prompt('x', returns := 'BLOB')", "does not know this type", "returns"),
        ("prompt('x' WITH PROBABILITIES)", "does not know PROBABILITIES", "PROBABILITIES"),
        ("prompt('x' USING INDEX i ORDER BY a)", "does not understand ORDER", "ORDER"),
    ],
)
def test_prompts_that_break_the_grammar(text: str, message: str, at: str) -> None:
    said, shown = refused(text)
    assert message in said and shown == at


@pytest.mark.parametrize(
    "written",
    [
        "predict('r', x USING INDEX i ON ERROR NULL WITH CONFIDENCE)",
        "predict('r', x ON ERROR null USING INDEX i)",
        "predict('r', x, index := 'i', on_error := 'null')",
        "classify(x, ['a'] ON ERROR NULL)",
        "embed(x, on_error := NULL)",
        "embed(x ON ERROR NULL USING MODEL m)",
        "similarity(x, (SELECT a FROM b JOIN c ON error) ON ERROR NULL)",
    ],
)
def test_on_error(written: str) -> None:
    found = call(written)
    assert found.on_error == "null"
    assert found.key != replace(found, on_error="fail").key


def test_on_error_fails_without_the_clause() -> None:
    assert call("embed(x)").on_error == call("embed(x ON ERROR FAIL)").on_error == "fail"


@pytest.mark.parametrize(
    ("written", "message", "place"),
    [
        ("embed(x ON ERROR ignore)", "NULL or FAIL", "ignore"),
        ("embed(x ON ERROR)", "NULL or FAIL", "ERROR"),
        ("embed(x, on_error := 'skip')", "'null' or 'fail'", "'skip'"),
        ("embed(x ON ERROR NULL ON ERROR FAIL)", "ON ERROR is given twice", "ON"),
        ("embed(x ON ERROR NULL, on_error := 'null')", "does not understand ,", ","),
        ("embed(x WITH CONFIDENCE)", "It takes USING MODEL, ON ERROR", "WITH"),
    ],
)
def test_on_error_refused(written: str, message: str, place: str) -> None:
    found, shown = refused(written)
    assert message in found
    assert shown == place
