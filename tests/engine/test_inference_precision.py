"""Precision variants: made once, compared with fp32, refused when too far from it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from augursql.engine.inference.calibration import FITTING, JUDGING
from augursql.engine.inference.encoder import EncoderOptions, load_encoder
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, StorageError
from augursql.types import SilentMonitor

QUIET = SilentMonitor()
TEXTS = [" ".join(f"w{(i * 31 + j) % 1900}" for j in range(i % 40 + 1)) for i in range(200)]


def _vectors(artifact: Artifact, store: Store, dtype: str) -> np.ndarray:
    encoder = load_encoder(artifact, store, EncoderOptions("cpu", dtype), QUIET)
    return encoder.encode(TEXTS, QUIET).vectors


@pytest.mark.parametrize(("dtype", "least"), [("int8", 0.999), ("fp16", 0.99999)])
@pytest.mark.parametrize("opset", [11, 13, 17, 18])
@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token", "lasttoken"])
def test_variants_are_near_fp32(
    make_artifact: Callable[..., Artifact],
    store: Store,
    dtype: str,
    least: float,
    opset: int,
    pooling: str,
) -> None:
    artifact = make_artifact("model", opset=opset, pooling=pooling)
    cosines = (_vectors(artifact, store, "fp32") * _vectors(artifact, store, dtype)).sum(axis=1)
    assert cosines.mean() > least


def test_auto_is_int8_on_a_cpu_and_is_made_once(artifact: Artifact, store: Store) -> None:
    options = EncoderOptions("cpu")
    assert load_encoder(artifact, store, options, QUIET).dtype == "int8"
    stored = store.get(artifact.digest)
    assert stored is not None
    assert stored.manifest.variants["int8"].cosine > 0.999
    made = stored.onnx("int8").stat().st_mtime_ns
    assert load_encoder(stored, store, options, QUIET).dtype == "int8"
    assert stored.onnx("int8").stat().st_mtime_ns == made


def test_int8_holds_int8(artifact: Artifact, store: Store) -> None:
    _vectors(artifact, store, "int8")
    stored = store.get(artifact.digest)
    assert stored is not None
    graph = onnx.load(str(stored.onnx("int8"))).graph
    assert [n.op_type for n in graph.node].count("MatMulIntegerToFloat") == 2
    floats = [i for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT]
    assert max(int(np.prod(i.dims)) for i in floats) < 3000


def test_outliers_do_not_spoil_int8(make_artifact: Callable[..., Artifact], store: Store) -> None:
    artifact = make_artifact("outlier", outlier=300.0)
    cosines = (_vectors(artifact, store, "fp32") * _vectors(artifact, store, "int8")).sum(axis=1)
    assert cosines.mean() > 0.99


def test_a_variant_too_far_from_fp32(
    artifact: Artifact, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("augursql.engine.inference.precision.LEAST_COSINE", 1.1)
    with pytest.raises(
        ModelError, match=r"too far from fp32: mean cosine [01]\.\d+, at least"
    ) as caught:
        load_encoder(artifact, store, EncoderOptions("cpu", "int8"), QUIET)
    assert "augur_dtype" in caught.value.hint
    stored = store.get(artifact.digest)
    assert stored is not None and stored.manifest.variants["int8"].sha256 == ""
    assert load_encoder(stored, store, EncoderOptions("cpu"), QUIET).dtype == "fp32"


def test_nothing_to_quantise(store: Store, model_folder: Path) -> None:
    from augursql.engine.repository.obtain import obtain

    file = model_folder / "onnx" / "model.onnx"
    model = onnx.load(str(file))
    gather = model.graph.node[0]
    gather.output[0] = "last_hidden_state"
    del model.graph.node[1:]
    onnx.save(model, str(file))
    artifact = obtain(str(model_folder), store, offline=True, monitor=QUIET)
    assert load_encoder(artifact, store, EncoderOptions("cpu"), QUIET).dtype == "fp32"


def test_a_store_that_cannot_be_written(
    artifact: Artifact, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(prefix: str, dir: Path) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("augursql.engine.repository.store.tempfile.mkdtemp", full)
    assert load_encoder(artifact, store, EncoderOptions("cpu"), QUIET).dtype == "fp32"
    with pytest.raises(StorageError, match="No space left") as caught:
        load_encoder(artifact, store, EncoderOptions("cpu", "int8"), QUIET)
    assert "AUGUR_HOME" in caught.value.hint


def test_the_two_sets_of_sentences_are_apart_and_mixed() -> None:
    assert not set(FITTING) & set(JUDGING)
    for sentences in (FITTING, JUDGING):
        lengths = [len(sentence.split()) for sentence in sentences]
        assert min(lengths) <= 2 and max(lengths) >= 60
        assert any(not sentence.isascii() for sentence in sentences)
