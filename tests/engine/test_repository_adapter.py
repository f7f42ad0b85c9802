"""LoRA adapters: what is accepted, and what is refused before it is stored."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.request import Request
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError, ModelError
from augursql.types import SilentMonitor
from tests.language_models import HIDDEN, LAYERS, write_adapter, write_language_model

QUIET = SilentMonitor()


@pytest.fixture
def base(store: Store, tmp_path: Path) -> Artifact:
    folder = write_language_model(tmp_path / "lm", graphs=True)
    return obtain(str(folder), store, offline=True, monitor=QUIET)


def got(folder: Path, store: Store, base: Artifact | None) -> Artifact:
    return obtain(str(folder), store, offline=True, monitor=QUIET, request=Request(base=base))


def test_an_adapter_is_stored(store: Store, base: Artifact, tmp_path: Path) -> None:
    adapter = got(write_adapter(tmp_path / "lora"), store, base)
    assert (adapter.manifest.kind, adapter.manifest.base) == ("adapter", "org/base")
    assert adapter.manifest.parameters == LAYERS * 2 * 4 * HIDDEN
    assert set(adapter.manifest.files) == {"adapter_config.json", "adapter_model.safetensors"}
    assert got(tmp_path / "lora", store, base) == adapter


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "IA3"}, "the method IA3"),
        ({"bias": "all"}, "bias = 'all'"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"task_type": "SEQ_CLS"}, "the task SEQ_CLS"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
    ],
)
def test_what_is_no_plain_lora_is_refused(
    store: Store, base: Artifact, tmp_path: Path, config: dict[str, object], message: str
) -> None:
    folder = write_adapter(tmp_path / "lora", **config)
    with pytest.raises(ModelError, match=message):
        got(folder, store, base)
    assert store.list() == [base]


def test_sizes_must_be_the_bases(store: Store, base: Artifact, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"4 x 12 .* has 32 x 32 there") as caught:
        got(write_adapter(tmp_path / "wide", inputs=12), store, base)
    assert "org/base" in caught.value.hint
    lying = write_adapter(tmp_path / "rank", r=8)
    with pytest.raises(ModelError, match="rank 8"):
        got(lying, store, base)
    deep = write_adapter(tmp_path / "deep")
    file = deep / "adapter_model.safetensors"
    weights = {name.replace("layers.1.", "layers.7."): w for name, w in load_file(file).items()}
    save_file(weights, file)
    with pytest.raises(ModelError, match="has no such layer"):
        got(deep, store, base)
    head = write_adapter(tmp_path / "head")
    file = head / "adapter_model.safetensors"
    more = {"base_model.model.lm_head.lora_A.weight": np.ones((4, HIDDEN), np.float32)}
    save_file(load_file(file) | more, file)
    with pytest.raises(ModelError, match="lm_head"):
        got(head, store, base)
    assert store.list() == [base]


def test_the_base_is_named_and_a_language_model(
    store: Store, base: Artifact, artifact: Artifact, tmp_path: Path
) -> None:
    folder = write_adapter(tmp_path / "lora")
    with pytest.raises(InvalidValueError, match="is an adapter") as caught:
        got(folder, store, None)
    assert "USING MODEL base" in caught.value.hint
    with pytest.raises(InvalidValueError, match="is an encoder"):
        got(folder, store, artifact)
    with pytest.raises(InvalidValueError, match="is no adapter"):
        got(tmp_path / "lm", store, base)
    graph = obtain(
        str(tmp_path / "lm"), store, offline=True, monitor=QUIET, request=Request(dtype="q4")
    )
    with pytest.raises(ModelError, match="cannot change an ONNX file"):
        got(folder, store, graph)
