"""A decoder's graph to whose products adapters (LoRA) can be added, over the same tensors.

Each product of a layer, y = x W, becomes y = x W + (x a) b, where a and b are inputs:

    lora.<layer>.<product>.a   float32 [inputs, rank]
    lora.<layer>.<product>.b   float32 [rank, outputs]

The rank differs from product to product, and may be 0: then nothing is added.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from augursql.engine.generation.graphfile import GRAPH, PRODUCTS
from augursql.engine.generation.weights import Floats
from augursql.errors import ModelError, StorageError

ADAPTED = "adapted.onnx"


def write_adapted(folder: Path) -> Path:
    """Writes the graph beside the plain one in `folder`, and returns its place.

    Raises ModelError for a graph that was not written here, and StorageError.
    """
    import onnx

    model = onnx.load(folder / GRAPH, load_external_data=False)
    products = _products(model)
    renamed = {product["made"]: f"{name}.total" for name, product in products.items()}
    added: dict[str, list[Any]] = {}
    for name, product in products.items():
        sizes = {"a": (product["inputs"], None), "b": (None, product["outputs"])}
        for part, shape in sizes.items():
            kind = onnx.TensorProto.FLOAT
            value = onnx.helper.make_tensor_value_info(f"{name}.{part}", kind, shape)
            model.graph.input.append(value)
        made, node = product["made"], onnx.helper.make_node
        rows = renamed.get(product["rows"], product["rows"])
        added[made] = [
            node("MatMul", [rows, f"{name}.a"], [f"{name}.inner"]),
            node("MatMul", [f"{name}.inner", f"{name}.b"], [f"{name}.added"]),
            node("Add", [made, f"{name}.added"], [renamed[made]]),
        ]
    nodes = list[Any]()
    for each in model.graph.node:
        each.input[:] = [renamed.get(name, name) for name in each.input]
        nodes += [each, *(new for name in each.output for new in added.get(name, ()))]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    target = folder / ADAPTED
    try:
        target.write_bytes(model.SerializeToString())
    except OSError as error:
        raise StorageError(f"The model's graph cannot be written: {error}.") from error
    return target


def without_adapter(folder: Path) -> dict[str, Floats]:
    """The inputs of rank 0, with which the graph computes what the plain one does."""
    import onnx

    found: dict[str, Floats] = {}
    for name, product in _products(onnx.load(folder / GRAPH, load_external_data=False)).items():
        found[f"{name}.a"] = np.zeros((product["inputs"], 0), np.float32)
        found[f"{name}.b"] = np.zeros((0, product["outputs"]), np.float32)
    return found


def _products(model: Any) -> dict[str, dict[str, Any]]:
    """The products of layers, by the names of their inputs without the ending."""
    told = {prop.key: prop.value for prop in model.metadata_props}
    if PRODUCTS not in told:
        raise ModelError(
            "Adapters cannot be added to this model's graph, which was made by another program.",
            hint="Deploy the model from its safetensors.",
        )
    products = json.loads(told[PRODUCTS])
    layer = "layer."
    return {
        f"lora.{name.removeprefix(layer)}": product
        for name, product in products.items()
        if name.startswith(layer)
    }
