"""summarize_agg() and prompt_agg(): through SQL."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import augursql
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.sampling import Sampling
from augursql.frontends.dbapi.connection import Connection
from tests.database.conftest import Deploy
from tests.database.speaking import DoubledModel
from tests.language_models import write_language_model

SAID = """
CREATE TABLE said AS FROM (VALUES (1, 'warm bread', 'a'), (2, 'no soup', 'a'), (3, NULL, 'a'),
    (4, NULL, 'b'), (5, 'a hard bed', 'c'), (6, 'no soup', 'a')) AS t(id, text, k)
"""
BLOCK = re.compile(r'<text(?: number="(\d+)")?>\n(.*?)\n</text>', re.DOTALL)


@pytest.fixture
def con(deploy: Deploy) -> Iterator[Connection]:
    with Connection(settings={"progress": "off"}) as connection:
        deploy(connection)
        connection.execute(SAID)
        yield connection


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def texts(conversation: Conversation) -> list[str]:
    """The texts of a prompt, whose numbers are checked."""
    found = BLOCK.findall(conversation[-1].text)
    numbers = [number for number, _ in found]
    assert numbers == ([str(n + 1) for n in range(len(found))] if len(found) > 1 else [""])
    return [text for _, text in found]


def test_groups_in_order(con: Connection, llm: DoubledModel) -> None:
    sql = "SELECT k, summarize_agg(text ORDER BY id DESC) FROM said GROUP BY k ORDER BY k"
    found = rows(con, sql)
    assert [k for k, _ in found] == ["a", "b", "c"] and found[1] == ("b", None)
    asked = sorted(texts(said) for said in llm.generated)
    assert asked == [["a hard bed"], ["no soup", "no soup", "warm bread"]]
    assert llm.generated[0][0].text.startswith("Summarize all of the texts together")
    assert rows(con, sql) == found and len(llm.generated) == 2
    assert con.execute(sql).description[1][0] == "summarize_agg(text ORDER BY id DESC)"


def test_an_instruction(con: Connection, llm: DoubledModel) -> None:
    sql = (
        "SELECT prompt_agg('What do they {really} eat?', DISTINCT text ORDER BY text"
        " RETURNS ENUM('bread', 'soup') WITH CONFIDENCE, EXPLANATION, METADATA)"
        " FILTER (WHERE id <> 5) AS eaten FROM said"
    )
    ((found,),) = rows(con, sql)
    assert isinstance(found, dict) and found["prediction"] == "bread"
    assert found["confidence"] == 0.8 and found["explanation"]["rows"] == []
    assert found["metadata"]["strategy"] == "generated" and found["metadata"]["tokens"] > 0
    (asked,) = llm.scored
    assert asked[0].text.startswith("What do they {really} eat?\n")
    assert texts(asked) == ["no soup", "warm bread"]


def test_no_rows_and_no_texts(con: Connection, llm: DoubledModel) -> None:
    for condition in ("false", "text IS NULL"):
        sql = f"SELECT summarize_agg(text), prompt_agg('x', text) FROM said WHERE {condition}"
        assert rows(con, sql) == [(None, None)]
    assert not llm.asked


def test_windows_having_and_lists(con: Connection, llm: DoubledModel) -> None:
    llm.write = lambda said, how: f"{len(texts(said))} texts"
    found = rows(con, "SELECT summarize_agg(text) OVER (PARTITION BY k) FROM said ORDER BY id")
    assert found == [("3 texts",)] * 3 + [(None,), ("1 texts",), ("3 texts",)]
    sql = "SELECT k FROM said GROUP BY k HAVING count(*) > 1 AND summarize_agg(text) <> ''"
    assert rows(con, sql) == [("a",)]
    sql = "SELECT summarize_agg(texts := ['x', NULL, 'y']), prompt_agg('z', texts := [])"
    assert rows(con, sql) == [("2 texts", None)]
    sql = "SELECT summarize_agg(text) FROM said WHERE matches(text, 'x') LIMIT 5"
    assert rows(con, sql) == [("2 texts",)]


def test_inside_of_other_calls_and_statements(con: Connection, llm: DoubledModel) -> None:
    llm.write = lambda said, how: f"[{said[-1].text.count('soup')}]"
    sql = "SELECT prompt('{x}', x := summarize_agg(summarize(text) || 'soup')) FROM said"
    assert rows(con, sql) == [("[0]",)]
    con.execute("CREATE VIEW v AS SELECT k, summarize_agg(text ORDER BY id) AS s,"
                " prompt_agg('x', text RETURNS INTEGER OPTIONS (fallback = 3, retries = 0)) AS n"
                " FROM said GROUP BY k")  # fmt: skip
    assert rows(con, "FROM v ORDER BY k") == [("a", "[2]", 3), ("b", None, None), ("c", "[0]", 3)]
    con.execute("CREATE MACRO about(x) AS summarize_agg(x)")
    assert rows(con, "SELECT about(text) FROM said") == [("[2]",)]
    assert rows(con, "PROMPT 'soup {s}' AS p USING MODEL llm GIVEN SELECT summarize_agg(text) AS s"
                " FROM said") == [("[2]", "[1]")]  # fmt: skip


def test_errors_point_at_what_the_user_wrote(con: Connection) -> None:
    sql = "SELECT summarize_agg(text ORDER BY nothing USING MODEL llm) FROM said"
    with pytest.raises(augursql.Error, match='"nothing"') as caught:
        rows(con, sql)
    line, caret = str(caught.value).splitlines()[-2:]
    assert line[caret.index("^") :].startswith("nothing USING MODEL")
    with pytest.raises(augursql.Error, match='has no option "top"'):
        rows(con, "SELECT summarize_agg(text OPTIONS (top = 3)) FROM said")


def words(count: int, name: str) -> str:
    return " ".join(f"{name}{n}" for n in range(count))


def table(con: Connection, lengths: list[int]) -> list[str]:
    """A table `long` of texts of so many words."""
    made = [words(length, f"t{n}w") for n, length in enumerate(lengths)]
    con.execute("CREATE OR REPLACE TABLE long (id INTEGER, text VARCHAR)")
    for n, text in enumerate(made):
        con.execute("INSERT INTO long VALUES (?, ?)", [n, text])
    return made


LONG = (
    "SELECT summarize_agg(text ORDER BY id USING MODEL small OPTIONS (max_tokens = 40)) FROM long"
)


def test_parts_are_answered_until_all_fits(
    con: Connection, llm: DoubledModel, deploy: Deploy
) -> None:
    deploy(con, "small", context=400)
    made = table(con, [60] * 80)

    def write(said: Conversation, how: Sampling) -> str:
        assert sum(len(message.text.split()) for message in said) <= 400 - 40
        return f"answer {len(llm.generated)} " + words(20, "a")

    llm.write = write
    ((found,),) = rows(con, LONG)
    first = [said for said in llm.generated if "Combine" not in said[0].text]
    assert [text for said in first for text in texts(said)] == made
    assert 16 <= len(first) <= 40  # several texts in each
    more = [said for said in llm.generated if "Combine" in said[0].text]
    assert len(more) > 1 and texts(more[-1]) and all(len(texts(said)) > 1 for said in more)
    count = len(llm.generated)
    assert rows(con, LONG) == [(found,)] and len(llm.generated) == count
    counts = rows(con, "SELECT rows, inputs, evaluated, cached FROM augur_calls()")
    assert counts == [(1, count, count, 0), (1, count, 0, count)]


def test_a_long_text_becomes_several(con: Connection, llm: DoubledModel, deploy: Deploy) -> None:
    deploy(con, "small", context=400)
    (made,) = table(con, [3_000])
    llm.write = lambda said, how: "short"
    assert rows(con, LONG) == [("short",)]
    first = [said for said in llm.generated if "Combine" not in said[0].text]
    assert "".join(text for said in first for text in texts(said)) == made
    assert len(first) > 8
    rows(con, LONG.replace("_agg(text ORDER BY id", "(text"))
    alone = [said for said in llm.generated if said[0].text.startswith("Summarize the text in")]
    assert "".join(t for said in alone for t in texts(said) if t[0] == "t") == made


def test_answers_that_are_long_come_to_an_end(
    con: Connection, llm: DoubledModel, deploy: Deploy
) -> None:
    deploy(con, "small", context=300)
    table(con, [30] * 20)
    llm.write = lambda said, how: words(500, "much")
    assert rows(con, LONG) == [(words(500, "much"),)]


def test_what_never_fits_is_an_error(con: Connection, deploy: Deploy) -> None:
    deploy(con, "small", context=60)
    table(con, [30] * 20)
    with pytest.raises(augursql.Error, match="does not fit into the 20 tokens"):
        rows(con, LONG)
    assert rows(con, LONG.replace("= 40)", "= 40) ON ERROR NULL")) == [(None,)]


def test_budgets_know_the_parts(con: Connection, llm: DoubledModel, deploy: Deploy) -> None:
    deploy(con, "small", context=400)
    table(con, [60] * 40)
    con.execute("SET augur_max_tokens = 1000")
    with pytest.raises(augursql.Error, match="tokens"):
        rows(con, LONG)
    assert not llm.asked
    con.execute("RESET augur_max_tokens")
    told = con.execute(f"EXPLAIN {LONG}").fetchall()[0][1]
    expected = re.search(r"expected\s+([\d,]+) tokens", told)
    assert expected is not None and int(expected[1].replace(",", "")) > 40 * 60


def test_a_real_model(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "llm", letters=True, max_position_embeddings=700)
    settings = {"progress": "off", "home": str(tmp_path / "home"), "cache": "off"}
    with Connection(settings=settings) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        con.execute("CREATE TABLE many AS SELECT n, n % 2 AS k, repeat('text ' || n, 5) AS text"
                    " FROM range(24) r(n)")  # fmt: skip
        sql = (
            "SELECT k, summarize_agg(text ORDER BY n OPTIONS (max_tokens = 24)),"
            " prompt_agg('How many?', text ORDER BY n RETURNS INTEGER) FROM many GROUP BY k"
            " ORDER BY k"
        )
        found = rows(con, sql)
        assert found == rows(con, sql)
        assert [type(value) for value in found[0][1:]] == [str, int]
        evaluated = rows(con, "SELECT rows, evaluated FROM augur_calls()")
        assert all(rows_ == 2 and asked >= 6 for rows_, asked in evaluated)  # type: ignore[operator]
