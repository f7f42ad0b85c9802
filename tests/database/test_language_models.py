"""CREATE MODEL of language models and adapters: their rows, and where they do not belong."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from augursql.engine.repository.machine import Machine
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from tests.hub import COMMIT, Hub, served
from tests.language_models import PARAMETERS, write_adapter, write_language_model

COLUMNS = "name, kind, dimensions, parameters, context, dtype, base"


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Connection]:
    """A connection to a new database file, with a home of its own."""
    settings = {"progress": "off", "home": str(tmp_path / "home"), "offline": True}
    with Connection(tmp_path / "new.duckdb", settings=settings) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_language_model(tmp_path / "base", graphs=True)


def described(con: Connection, name: str) -> dict[str, str]:
    return dict(con.execute(f"FROM (DESCRIBE MODEL {name})").fetchall())


def notices(con: Connection) -> list[str]:
    return [notice.text for notice in con.notices]


def test_a_language_model_has_a_row(con: Connection, folder: Path) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}' WITH (dtype = 'INT4')")
    assert "a language model of 0.0 million parameters, context of 128 tokens" in notices(con)[0]
    assert con.execute(f"SELECT {COLUMNS} FROM (SHOW MODELS) WHERE name = 'llm'").fetchall() == [
        ("llm", "language", None, PARAMETERS, 128, "int4", None)
    ]
    rows = con.execute("SELECT kind, base, options FROM augur.models").fetchall()
    assert rows == [("language", "", '{"dtype": "int4"}')]
    told = described(con, "llm")
    assert told["parameters"] == f"{PARAMETERS:,}"
    assert (told["context"], told["dtype"], told["files"]) == ("128 tokens", "int4", "safetensors")
    assert (told["kind"], told["license"]) == ("language", "apache-2.0")
    assert told["memory in int4"] == "1.0 GB"
    con.execute(f"CREATE OR REPLACE MODEL llm FROM '{folder}' WITH (file = 'onnx/model_q4.onnx')")
    assert described(con, "llm")["files"] == "onnx/model_q4.onnx"
    con.execute("DROP MODEL llm")
    assert con.execute("FROM augur.models").fetchall() == []


@pytest.mark.parametrize(
    ("options", "message", "at"),
    [
        ("dtyp = 'int4'", 'Did you mean "dtype"', "dtyp"),
        ("dtype = 4", "dtype is a string", "dtype"),
        ("dtype = 'fp3'", 'Did you mean "fp32"', "'{folder}'"),
        ("file = 'onnx/model_q5.onnx'", 'Did you mean "onnx/model_q4.onnx"', "'{folder}'"),
        ("revision = 'v1'", "has no revision", "'{folder}'"),
    ],
)
def test_options_are_checked(
    con: Connection, folder: Path, options: str, message: str, at: str
) -> None:
    sql = f"CREATE MODEL llm FROM '{folder}' WITH ({options})"
    with pytest.raises(errors.Error) as caught:
        con.execute(sql)
    assert message in str(caught.value)
    assert caught.value.span is not None
    assert sql[caught.value.span[0] :].startswith(at.format(folder=folder))
    assert con.execute("SELECT name FROM (SHOW MODELS)").fetchall() == [("minilm",)]


def _without(name: str, folder: Path) -> None:
    (folder / name).unlink()


def _templated(template: str, folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(template)


def _configured(name: str, value: object, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, name: value}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (partial(_without, "config.json"), "no config.json"),
        (partial(_without, "tokenizer.json"), "tokenizer"),
        (partial(_templated, "{% for m in %}"), "template"),
        (partial(_templated, "{{ raise_exception('never') }}"), "never"),
        (partial(_configured, "num_hidden_layers", -1), "num_hidden_layers is -1"),
        (partial(_configured, "num_attention_heads", 0), "num_attention_heads is 0"),
        (partial(_configured, "num_hidden_layers", 9), "no tensor"),
    ],
)
def test_a_model_that_cannot_answer_is_not_deployed(
    con: Connection, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(folder := write_language_model(tmp_path / "spoilt"))
    with pytest.raises(errors.Error, match=message):
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
    assert con.execute("SELECT name FROM (SHOW MODELS)").fetchall() == [("minilm",)]


def test_a_source_is_named(con: Connection) -> None:
    with pytest.raises(errors.Error, match="source of a model is empty"):
        con.execute("CREATE MODEL llm FROM ''")


def test_what_is_too_large_has_no_row(
    con: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Machine(total=1 << 30, available=1 << 20)
    monkeypatch.setattr("augursql.database.deployment.this_machine", lambda: small)
    with pytest.raises(errors.OperationalError, match=r"needs 1\.0 GB of memory in int4"):
        con.execute(f"CREATE MODEL llm FROM '{folder}'")
    assert con.execute("SELECT name FROM (SHOW MODELS)").fetchall() == [("minilm",)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT embed('x' USING MODEL llm)",
        "SELECT similarity('x', 'y' USING MODEL llm)",
        "CREATE INDEX i ON t USING HNSW (x) WITH (model = llm)",
        "SET augur_encoder = 'llm'; CREATE INDEX i ON t USING HNSW (x)",
    ],
)
def test_no_language_model_where_an_encoder_belongs(
    con: Connection, folder: Path, sql: str
) -> None:
    con.execute("CREATE TABLE t AS SELECT 'x' AS x")
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    with pytest.raises(errors.Error, match='"llm" is a language model') as caught:
        con.execute(sql)
    assert "minilm" in str(caught.value)


def test_statements_of_training_know_the_kind(con: Connection, folder: Path) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    with pytest.raises(errors.Error, match='"llm" is a language model, which has no versions'):
        con.execute("ALTER MODEL llm SET VERSION 2")
    con.execute("CREATE TABLE t AS SELECT 'x' AS x, 1 AS y")
    with pytest.raises(errors.Error, match="exists already, and is a language model"):
        con.execute("CREATE MODEL llm PREDICT y GIVEN x FROM t")


def test_adapters_belong_to_a_base(con: Connection, folder: Path, tmp_path: Path) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    adapter = write_adapter(tmp_path / "lora")
    con.execute(f"CREATE MODEL tuned FROM '{adapter}' USING MODEL llm")
    assert "an adapter of" in notices(con)[0]
    row = con.execute(f"SELECT {COLUMNS} FROM (SHOW MODELS) WHERE name = 'tuned'").fetchall()
    assert row == [("tuned", "adapter", None, 512, None, None, "llm")]
    told = described(con, "tuned")
    assert (told["base"], told["trained on"]) == ("llm", "org/base")
    for sql in (
        "DROP MODEL llm",
        f"CREATE OR REPLACE MODEL llm FROM '{folder}' WITH (dtype = 'q4')",
    ):
        with pytest.raises(errors.DataError, match='base of the adapter "tuned"'):
            con.execute(sql)
    con.execute(f"CREATE OR REPLACE MODEL llm FROM '{folder}' WITH (dtype = 'fp32')")
    con.execute("DROP MODEL tuned; DROP MODEL llm")


def test_an_adapter_of_another_base_is_noticed(
    con: Connection, folder: Path, tmp_path: Path
) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    adapter = write_adapter(tmp_path / "lora", base_model_name_or_path="org/other")
    con.execute(f"CREATE MODEL tuned FROM '{adapter}' USING MODEL llm")
    assert 'was trained on "org/other"' in notices(con)[0]


def test_bases_that_are_none(con: Connection, folder: Path, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "lora")
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    for sql, message in (
        (f"CREATE MODEL m FROM '{adapter}' USING MODEL lm", 'Did you mean "llm"'),
        (f"CREATE MODEL m FROM '{adapter}' USING MODEL minilm", '"minilm" is an encoder'),
        (f"CREATE MODEL m FROM '{adapter}'", "USING MODEL base"),
        (f"CREATE MODEL m FROM '{folder}' USING MODEL llm", "is no adapter"),
    ):
        with pytest.raises(errors.Error) as caught:
            con.execute(sql)
        assert message in str(caught.value)
        assert caught.value.span is not None


def test_an_exported_language_model_is_one_again(
    con: Connection, folder: Path, tmp_path: Path
) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}'")
    con.execute(f"CREATE MODEL tuned FROM '{write_adapter(tmp_path / 'lora')}' USING MODEL llm")
    con.execute(f"EXPORT MODEL llm TO '{tmp_path / 'out'}'")
    con.execute(f"EXPORT MODEL tuned TO '{tmp_path / 'out_tuned'}'")
    con.execute(f"CREATE MODEL again FROM '{tmp_path / 'out'}'")
    con.execute(f"CREATE MODEL tuned_again FROM '{tmp_path / 'out_tuned'}' USING MODEL again")
    kinds = con.execute("SELECT kind FROM (SHOW MODELS) WHERE name LIKE '%again' ORDER BY name")
    assert kinds.fetchall() == [("language",), ("adapter",)]


def test_files_that_are_gone_come_again_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub()
    hub.folders["org/lm"] = write_language_model(tmp_path / "served", graphs=True)
    hub.folders["org/lora"] = write_adapter(tmp_path / "lora")
    home = tmp_path / "home"
    with served(hub, monkeypatch, tmp_path):
        settings = {"progress": "off", "home": str(home)}
        path = tmp_path / "hub.duckdb"
        with Connection(path, settings=dict(settings)) as con:
            con.execute("CREATE MODEL llm FROM 'org/lm' WITH (revision = 'main')")
            con.execute("CREATE MODEL q4 FROM 'org/lm' WITH (dtype = 'q4')")
            con.execute("CREATE MODEL tuned FROM 'org/lora' USING MODEL llm")
            before = {name: described(con, name)["digest"] for name in ("llm", "q4", "tuned")}
            assert described(con, "llm")["revision"] == COMMIT
        shutil.rmtree(home)
        hub.tags = {"main": "f" * 40, "earlier": COMMIT}
        with Connection(path, settings=dict(settings)) as con:
            assert {name: described(con, name)["digest"] for name in before} == before


def test_databases_of_earlier_versions(folder: Path, tmp_path: Path) -> None:
    settings = {"progress": "off", "home": str(tmp_path / "home"), "offline": True}
    path = tmp_path / "old.duckdb"
    with Connection(path, settings=dict(settings)) as con:
        con.execute(f"CREATE MODEL gone FROM '{folder}'; DROP MODEL gone")
        con.execute(
            "ALTER TABLE augur.models DROP COLUMN kind; ALTER TABLE augur.models DROP COLUMN base; "
            "ALTER TABLE augur.models DROP COLUMN options; "
            "INSERT INTO augur.models VALUES ('old', 'org/old', 'r', 'd', 8, now())"
        )
    kinds = "SELECT name, kind FROM (SHOW MODELS) ORDER BY name"
    for read_only in (True, False):
        with Connection(path, read_only=read_only, settings=dict(settings)) as con:
            assert con.execute(kinds).fetchall() == [("minilm", "encoder"), ("old", "encoder")]
            con.execute(f"CREATE MODEL llm FROM '{folder}' WITH (dtype = 'int8')")
            assert con.execute(kinds).fetchall()[0] == ("llm", "language")
    with Connection(path, settings=dict(settings)) as con:
        assert [row[1] for row in con.execute(kinds).fetchall()] == [
            "language",
            "encoder",
            "encoder",
        ]
        options = con.execute("SELECT options FROM augur.models WHERE name = 'llm'").fetchall()
        assert json.loads(options[0][0]) == {"dtype": "int8"}


def test_files_that_are_gone_for_good(con: Connection, folder: Path, tmp_path: Path) -> None:
    con.execute(f"CREATE MODEL llm FROM '{folder}'; CREATE TABLE t AS SELECT 'a' AS x")
    con.close()
    shutil.rmtree(tmp_path / "home")
    shutil.rmtree(folder)
    settings = {"progress": "off", "home": str(tmp_path / "home"), "offline": True}
    with Connection(tmp_path / "new.duckdb", settings=settings) as again:
        for sql in ("SELECT prompt('{x}' USING MODEL llm) FROM t", "DESCRIBE MODEL llm"):
            with pytest.raises(errors.Error, match='The files of model "llm" are gone'):
                again.execute(sql)
        again.execute("DROP MODEL llm")
