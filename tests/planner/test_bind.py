"""Names to things, and the types of results."""

from collections.abc import Callable, Sequence

import pytest

from augursql.errors import AugurError, InvalidValueError, NameNotFoundError, UnsupportedError
from augursql.planner.bind import bind
from augursql.planner.bound import BoundQuery
from augursql.planner.catalog import IndexInfo, ModelInfo
from augursql.planner.parse import parse
from augursql.planner.plan import Query
from augursql.planner.result import result_type, target_type

Bound = Callable[[str], BoundQuery]


def test_predict_takes_the_columns_type(bound: Bound) -> None:
    (call,) = bound("SELECT predict('RATING', review USING INDEX hotels TOP 1000)").calls
    assert call.index is not None and call.index.name == "Hotels"
    assert call.model is not None and call.model.name == "minilm"
    assert (call.target_type, call.result_type) == ("INTEGER", "INTEGER")


def test_details_make_a_struct_in_the_languages_order(bound: Bound) -> None:
    (call,) = bound("SELECT predict('mood', x USING INDEX hotels WITH METADATA, CONFIDENCE)").calls
    assert call.target_type == "ENUM('good', 'bad')"
    assert call.result_type == (
        "STRUCT(prediction ENUM('good', 'bad'), confidence DOUBLE, metadata STRUCT(model VARCHAR,"
        " version INTEGER, index_version INTEGER, strategy VARCHAR, cached BOOLEAN, tokens INTEGER,"
        " truncated BOOLEAN, examples INTEGER))"
    )
    assert result_type("BIGINT", ("explanation", "probabilities")) == (
        "STRUCT(prediction BIGINT, probabilities MAP(BIGINT, DOUBLE), explanation STRUCT("
        '"rows" STRUCT("text" VARCHAR, label BIGINT, similarity DOUBLE)[], prompt VARCHAR))'
    )


def test_encoder_functions(bound: Bound) -> None:
    calls = bound(
        "SELECT embed(a), embed(a USING MODEL Tiny), similarity(a, b), classify(a, ['x']),"
        " classify(a, ['x'] WITH CONFIDENCE) FROM search('HOTELS', 'q', k := 3)"
    ).calls
    assert [call.result_type for call in calls] == [
        "FLOAT[384]",
        "FLOAT[3]",
        "DOUBLE",
        "VARCHAR",
        "STRUCT(prediction VARCHAR, confidence DOUBLE)",
        "TABLE",
    ]
    assert calls[5].index is not None


@pytest.mark.parametrize(
    "type_",
    ["BOOLEAN", "UTINYINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL(18,3)", "VARCHAR", "ENUM('a)')"],
)
def test_what_can_be_predicted(type_: str) -> None:
    assert target_type(("c", type_), (0, 1)) == type_


@pytest.mark.parametrize("type_", ["DATE", "VARCHAR[]", "BLOB", "STRUCT(a INTEGER)", "FLOAT[3]"])
def test_what_cannot(type_: str) -> None:
    with pytest.raises(InvalidValueError, match="cannot be predicted"):
        target_type(("c", type_), (0, 1))


@pytest.mark.parametrize(
    ("text", "kind", "message", "at"),
    [
        ("predict('rating', x USING INDEX hotls)", NameNotFoundError, '"Hotels"?', "hotls"),
        ("predict('ratin', x USING INDEX hotels)", NameNotFoundError, '"Rating"?', "'ratin'"),
        ("predict('written', x USING INDEX hotels)", InvalidValueError, "type DATE", "'written'"),
        (
            "predict('rating', x)",
            NameNotFoundError,
            "USING INDEX Hotels, USING INDEX p",
            "'rating'",
        ),
        ("predict('stars', x)", NameNotFoundError, "no index with such a column", "'stars'"),
        ("predict('rating', x USING MODEL tiny)", InvalidValueError, "is an encoder", "tiny"),
        ("predict('rating', x USING MODEL lllm)", NameNotFoundError, 'mean "llm"', "lllm"),
        ("predict('rating', x USING INDEX hotels TOP 1001)", InvalidValueError, "1,000", "1001"),
        (
            "predict('rating', x USING INDEX hotels OPTIONS (sead = 1))",
            NameNotFoundError,
            '"seed"?',
            "sead",
        ),
        (
            "predict('rating', x, index := 'hotels', strategy := 'best')",
            InvalidValueError,
            "vote, head, auto",
            "strategy",
        ),
        (
            "predict('rating', x USING INDEX hotels OPTIONS (seed = 'a'))",
            InvalidValueError,
            "whole number",
            "seed",
        ),
        ("embed(x USING MODEL tinny)", NameNotFoundError, '"tiny"?', "tinny"),
        ("embed(x USING MODEL tiny VERSION 2)", UnsupportedError, "no versions", "2"),
    ],
)
def test_errors_point_at_the_name(
    bound: Bound, text: str, kind: type[AugurError], message: str, at: str
) -> None:
    sql = f"SELECT {text} FROM t"
    with pytest.raises(kind) as caught:
        bound(sql)
    assert caught.value.sql == sql
    assert caught.value.span is not None
    assert sql[slice(*caught.value.span)] == at
    assert message in f"{caught.value.message} {caught.value.hint}"


def test_errors_count_from_the_beginning_of_the_whole_text() -> None:
    sql = "SELECT 1;\nSELECT embed(x USING MODEL none)"
    query = parse(sql)[1]
    assert isinstance(query, Query)
    with pytest.raises(NameNotFoundError, match="LINE 2: SELECT embed") as caught:
        bind(query, NothingKnown())
    assert caught.value.sql == sql
    assert caught.value.span == (sql.index("none"), len(sql) - 1)


class NothingKnown:
    def index(self, name: str) -> IndexInfo | None:
        return None

    def index_names(self) -> Sequence[str]:
        return []

    def model(self, name: str) -> ModelInfo | None:
        return None

    def model_names(self) -> Sequence[str]:
        return []

    def language_names(self) -> Sequence[str]:
        return []

    def default_encoder(self) -> str:
        return "minilm"
