"""What is read from a model's own files."""

import json
from pathlib import Path

import pytest

from augursql.engine.repository.layout import choose_files
from augursql.engine.repository.profile import read_profile
from augursql.errors import ModelError


def _write(folder: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def _modules(*kinds: str) -> list[dict[str, str]]:
    types = [
        (f"{n}_{kind}", f"sentence_transformers.models.{kind}") for n, kind in enumerate(kinds)
    ]
    return [{"path": path, "type": kind} for path, kind in types]


@pytest.mark.parametrize(
    ("mode", "pooling"), [("mean_tokens", "mean"), ("cls_token", "cls"), ("lasttoken", "last")]
)
def test_pooling_and_normalisation(tmp_path: Path, mode: str, pooling: str) -> None:
    others = {f"pooling_mode_{m}": False for m in ("mean_tokens", "cls_token", "max_tokens")}
    config = {"word_embedding_dimension": 8, **others, f"pooling_mode_{mode}": True}
    files = {"modules.json": _modules("Transformer", "Pooling"), "1_Pooling/config.json": config}
    profile = read_profile(_write(tmp_path, files))
    assert (profile.pooling, profile.normalize) == (pooling, False)
    files["modules.json"] = _modules("Transformer", "Pooling", "Normalize")
    assert read_profile(_write(tmp_path, files)).normalize


def test_a_bare_transformer_is_mean_pooled_and_normalised(tmp_path: Path) -> None:
    profile = read_profile(_write(tmp_path, {"config.json": {"model_type": "bert"}}))
    assert (profile.architecture, profile.pooling, profile.normalize) == ("bert", "mean", True)
    assert profile.license == "unknown"


@pytest.mark.parametrize("mode", ["max_tokens", "weightedmean_tokens"])
def test_other_poolings_are_refused(tmp_path: Path, mode: str) -> None:
    config = {f"pooling_mode_{mode}": True}
    files = {"modules.json": _modules("Transformer", "Pooling"), "1_Pooling/config.json": config}
    with pytest.raises(ModelError, match="pools by"):
        read_profile(_write(tmp_path, files))


def test_two_poolings_at_once_are_refused(tmp_path: Path) -> None:
    config = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
    files = {"modules.json": _modules("Transformer", "Pooling"), "1_Pooling/config.json": config}
    with pytest.raises(ModelError, match="cls and mean"):
        read_profile(_write(tmp_path, files))


def test_further_layers_are_refused(tmp_path: Path) -> None:
    files: dict[str, object] = {"modules.json": _modules("Transformer", "Pooling", "Dense")}
    with pytest.raises(ModelError, match='"Dense" step'):
        read_profile(_write(tmp_path, files))


@pytest.mark.parametrize(
    ("sentence", "tokenizer", "config", "expected"),
    [
        (256, 512, {"max_position_embeddings": 512}, 256),
        (None, 384, {"max_position_embeddings": 512}, 384),
        (None, 1e30, {"max_position_embeddings": 512}, 512),
        (None, None, {"max_position_embeddings": 514, "model_type": "xlm-roberta"}, 512),
        (514, None, {"max_position_embeddings": 514, "model_type": "mpnet"}, 512),
        (None, 32768, {"max_position_embeddings": 32768}, 8192),
        (None, None, {}, 8192),
    ],
)
def test_the_longest_input(
    tmp_path: Path,
    sentence: int | None,
    tokenizer: float | None,
    config: dict[str, object],
    expected: int,
) -> None:
    files: dict[str, object] = {
        "config.json": config,
        "sentence_bert_config.json": {"max_seq_length": sentence},
        "tokenizer_config.json": {"model_max_length": tokenizer},
    }
    assert read_profile(_write(tmp_path, files)).max_tokens == expected


def test_unreadable_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json of the model is not readable"):
        read_profile(tmp_path)


def test_the_graph_is_preferred_and_code_is_never_wanted() -> None:
    names = ["onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_O4.onnx", "model.safetensors"]
    names += ["tokenizer.json", "vocab.txt", "config.json", "modeling.py", "1_Pooling/config.json"]
    layout = choose_files("m", names)
    assert layout.names == [
        "1_Pooling/config.json",
        "config.json",
        "tokenizer.json",
        "onnx/model.onnx",
        "onnx/model.onnx_data",
    ]


_WHOLE = ("model.safetensors.index.json", "config.json")


def test_weights_in_parts_and_an_old_tokenizer() -> None:
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    layout = choose_files("m", [*parts, *_WHOLE, "vocab.txt"])
    assert layout.weights == (*parts, _WHOLE[0])
    assert layout.converts_tokenizer and layout.tokenizer == ("vocab.txt",)
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        choose_files("m", ["config.json", "model.safetensors"])
    with pytest.raises(ModelError, match=r"no config\.json"):
        choose_files("m", ["model.safetensors", "tokenizer.json"])
