"""What PREDICT, PROMPT and EVALUATE become, and where their errors point."""

import re
from collections.abc import Callable

import pytest

from augursql.errors import AugurError, NameNotFoundError
from augursql.planner.bind import bind
from augursql.planner.catalog import Catalog
from augursql.planner.given import desugared, measured, parameters_of
from augursql.planner.parse import parse
from augursql.planner.plan import GivenQuery, Span
from augursql.planner.rewritten import Desugared

Rewritten = Callable[..., Desugared]
HOTELS = "USING INDEX hotels"


def given(sql: str) -> GivenQuery:
    (statement,) = parse(sql)
    assert isinstance(statement, GivenQuery)
    return statement


@pytest.fixture
def rewritten(catalog: Catalog) -> Rewritten:
    def made(sql: str, tables: dict[Span, str] | None = None) -> Desugared:
        return desugared(given(sql), catalog, tables or {}, frozenset())

    return made


def test_one_column_more(rewritten: Rewritten) -> None:
    made = rewritten(f"PREDICT rating {HOTELS} TOP 3 GIVEN SELECT * FROM reviews -- all")
    assert made.origin.text == (
        """SELECT given.*, predict('rating', given."review" USING INDEX hotels TOP 3)"""
        """ AS "rating_predictions" FROM (SELECT * FROM reviews) AS given -- all"""
    )
    assert [call.kind for call in made.statement.calls] == ["predict"]


def test_one_call_gives_all_that_is_asked(rewritten: Rewritten) -> None:
    text = rewritten(
        f"PREDICT rating AS r WITH PROBABILITIES, CONFIDENCE {HOTELS}, price WITH PROBABILITIES "
        f"{HOTELS}, mood WITH EXPLANATION, METADATA {HOTELS} GIVEN FROM reviews"
    ).origin.text
    assert text.count("predict(") == 3
    columns = text[: text.index(" FROM (")]
    assert re.findall(r' AS ("\w+")', columns) == [
        '"r"',
        '"r_probability"',
        '"r_probabilities_1"',
        '"r_probabilities_5"',
        '"price_predictions"',
        '"price_probabilities"',
        '"mood_predictions"',
        '"mood_explanation"',
        '"mood_metadata"',
    ]
    assert "__augur_1.probabilities[CAST('5' AS INTEGER)]" in text


def test_labels_are_quoted(rewritten: Rewritten) -> None:
    text = rewritten(f"PREDICT mood WITH PROBABILITIES {HOTELS} GIVEN FROM reviews").origin.text
    assert "CAST('it''s bad' AS ENUM('good', 'bad'))] AS \"mood_probabilities_it's bad\"" in text


def test_inputs_are_the_columns_of_the_index(rewritten: Rewritten) -> None:
    text = rewritten("PREDICT rating USING INDEX pairs GIVEN SELECT 1").origin.text
    assert """predict('rating', given."Title", given."review" USING INDEX pairs)""" in text


def test_blocks_inside_of_each_other(rewritten: Rewritten) -> None:
    text = rewritten(
        f"WITH x AS (SELECT 1) PREDICT rating {HOTELS} GIVEN "
        f"SELECT * FROM (PREDICT mood {HOTELS} GIVEN FROM x) WHERE embed(y) = ?"
    ).origin.text
    assert text.startswith("WITH x AS (SELECT 1) SELECT given.*, predict('rating'")
    assert """FROM (SELECT given.*, predict('mood', given."review" USING""" in text
    assert text.endswith("FROM (FROM x) AS given) WHERE embed(y) = ?) AS given")


@pytest.mark.parametrize(
    ("sql", "message", "at"),
    [
        (f"PREDICT ratin {HOTELS} GIVEN FROM t", 'Did you mean "Rating"', "ratin"),
        ("PREDICT rating USING INDEX hotel GIVEN FROM t", 'mean "Hotels"', "hotel"),
        ("PREDICT rating USING INDEX hotels TOP 9999 GIVEN FROM t", "1,000 rows", "9999"),
        (f"PREDICT rating {HOTELS} OPTIONS (sed = 1) GIVEN FROM t", 'mean "seed"', "sed"),
        ("PREDICT rating GIVEN FROM t", "No predictor is trained", "rating"),
        ("PREDICT rating USING MODEL tiny GIVEN FROM t", '"tiny" is an encoder', "tiny"),
        (f"PREDICT written {HOTELS} GIVEN FROM t", "type DATE", "written"),
        ("PREDICT rating USING INDEX pairs GIVEN FROM reviews", 'no column "Title"', "rating"),
        (f"EVALUATE price {HOTELS} GIVEN FROM reviews", 'no column "price"', "price"),
        ("PROMPT 'a' USING MODEL tiny GIVEN FROM t", "is an encoder", "tiny"),
        ("PROMPT 'a {hotl}' USING MODEL m GIVEN FROM reviews", 'mean "hotel"', "{hotl}"),
        ("PROMPT 'a' USING MODEL llm OVER hotel GIVEN FROM t", 'mean "Hotels"', "hotel"),
        (f"PREDICT rating {HOTELS} GIVEN SELECT embed(x USING MODEL y)", "no model", "y"),
        (f"PREDICT rating {HOTELS} GIVEN SELECT embed(x, y)", "too many inputs", "embed(x, y)"),
        (f"PREDICT rating {HOTELS} GIVEN PREDICT mode {HOTELS} GIVEN FROM t", "mean", "mode"),
    ],
)
def test_errors_point_into_the_users_text(
    catalog: Catalog, sql: str, message: str, at: str
) -> None:
    for text in (sql, f"SELECT 1;\n\nSELECT * FROM ({sql}\n) AS p"):
        statement = parse(text)[-1]
        assert isinstance(statement, GivenQuery)
        with pytest.raises(AugurError) as caught:
            for block in statement.measures:
                measured(statement, block, catalog, {}, frozenset())
            made = desugared(statement, catalog, {}, frozenset())
            with made.origin.restoring():
                bind(made.statement, catalog)
        assert message in f"{caught.value.message} {caught.value.hint}"
        assert caught.value.sql == text and caught.value.span is not None
        assert text[slice(*caught.value.span)] == at


def test_a_lacking_column_says_what_the_index_is_made_of(rewritten: Rewritten) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        rewritten("PREDICT rating USING INDEX pairs GIVEN SELECT * FROM reviews")
    assert 'The index "pairs" is made of "Title", "review".' in caught.value.hint
    assert 'Existing: "Review", "hotel", "rating".' in caught.value.hint


def test_an_evaluation_is_a_table(rewritten: Rewritten) -> None:
    sql = f"SELECT * FROM (EVALUATE rating {HOTELS} GIVEN FROM t) WHERE rows > 1"
    (block,) = given(sql).blocks
    made = rewritten(sql, {block.span: "(SELECT 1 AS rows)"})
    assert made.origin.text == "SELECT * FROM ((SELECT 1 AS rows)) WHERE rows > 1"


def test_what_an_evaluation_reads(catalog: Catalog) -> None:
    sql = f"WITH c AS (FROM t) EVALUATE rating {HOTELS}, mood USING INDEX pairs RANDOM GIVEN FROM c"
    statement = given(sql)
    found = measured(statement, statement.blocks[0], catalog, {}, frozenset())
    assert found.rows.origin.text == (
        "CREATE OR REPLACE TEMP TABLE temp.augur_evaluated AS WITH c AS (FROM t) SELECT * FROM "
        '(SELECT given."rating", given."review", given."mood", given."title" FROM (FROM c) '
        "AS given)"
    )
    read = [rung.answers.origin.text.split(" FROM (", 1)[1] for rung in found.rungs]
    assert read == [
        """SELECT CAST("rating" AS INTEGER) AS label, predict('rating', "review" USING INDEX """
        "hotels WITH PROBABILITIES) AS answer FROM temp.augur_evaluated)",
        """SELECT CAST("mood" AS ENUM('good', 'bad')) AS label, predict('mood', "Title", """
        """"review" USING INDEX pairs RANDOM WITH PROBABILITIES) AS answer """
        "FROM temp.augur_evaluated)",
    ]


@pytest.mark.parametrize(
    ("marks", "values", "parts"),
    [
        ("?, ?, ?", [1, 2, 3], ([2], [1, 3])),
        ("$a, $b, $a", {"a": 1, "b": 2}, ({"b": 2}, {"a": 1})),
        ("$1, $2, $1", [1, 2], ({"2": 2}, {"1": 1})),
    ],
)
def test_parameters_go_where_they_stand(
    catalog: Catalog,
    marks: str,
    values: list[int] | dict[str, int],
    parts: tuple[object, object],
) -> None:
    first, second, third = marks.split(", ")
    sql = (
        f"SELECT {first} FROM (EVALUATE rating {HOTELS} GIVEN FROM t WHERE a = {second}) "
        f"WHERE rows = {third}"
    )
    statement = given(sql)
    (block,) = statement.blocks
    found = measured(statement, block, catalog, {}, frozenset())
    made = desugared(statement, catalog, {block.span: "(SELECT 1)"}, frozenset())
    assert parameters_of(statement, found.rows, values) == parts[0]
    assert parameters_of(statement, made, values) == parts[1]
