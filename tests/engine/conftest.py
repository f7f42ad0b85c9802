"""Small models made by hand: an ONNX graph and a tokenizer, without torch and without network."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InterruptedStatementError
from augursql.types import SilentMonitor
from tests.engine.decoders import OTHERS, SHAPES

WORDS = [f"w{i}" for i in range(1997)]
DIMENSIONS = 32


class CountingMonitor:
    """Counts what is reported, and cancels after `limit` finished items."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.advanced = 0
        self.labels: list[str] = []

    def begin(self, label: str, total: int | None) -> None:
        self.labels.append(label)

    def advance(self, count: int) -> None:
        self.advanced += count

    def end(self) -> None:
        return None

    def check(self) -> None:
        if self.limit is not None and self.advanced >= self.limit:
            raise InterruptedStatementError("cancelled")


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of whole words with [CLS] and [SEP] around the text."""
    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    vocabulary = {word: number for number, word in enumerate(specials + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    # Files of real models ask for such things; we must not obey.
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_graph(file: Path, *, opset: int = 17, outlier: float = 1.0) -> None:
    """Two dense layers over a token table; `outlier` scales one hidden channel."""
    random = np.random.default_rng(0)
    table = random.normal(size=(len(WORDS) + 4, DIMENSIONS))
    first, second = (random.normal(size=(DIMENSIONS, DIMENSIONS)) / 6 for _ in range(2))
    first[:, 0] *= outlier
    arrays = {"table": table, "first": first, "second": second, "bias": random.normal(size=32)}
    constants = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in arrays.items()]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["embedded"]),
        helper.make_node("MatMul", ["embedded", "first"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "second"], ["last_hidden_state"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [value(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    output = value("last_hidden_state", TensorProto.FLOAT, ["b", "t", DIMENSIONS])
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(file))


def write_model(folder: Path, *, pooling: str = "mean_tokens", **options: float) -> Path:
    """A folder as sentence-transformers would publish it, with an ONNX graph."""
    (folder / "onnx").mkdir(parents=True)
    (folder / "1_Pooling").mkdir()
    write_tokenizer(folder)
    write_graph(folder / "onnx" / "model.onnx", **options)  # type: ignore[arg-type]
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [{"path": path, "type": f"sentence_transformers.models.{t}"} for path, t in steps]
    texts = {
        "config.json": {"model_type": "tiny", "max_position_embeddings": 512},
        "modules.json": modules,
        "1_Pooling/config.json": {f"pooling_mode_{pooling}": True},
        "sentence_bert_config.json": {"max_seq_length": 64},
        "tokenizer_config.json": {"pad_token": "[PAD]", "model_max_length": 1e30},
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    (folder / "modeling_evil.py").write_text("raise SystemExit('executed')\n")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "home" / "models")


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """The folder of a small model."""
    return write_model(tmp_path / "tiny")


@pytest.fixture
def artifact(store: Store, model_folder: Path) -> Artifact:
    """The small model, stored."""
    return obtain(str(model_folder), store, offline=True, monitor=SilentMonitor())


@pytest.fixture
def make_artifact(store: Store, tmp_path: Path) -> Callable[..., Artifact]:
    """Store a small model with other options of `write_model`."""

    def make(name: str, **options: object) -> Artifact:
        folder = write_model(tmp_path / name, **options)  # type: ignore[arg-type]
        return obtain(str(folder), store, offline=True, monitor=SilentMonitor())

    return make


@pytest.fixture
def counting() -> Callable[..., CountingMonitor]:
    """Make a monitor that counts and cancels."""
    return CountingMonitor


@pytest.fixture(scope="session")
def tiny_decoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For each of SHAPES and OTHERS a folder: the model, and what transformers writes."""
    root, script = tmp_path_factory.mktemp("decoders"), Path(__file__).parent / "tiny_decoders.py"

    def write(names: list[str]) -> None:
        command = [sys.executable, "-W", "ignore", str(script), str(root), *names]
        subprocess.run(command, check=True, capture_output=True)

    with ThreadPoolExecutor(2) as pool:
        names = [*SHAPES, *OTHERS]
        list(pool.map(write, (names[::2], names[1::2])))
    return root
