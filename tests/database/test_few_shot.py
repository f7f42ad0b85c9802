"""Examples from an index in a prompt, PREDICT and EVALUATE with a language model."""

from collections.abc import Iterator

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection
from tests.database.conftest import Deploy
from tests.database.speaking import DoubledModel, words
from tests.database.speaking import shown as examples

TEXTS = [
    ("The soup was cold and salty", "food", 2),
    ("Cold soup, salty bread", "food", 2),
    ("The bread was warm and fresh", "food", 5),
    ("The bed was hard and old", "room", 1),
    ("A hard old mattress on the bed", "room", 1),
    ("The window of the room was broken", "room", 2),
]


@pytest.fixture
def con(deploy: Deploy) -> Iterator[Connection]:
    with Connection(settings={"progress": "off"}) as connection:
        deploy(connection)
        listed = ", ".join(f"({n}, '{t}', '{a}', {s})" for n, (t, a, s) in enumerate(TEXTS))
        columns = "id, text, topic, stars"
        connection.execute(f"CREATE TABLE said AS FROM (VALUES {listed}) AS t({columns})")
        connection.execute("CREATE INDEX said_texts ON said USING HNSW (text)")
        yield connection


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def test_examples_come_from_the_index_the_nearest_last(con: Connection, llm: DoubledModel) -> None:
    sql = (
        "SELECT predict('topic', 'My soup came cold' USING MODEL llm USING INDEX said_texts TOP 3)"
    )
    assert rows(con, sql) == [("food",)]
    (asked,) = llm.scored
    shown = examples(asked)
    assert len(shown) == 3 and asked[-1].text == "<text>My soup came cold</text>"
    assert {text for text, _ in shown[1:]} == {f"<text>{t}</text>" for t, _, _ in TEXTS[:2]}
    assert {answer for _, answer in shown[1:]} == {"food"}


def test_a_row_is_not_its_own_example(con: Connection, llm: DoubledModel) -> None:
    sql = "SELECT predict('topic', text USING MODEL llm USING INDEX said_texts TOP 5) FROM said"
    rows(con, sql)
    assert len(llm.scored) == len(TEXTS)
    for asked in llm.scored:
        assert len(examples(asked)) == 5
        assert asked[-1].text not in [text for text, _ in examples(asked)]


def test_random_examples_are_seeded(con: Connection, llm: DoubledModel) -> None:
    call = "predict('topic', text USING MODEL llm USING INDEX said_texts TOP 2 RANDOM {})"
    for options in ("OPTIONS (seed = 1)", "OPTIONS (seed = 2)"):
        rows(con, f"SELECT {call.format(options)} FROM said")
    drawn = [[text for text, _ in examples(asked)] for asked in llm.scored]
    assert drawn[:6] != drawn[6:]
    before = len(llm.scored)
    rows(con, f"SELECT {call.format('WITH CONFIDENCE OPTIONS (seed = 1)')} FROM said")
    assert len(llm.scored) == before  # the same prompts, which were answered already
    ((found,),) = rows(con, f"SELECT {call.format('WITH METADATA')} FROM said LIMIT 1")
    assert isinstance(found, dict)
    assert found["metadata"]["strategy"] == "random few-shot"


def test_explanation_shows_the_examples_of_the_prompt(con: Connection) -> None:
    ((found,),) = rows(
        con,
        "SELECT predict('stars', 'Soup, cold' USING MODEL llm USING INDEX said_texts TOP 2 WITH"
        " EXPLANATION, METADATA)",
    )
    assert isinstance(found, dict)
    shown = found["explanation"]["rows"]
    assert [row["label"] for row in shown] == [2, 2]
    assert shown[0]["similarity"] >= shown[1]["similarity"]
    assert shown[0]["text"] in found["explanation"]["prompt"]
    assert (found["metadata"]["examples"], found["metadata"]["index_version"]) == (2, 1)


def test_the_budget_drops_examples_and_then_cuts_the_row(
    con: Connection, llm: DoubledModel, deploy: Deploy
) -> None:
    call = "predict('topic', {} USING MODEL small USING INDEX said_texts TOP 5 WITH METADATA)"
    deploy(con, "small", context=60)
    ((found,),) = rows(con, f"SELECT {call.format(repr('cold soup'))}")
    assert isinstance(found, dict)
    kept, cut = found["metadata"]["examples"], found["metadata"]["truncated"]
    assert 0 < kept < 5 and not cut
    assert len(examples(llm.scored[0])) == kept
    long = "'" + "soup " * 100 + "'"
    ((found,),) = rows(con, f"SELECT {call.format(long)}")
    assert isinstance(found, dict)
    assert (found["metadata"]["examples"], found["metadata"]["truncated"]) == (0, True)
    assert sum(len(m.text.split()) for m in llm.scored[1]) <= 60
    deploy(con, "small", context=10)
    with pytest.raises(augursql.Error, match="does not fit"):
        rows(con, f"SELECT {call.format(repr('cold soup'))}")


def test_estimated_targets_are_written(con: Connection, llm: DoubledModel) -> None:
    con.execute("CREATE TABLE priced AS SELECT text, stars * 1.5::DOUBLE AS price FROM said")
    con.execute("CREATE INDEX priced_texts ON priced USING HNSW (text)")
    call = "predict('price', 'Soup' USING MODEL llm USING INDEX priced_texts TOP 2)"
    assert rows(con, f"SELECT {call}") == [(2.5,)]
    assert [answer for _, answer in examples(llm.generated[0])] == ["3", "3"]


def test_predict_given_has_a_column_per_label(con: Connection) -> None:
    found = con.execute(
        "PREDICT topic WITH PROBABILITIES USING MODEL llm USING INDEX said_texts"
        " GIVEN SELECT text FROM said WHERE id = 0"
    )
    assert [column[0] for column in found.description] == [
        "text",
        "topic_predictions",
        "topic_probabilities_food",
        "topic_probabilities_room",
    ]
    assert found.fetchall() == [(TEXTS[0][0], "food", 0.8, 0.2)]


def test_zero_shot_given_shows_all_other_columns(con: Connection, llm: DoubledModel) -> None:
    sql = "PREDICT topic USING MODEL llm GIVEN SELECT text, stars, topic FROM said ORDER BY id"
    assert rows(con, sql)[3][-1] == "food"  # the first label, as the row names none
    assert llm.scored[3][-1].text == "<record>text: The bed was hard and old\nstars: 1</record>"


def test_evaluate_compares_zero_shot_with_few_shot(con: Connection, llm: DoubledModel) -> None:
    found = rows(
        con,
        "SELECT rung, model, index, rows, accuracy, log_loss IS NOT NULL, tokens > 0 FROM (EVALUATE"
        " topic USING MODEL llm, topic USING MODEL llm USING INDEX said_texts TOP 2,"
        " topic USING MODEL llm USING INDEX said_texts TOP 2 RANDOM"
        " GIVEN SELECT text, topic FROM said)",
    )
    assert [row[:4] for row in found] == [
        ("zero-shot", "llm", None, 6),
        ("few-shot", "llm", "said_texts", 6),
        ("random few-shot", "llm", "said_texts", 6),
    ]
    accuracy = [row[4] for row in found]
    assert accuracy[0] < accuracy[1]  # type: ignore[operator]
    assert all(row[5] and row[6] for row in found)
    assert "room" not in words(llm.scored[0][-1].text)


def test_expectations_after_a_run_are_exact(con: Connection, llm: DoubledModel) -> None:
    sql = "SELECT predict('topic', text USING MODEL llm USING INDEX said_texts TOP 2) FROM said"
    told = " ".join(" ".join(str(row[1]) for row in rows(con, f"EXPLAIN {sql}")).split())
    assert "up to 2 nearest examples of the index in each prompt" in told
    assert "6 to evaluate" in told and not llm.asked
    rows(con, sql)
    told = " ".join(" ".join(str(row[1]) for row in rows(con, f"EXPLAIN {sql}")).split())
    assert "6 known, 0 to evaluate" in told


def test_dear_conditions_come_after_cheap_ones(con: Connection) -> None:
    few = "predict('topic', text USING MODEL llm USING INDEX said_texts) = 'food'"
    sql = f"SELECT id FROM said WHERE {few} AND similarity(text, 'soup') > 0.9"
    told = " ".join(" ".join(str(row[1]) for row in rows(con, f"EXPLAIN {sql}")).split())
    guarded = told.partition("guard")[2]
    assert guarded.index("similarity(") < guarded.index("predict(")
