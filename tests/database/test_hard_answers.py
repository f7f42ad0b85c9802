"""Answers, conditions and templates that go wrong, through SQL."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import augursql
from augursql.frontends.dbapi.connection import Connection
from tests.database.conftest import Deploy
from tests.database.speaking import DoubledModel
from tests.language_models import write_adapter, write_language_model


@pytest.fixture
def con(deploy: Deploy) -> Iterator[Connection]:
    with Connection(settings={"progress": "off"}) as connection:
        deploy(connection)
        yield connection


def answer(con: Connection, clauses: str) -> object:
    ((found,),) = con.execute(f"SELECT prompt('a' USING MODEL llm {clauses})").fetchall()
    return found


@pytest.mark.parametrize(
    "condition",
    [
        "true; CREATE TABLE made AS SELECT 1",
        "true); CREATE TABLE made AS SELECT 1; SELECT (true",
        "true) AS BOOLEAN), false); CREATE TABLE made AS SELECT 1; --",
        "true UNION ALL SELECT 1",
        "sum(length(value)) > 0",
        "unnest([true, false])",
    ],
)
def test_a_condition_is_one_expression(con: Connection, condition: str) -> None:
    for explained in ("", "EXPLAIN "):
        with pytest.raises(augursql.Error, match="validate is"):
            con.execute(f"{explained}SELECT prompt('a' OPTIONS (validate = '{condition}'))")
    assert con.execute("SHOW TABLES").fetchall() == []


def test_a_condition_that_fails_on_an_answer(con: Connection, llm: DoubledModel) -> None:
    llm.write = lambda said, sampling: "many"
    with pytest.raises(augursql.Error, match="validate fails on an answer.*TRY_CAST") as caught:
        answer(con, "OPTIONS (validate = 'value::INTEGER > 3')")
    assert "SELECT" not in str(caught.value) and "Python" not in str(caught.value)
    assert answer(con, "OPTIONS (validate = 'value::INTEGER > 3') ON ERROR NULL") is None
    assert answer(con, "OPTIONS (validate = 'length(value) = 4 -- in all')") == "many"


@pytest.mark.parametrize(
    ("type_", "fallback"),
    [("TINYINT", "300"), ("INTEGER", "1.5"), ("UINTEGER", "-1"), ("FLOAT", "1e40")],
)
def test_a_fallback_is_of_the_type(con: Connection, type_: str, fallback: str) -> None:
    with pytest.raises(
        augursql.Error, match="The fallback cannot be used: it (is not of the type|does not fit)"
    ):
        answer(con, f"RETURNS {type_} OPTIONS (fallback = {fallback})")


def test_numbers_keep_their_digits_and_are_finite(con: Connection, llm: DoubledModel) -> None:
    digits = "1.2345678901234567890123456789"
    llm.write = lambda said, sampling: digits
    assert answer(con, "RETURNS DECIMAL(38,28)") == Decimal(digits)
    llm.write = lambda said, sampling: "1e999"
    assert answer(con, "RETURNS DOUBLE OPTIONS (retries = 0)") is None
    llm.write = lambda said, sampling: "1e39"
    assert answer(con, "RETURNS FLOAT OPTIONS (retries = 0, fallback = 0.5)") == 0.5


def test_labels_keep_their_spaces(con: Connection) -> None:
    assert answer(con, "RETURNS ENUM(' a ', 'b ')") == " a "


def test_what_does_not_match_to_its_end_is_no_answer(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "m", letters=True, max_position_embeddings=512)
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        assert answer(con, "RETURNS VARCHAR MATCHING 'a{50}' OPTIONS (max_tokens = 9)") is None
        assert answer(con, "RETURNS VARCHAR MATCHING '\n +x' OPTIONS (max_tokens = 9)") in {
            f"\n{' ' * spaces}x" for spaces in range(1, 8)
        }
        ((error,),) = con.execute("SELECT error FROM augur_errors()").fetchall()
        assert "cut off at max_tokens" in error


def test_a_conversation_that_grew_too_long_is_not_asked_again(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "m", letters=True, max_position_embeddings=512)
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        call = "prompt('{x}', x := repeat('long ', 200) RETURNS TINYINT OPTIONS (%s))"
        failing = call % "validate = 'false', fallback = 7"
        assert con.execute(f"SELECT {failing}").fetchall() == [(7,)]


def test_no_room_for_the_answer(con: Connection) -> None:
    with pytest.raises(augursql.Error, match="no room beside an answer of 5,000. Lower max_tokens"):
        answer(con, "OPTIONS (max_tokens = 5000)")


@pytest.mark.parametrize("inside", ['"', '"name" FROM range(3) --', '"name", 3', '"a" || "b"'])
def test_a_placeholder_is_a_name_and_nothing_else(con: Connection, inside: str) -> None:
    with pytest.raises(augursql.Error, match="Referenced column .* not found"):
        con.execute(f"SELECT prompt('{{{inside}}}') FROM (SELECT 'Ann' AS name)")


def test_quoted_placeholders(con: Connection, llm: DoubledModel) -> None:
    table = 'FROM (SELECT 1 AS "a ""b", 2 AS "c.d") AS t'
    con.execute(f"""SELECT prompt('{{a "b}} {{"a ""b"}} {{t."c.d"}}') {table}""")
    assert llm.generated[0][-1].text == "<a_b>1</a_b> <a_b_2>1</a_b_2> <d>2</d>"


def test_a_value_is_given_once(con: Connection) -> None:
    with pytest.raises(augursql.Error, match='"X" is given twice'):
        con.execute("SELECT prompt('{x}', x := 1, X := 2)")


def test_names_are_not_empty(con: Connection) -> None:
    for statement in ("CREATE MODEL \"\" FROM 'org/model'", "CREATE PROMPT \"\" AS 'a'"):
        with pytest.raises(augursql.Error, match="name of the .* is missing"):
            con.execute(statement)


def test_an_empty_prompt(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "m", letters=True, max_position_embeddings=512)
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        with pytest.raises(augursql.Error, match="A prompt is empty"):
            con.execute("SELECT prompt('')")


def test_an_adapter_that_is_no_number(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "m", letters=True, max_position_embeddings=512)
    adapter = write_adapter(tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    broken = {name: weight * np.float32("nan") for name, weight in weights.items()}
    save_file(broken, adapter / "adapter_model.safetensors")
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        con.execute(f"CREATE MODEL lora FROM '{adapter}' USING MODEL llm")
        with pytest.raises(augursql.Error, match="weights that are not finite numbers"):
            con.execute("SELECT classify('x', ['a', 'b'] USING MODEL lora)")


def test_special_tokens_in_the_names_of_fields_and_labels(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "m", letters=True, max_position_embeddings=1024)
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
        found = answer(
            con, """RETURNS STRUCT("<s>" TINYINT, b ENUM('</s>')[]) OPTIONS (seed = 1)"""
        )
        assert isinstance(found, dict) and list(found) == ["<s>", "b"]
        assert set(found["b"] or []) <= {"</s>"}
