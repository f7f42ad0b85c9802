"""Statements that are ours as a whole."""

import pytest

from augursql.errors import StatementError
from augursql.planner.parse import parse
from augursql.planner.plan import (
    AlterModel,
    ConfigureModel,
    CreateIndex,
    CreateModel,
    DescribeIndex,
    DescribeModel,
    DropIndex,
    DropModel,
    ExportModel,
    RefreshIndex,
    ResetSetting,
    SetSetting,
    ShowIndexes,
    ShowModels,
    ShowSetting,
    Statement,
    TrainModel,
)

CASES: list[tuple[str, type[Statement], dict[str, object]]] = [
    (
        "CREATE INDEX hotels ON reviews USING HNSW (review)",
        CreateIndex,
        {"name": "hotels", "table": "reviews", "columns": ("review",), "options": ()},
    ),
    (
        'create or replace index if not exists "My i" on main."re v" using hnsw (title, "Re""v")'
        " with (model = minilm, metric = 'cosine', M = 16)",
        CreateIndex,
        {
            "name": "My i",
            "table": 'main."re v"',
            "columns": ("title", 'Re"v'),
            "options": (("model", "minilm"), ("metric", "cosine"), ("m", 16)),
            "or_replace": True,
            "if_not_exists": True,
        },
    ),
    ("REFRESH INDEX hotels", RefreshIndex, {"name": "hotels"}),
    ("DROP INDEX IF EXISTS s.i CASCADE", DropIndex, {"name": "s.i", "if_exists": True}),
    ("drop index i", DropIndex, {"name": "i", "if_exists": False}),
    ("SHOW INDEXES", ShowIndexes, {}),
    ("SHOW /* all */ models", ShowModels, {}),
    ("DESCRIBE INDEX hotels", DescribeIndex, {"name": "hotels"}),
    ('DESC MODEL "M"', DescribeModel, {"name": "M"}),
    (
        "CREATE MODEL m FROM 'org/name' WITH (pooling = 'cls')",
        CreateModel,
        {"name": "m", "source": "org/name", "options": (("pooling", "cls"),)},
    ),
    ("CREATE OR REPLACE MODEL m FROM 'dir'", CreateModel, {"or_replace": True, "base": None}),
    (
        "CREATE MODEL m FROM 'org/lora' with (revision = 'v1') using model \"Base\"",
        CreateModel,
        {"source": "org/lora", "base": "Base", "options": (("revision", "v1"),)},
    ),
    (
        "CREATE MODEL m PREDICT a GIVEN b FROM t",
        TrainModel,
        {"name": "m", "target": "a", "inputs": ("b",), "source": "t", "options": ()},
    ),
    (
        'create or replace model "M" predict "a b" given c, "D" from (SELECT *, (1) FROM s.t)'
        " using index i with (adapter = lora, epochs = 3) using model minilm",
        TrainModel,
        {
            "name": "M",
            "target": "a b",
            "inputs": ("c", "D"),
            "source": "(SELECT *, (1) FROM s.t)",
            "model": "minilm",
            "index": "i",
            "options": (("adapter", "lora"), ("epochs", 3)),
            "or_replace": True,
        },
    ),
    ("CREATE MODEL m FROM CONFIG 'a.yaml'", ConfigureModel, {"name": "m", "file": "a.yaml"}),
    ("ALTER MODEL m SET VERSION 2", AlterModel, {"name": "m", "version": 2}),
    ("EXPORT MODEL m TO 'dir'", ExportModel, {"name": "m", "folder": "dir"}),
    ("DROP MODEL m VERSION 3", DropModel, {"name": "m", "version": 3, "if_exists": False}),
    ("DROP MODEL IF EXISTS m", DropModel, {"version": None, "if_exists": True}),
    ("SET augur_seed = 7", SetSetting, {"name": "augur_seed", "value": 7}),
    ("SET SESSION AUGUR_Dtype TO int8", SetSetting, {"name": "augur_dtype", "value": "int8"}),
    ("SET augur_offline = true", SetSetting, {"value": True}),
    ("SET augur_seed = DEFAULT", ResetSetting, {"name": "augur_seed"}),
    ("RESET augur_seed", ResetSetting, {"name": "augur_seed"}),
    ("SHOW augur_seed", ShowSetting, {"name": "augur_seed"}),
]


@pytest.mark.parametrize(("text", "kind", "fields"), CASES)
def test_statements(text: str, kind: type[Statement], fields: dict[str, object]) -> None:
    (found,) = parse(text)
    assert type(found) is kind
    assert found.text == text
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("CREATE INDEX i ON t USING HNSW (a) WITH model = 'm'", "(name = value", "model"),
        ("CREATE INDEX i ON t USING HNSW (a) WHERE x", "CREATE INDEX allows WITH", "WHERE"),
        ("CREATE INDEX i ON t USING HNSW (a) WITH (m = )", "value of the option", ")"),
        ("REFRESH INDEX", "name of the index is missing", "INDEX"),
        ("REFRESH INDEX a b", "REFRESH INDEX allows nothing more", "b"),
        ("CREATE MODEL m", "followed by FROM 'source'", "m"),
        ("CREATE MODEL m FROM here", "source of a model is a string", "here"),
        ("CREATE MODEL m FROM 'a' USING INDEX i", "allows USING MODEL and WITH", "USING"),
        ("CREATE MODEL m FROM CONFIG a", "name of a file", "a"),
        ("CREATE MODEL m PREDICT", "name of the target is missing", "PREDICT"),
        ("CREATE MODEL m PREDICT a FROM t", "followed by GIVEN", "FROM"),
        ("CREATE MODEL m PREDICT a GIVEN b, FROM t", "followed by FROM table", "t"),
        ("CREATE MODEL m PREDICT a GIVEN b, b FROM t", "given twice", "b"),
        ("CREATE MODEL m PREDICT a GIVEN b FROM", "query in brackets, is missing", "FROM"),
        ("CREATE MODEL m PREDICT a GIVEN b FROM t WHERE x", "allows USING MODEL", "WHERE"),
        ("CREATE MODEL m PREDICT a GIVEN b FROM t USING INDEX i USING INDEX j", "once", "USING"),
        ("ALTER MODEL m SET DEFAULT", "SET VERSION and a number", "SET"),
        ("ALTER MODEL m SET VERSION x", "whole number from 1", "x"),
        ("EXPORT MODEL m", "followed by TO 'folder'", "m"),
        ("EXPORT MODEL m TO dir", "writes into a folder", "dir"),
        ("DROP MODEL m VERSION x", "VERSION is followed by a whole number", "x"),
        ("SET augur_seed", "followed by = and a value", "augur_seed"),
        ("SET augur_seed = 1, 2", "SET allows one value", ","),
    ],
)
def test_errors(text: str, message: str, at: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse(text)
    assert message in caught.value.message
    assert caught.value.span is not None
    assert text[slice(*caught.value.span)] == at


def test_an_index_has_columns() -> None:
    with pytest.raises(StatementError):
        CreateIndex("CREATE", name="i", table="t", columns=())
