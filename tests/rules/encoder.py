"""An encoder whose answers do not depend on which texts it is asked together, to the last bit.

Each known text is one token, and its vector one row of a table of -1 and 1 in 16 dimensions. So all
products of two vectors are whole numbers, which any order of summation gives exactly, and unit
vectors are quarters. A test that compares two ways to run a query needs no tolerance for the model.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, processors

DIMENSIONS = 16


def write_encoder(folder: Path, texts: Sequence[str], seed: int = 0) -> Path:
    """Writes the model into a new folder for CREATE MODEL; all unknown texts share a vector."""
    folder.mkdir(parents=True)
    specials = ["[PAD]", "[UNK]", "[END]"]
    words = [*specials, *dict.fromkeys(text for text in texts if text)]
    tokenizer = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]")
    )
    # The empty text has a token, too.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [END]", special_tokens=[("[END]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(words), DIMENSIONS))
    _write_graph(folder / "model.onnx", signs.astype(np.float32))
    steps = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modules = [{"path": path, "type": f"sentence_transformers.models.{t}"} for path, t in steps]
    (folder / "1_Pooling").mkdir()
    for name, content in {
        "config.json": {"model_type": "bert", "hidden_size": DIMENSIONS},
        "modules.json": modules,
        "1_Pooling/config.json": {"pooling_mode_cls_token": True},
    }.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def _write_graph(file: Path, table: np.ndarray) -> None:
    value = helper.make_tensor_value_info
    inputs = [value(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    output = value("last_hidden_state", TensorProto.FLOAT, ["b", "t", DIMENSIONS])
    gather = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    constants = [numpy_helper.from_array(table, "table")]
    graph = helper.make_graph([gather], "tiny", inputs, [output], constants)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(file))
