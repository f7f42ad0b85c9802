"""Weights to ONNX: the vectors are those of the model in torch, for the usual encoders."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from augursql.engine.inference.encoder import EncoderOptions, load_encoder
from augursql.engine.repository.export import export
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError
from augursql.types import SilentMonitor

TEXTS = ["w1 w2 w3", "w4", "", "w5 w6 w7 w8 w9 w10 w11 w12 unknown w13", "w3 w2 w1 w1 w1"]
SHAPES = ["bert", "mpnet", "distilbert", "xlm-roberta", "modernbert"]
QUIET = SilentMonitor()
CAN_EXPORT = all(find_spec(name) for name in ("torch", "transformers", "optimum"))
needs_export = pytest.mark.skipif(not CAN_EXPORT, reason="augursql[export] is not installed")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Every shape, exported; side by side, because each process spends seconds on imports."""
    root = tmp_path_factory.mktemp("shapes")
    script = Path(__file__).parent / "tiny_transformers.py"
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(root)], check=True)
    store = Store(root / "home" / "models")

    def one(name: str) -> Artifact:
        return obtain(str(root / name), store, offline=True, monitor=QUIET)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(SHAPES, pool.map(one, SHAPES), strict=True))


@needs_export
@pytest.mark.parametrize("shape", SHAPES)
def test_vectors_equal_torchs(exported: dict[str, Artifact], shape: str) -> None:
    artifact = exported[shape]
    store = Store(artifact.path.parent)
    assert artifact.manifest.architecture == shape
    assert artifact.manifest.max_tokens == (64 if shape in ("mpnet", "xlm-roberta") else 66)
    expected = np.load(store.root.parents[1] / f"{shape}.npy")
    encoder = load_encoder(artifact, store, EncoderOptions(dtype="fp32"), QUIET)
    found = encoder.encode(TEXTS, QUIET).vectors
    assert np.abs(found - expected).max() < 1e-4


@needs_export
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["int8", "fp16"])
def test_variants_of_every_shape(exported: dict[str, Artifact], shape: str, dtype: str) -> None:
    artifact = exported[shape]
    store = Store(artifact.path.parent)
    options = EncoderOptions(provider="cpu", dtype=dtype)
    encoder = load_encoder(artifact, store, options, QUIET)
    exact = np.load(store.root.parents[1] / f"{shape}.npy")
    found = encoder.encode(TEXTS, QUIET).vectors
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(exact, axis=1)
    assert ((found * exact).sum(axis=1) / lengths).min() > 0.98


@needs_export
def test_a_failed_conversion_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no-such-architecture"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="could not be converted") as caught:
        export(tmp_path, tmp_path / "out", QUIET)
    assert "\n" not in caught.value.message


def test_missing_dependencies_name_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "transformers.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match="which is not installed") as caught:
        export(tmp_path, tmp_path / "out", QUIET)
    assert caught.value.hint == "pip install 'augursql[export]'"
