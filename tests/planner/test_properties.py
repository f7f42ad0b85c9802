"""What holds for any text."""

from hypothesis import given
from hypothesis import strategies as st

from augursql.errors import AugurError
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.emit import emit
from augursql.planner.parse import parse
from augursql.planner.plan import Query, Verbatim
from augursql.planner.scan import speaks_augur

PIECES = st.sampled_from(
    "SELECT FROM WHERE JOIN predict( embed( similarity( classify( search( extract( summarize("
    " matches( summarize_agg( prompt_agg( ORDER BY FILTER OVER texts returns model index hnsw USING"
    " WITH TOP CONFIDENCE OPTIONS AS DISTINCT ON CREATE MACRO , . ; ( ) [ ] { } : = := => -- /* */"
    " 'a' 'it''s' \"x y\" $$q$$ E'\\'' $1 ? 1.5 * t x augur_seed \n show indexes".split(" ")
)


@given(st.lists(PIECES, max_size=14).map(" ".join))
def test_any_order_of_words_is_parsed_or_refused(text: str) -> None:
    """Nothing but an error of ours may come out, and what is found can be emitted."""
    try:
        statements = parse(text)
    except AugurError as error:
        assert error.sql == text and error.span is not None and speaks_augur(text)
        return
    assert speaks_augur(text) or all(isinstance(found, Verbatim) for found in statements)
    for query in statements:
        assert query.text == text[slice(*query.span)]
        if isinstance(query, Query):
            calls = tuple(BoundCall(call, None, None, None, "DOUBLE") for call in query.calls)
            listings = ["(SELECT 1)"] * len(query.listings)
            tables = dict.fromkeys(range(len(calls)), "r")
            assert emit(BoundQuery(query, calls), ["f"] * len(calls), listings, tables)


@given(st.text(max_size=60))
def test_any_text_without_our_words_comes_back(text: str) -> None:
    if not speaks_augur(text):
        for statement in parse(text):
            assert statement == Verbatim(text[slice(*statement.span)])


@given(st.text(max_size=20))
def test_strings_comments_and_names_hide_our_words(text: str) -> None:
    inside = f"predict('r', x USING INDEX i) embed(x) {text}"
    string = "'" + inside.replace("'", "''") + "'"
    name = '"' + inside.replace('"', '""') + '"'
    line = inside.replace("\n", " ").replace("\r", " ")
    comment = inside.replace("*/", "").replace("/*", "").replace("*", "").replace("/", "")
    plain = f"SELECT {string} AS {name} /* {comment} */ FROM t -- {line}"
    assert parse(plain) == [Verbatim(plain)]


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_around_a_call_stay_as_they_are(before: str, after: str) -> None:
    left = "'" + before.replace("'", "''") + "'"
    right = "'" + after.replace("'", "''") + "'"
    (query,) = parse(f"SELECT {left}, embed(x) AS e, {right}")
    assert isinstance(query, Query)
    (call,) = query.calls
    sql = emit(BoundQuery(query, (BoundCall(call, None, None, None, "FLOAT[3]"),)), ["f"])
    assert sql == f"SELECT {left}, f(CAST(x AS VARCHAR)) AS e, {right}"
