"""A graph in int8 for the CPU: weights by column, inputs by a fixed scale or one per row.

The usual dynamic quantisation takes one scale from the whole batch, so a token with large values
costs all others their precision, and a text's vector depends on its neighbours in the batch. Here a
scale is either known beforehand (`ranges`) or belongs to one token, so a text has one vector in
every batch, and the error is a fraction. In ONNX operators:

    fixed:    X W + b  ~  (round(X / (d s)) . round(d W / c)) * s c + b    in one kernel
    per row:  X W      ~  (round(X / r) . round(W / c)) * c * r            r = max |row| / 127

Token tables get one scale per row as well; they are the larger part of a small model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.inference.ranges import Fixed, Floats

_ROW_ZERO = 128
_MICROSOFT = "com.microsoft"
_TABLE_ROWS = 1024
_OLDEST_OPSET = 11
_FLOAT = 1  # onnx.TensorProto.FLOAT


def product_inputs(model: Any) -> dict[str, Floats]:
    """The inputs of the products that can be quantised, with the largest weight per channel."""
    weights = _matrices(model.graph)
    largest: dict[str, Floats] = {}
    for node in model.graph.node if _opset(model) >= _OLDEST_OPSET else ():
        if _is_product(node, weights):
            rows = np.abs(weights[node.input[1]]).max(axis=1)
            known = largest.get(node.input[0])
            largest[node.input[0]] = rows if known is None else np.maximum(known, rows)
    return largest


def quantize(model: Any, forms: Mapping[str, Fixed], *, weight_levels: int = 127) -> None:
    """Rewrite an onnx.ModelProto in place; an input without a form gets one scale per row.

    `weight_levels` is the largest weight: 127, or 63 for processors whose 8-bit products saturate.
    Products whose weights are no float32 constants stay as they are.
    """
    _Rewrite(model.graph, _opset(model), forms, weight_levels).run()
    if not any(o.domain == _MICROSOFT for o in model.opset_import):
        model.opset_import.add(domain=_MICROSOFT, version=1)


@dataclass(slots=True)
class _Rewrite:
    """One pass over a graph that replaces nodes and collects their constants."""

    graph: Any
    opset: int
    forms: Mapping[str, Fixed]
    levels: int
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Replace the graph's nodes and constants."""
        weights = _matrices(self.graph)
        biases = _biases(self.graph, weights, self.forms)
        absorbed = {output for _, output in biases.values()}
        for node in self.graph.node:
            if _is_product(node, weights):
                self._product(node, weights[node.input[1]], biases.get(node.output[0]))
            elif _is_table(node, weights):
                self._table(node, weights[node.input[0]])
            elif not absorbed.intersection(node.output):
                self.nodes.append(node)
        self._replace()

    def _product(self, node: Any, weight: Floats, bias: tuple[Floats, str] | None) -> None:
        rows, output = node.input[0], node.output[0]
        form = self.forms.get(rows)
        if form is None:
            self._prepare_rows(rows, weight.shape[0])
            matrix, scale = self._weight(node.input[1], weight)
            inputs = [f"{rows}/uint8", matrix, "int8/one", scale, "int8/row_zero"]
            self._add("MatMulIntegerToFloat", inputs, f"{output}/unscaled", domain=_MICROSOFT)
            self._add("Mul", [f"{output}/unscaled", f"{rows}/scale"], output)
            return
        self._prepare_fixed(rows, form)
        matrix, scale = self._weight(node.input[1], weight * form.divisor[:, None])
        inputs = [f"{rows}/uint8", matrix, f"{rows}/scale", scale, f"{rows}/zero"]
        if bias is not None:
            output = bias[1]
            self.constants[f"{output}/bias"] = bias[0]
            inputs += ["", f"{output}/bias"]
        self._add("MatMulIntegerToFloat", inputs, output, domain=_MICROSOFT)

    def _weight(self, name: str, weight: Floats) -> tuple[str, str]:
        scale = np.maximum(np.abs(weight).max(axis=0) / self.levels, 1e-12).astype(np.float32)
        matrix = f"{name}/int8/{len(self.constants)}"
        self.constants[matrix] = np.round(weight / scale).astype(np.int8)
        self.constants[f"{matrix}/scale"] = scale
        return matrix, f"{matrix}/scale"

    def _prepare_fixed(self, rows: str, form: Fixed) -> None:
        if rows in self.prepared:
            return
        self.prepared.add(rows)
        self.constants[f"{rows}/factor"] = (1 / form.divisor).astype(np.float32)
        self.constants[f"{rows}/scale"] = np.array(form.scale, np.float32)
        self.constants[f"{rows}/zero"] = np.array(form.zero, np.uint8)
        self._add("Mul", [rows, f"{rows}/factor"], f"{rows}/smooth")
        smooth = [f"{rows}/smooth", f"{rows}/scale", f"{rows}/zero"]
        self._add("QuantizeLinear", smooth, f"{rows}/uint8", domain=_MICROSOFT)

    def _prepare_rows(self, rows: str, width: int) -> None:
        if rows in self.prepared:
            return
        self.prepared.add(rows)
        self.constants["int8/one"] = np.array(1, np.float32)
        self.constants["int8/row_zero"] = np.array(_ROW_ZERO, np.uint8)
        self.constants["int8/last"] = np.array([-1], np.int64)
        self.constants["int8/step"] = np.array(1 / 127, np.float32)
        self.constants["int8/least"] = np.array(1e-12, np.float32)
        self.constants[f"int8/width{width}"] = np.array([-1, width], np.int64)
        self._add("Abs", [rows], f"{rows}/abs")
        self._largest(f"{rows}/abs", f"{rows}/largest")
        self._add("Mul", [f"{rows}/largest", "int8/step"], f"{rows}/raw_scale")
        self._add("Max", [f"{rows}/raw_scale", "int8/least"], f"{rows}/scale")
        self._add("Reshape", [f"{rows}/scale", "int8/last"], f"{rows}/scales")
        self._add("Shape", [f"{rows}/scales"], f"{rows}/count")
        self._zeros(f"{rows}/count", f"{rows}/zeros")
        self._add("Shape", [rows], f"{rows}/shape")
        self._add("Reshape", [rows, f"int8/width{width}"], f"{rows}/flat")
        flat = [f"{rows}/flat", f"{rows}/scales", f"{rows}/zeros"]
        self._add("QuantizeLinear", flat, f"{rows}/flat_uint8", domain=_MICROSOFT, axis=0)
        self._add("Reshape", [f"{rows}/flat_uint8", f"{rows}/shape"], f"{rows}/uint8")

    def _largest(self, values: str, output: str) -> None:
        if self.opset >= 18:
            self._add("ReduceMax", [values, "int8/last"], output, keepdims=1)
        else:
            self._add("ReduceMax", [values], output, keepdims=1, axes=[-1])

    def _zeros(self, count: str, output: str) -> None:
        import onnx

        value = onnx.numpy_helper.from_array(np.array([_ROW_ZERO], np.uint8))
        self._add("ConstantOfShape", [count], output, value=value)

    def _table(self, node: Any, table: Floats) -> None:
        name, rows, output = node.input[0], node.input[1], node.output[0]
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, 1e-12)
        self.constants[f"{name}/table"] = np.round(table / scale).astype(np.int8)
        self.constants[f"{name}/table_scale"] = scale.astype(np.float32)
        self._add("Gather", [f"{name}/table", rows], f"{output}/row")
        self._add("Cast", [f"{output}/row"], f"{output}/row_float", to=_FLOAT)
        self._add("Gather", [f"{name}/table_scale", rows], f"{output}/row_scale")
        self._add("Mul", [f"{output}/row_float", f"{output}/row_scale"], output)

    def _replace(self) -> None:
        import onnx

        used = {name for node in self.nodes for name in node.input}
        used |= {output.name for output in self.graph.output}
        needed = [n for n in self.nodes if n.op_type != "Constant" or n.output[0] in used]
        del self.graph.node[:]
        self.graph.node.extend(needed)
        kept = [i for i in self.graph.initializer if i.name in used]
        made = [onnx.numpy_helper.from_array(v, n) for n, v in self.constants.items()]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept + made)

    def _add(
        self, operator: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any
    ) -> None:
        import onnx

        node = onnx.helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        self.nodes.append(node)


def _opset(model: Any) -> int:
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)


def _constants(graph: Any, axes: int) -> dict[str, Floats]:
    """The float32 constants with that many axes."""
    import onnx

    found = {i.name: i for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            found[node.output[0]] = node.attribute[0].t
    return {
        name: onnx.numpy_helper.to_array(tensor)
        for name, tensor in found.items()
        if tensor.data_type == _FLOAT and len(tensor.dims) == axes
    }


def _matrices(graph: Any) -> dict[str, Floats]:
    return _constants(graph, 2)


def _biases(
    graph: Any, weights: Mapping[str, Floats], forms: Mapping[str, Fixed]
) -> dict[str, tuple[Floats, str]]:
    """For a product with a fixed form that only an Add of a vector reads: (vector, sum)."""
    vectors = _constants(graph, 1)
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {o.name for o in graph.output}
    found = {}
    for node in graph.node:
        if not _is_product(node, weights) or node.input[0] not in forms:
            continue
        product = node.output[0]
        adds = [n for n in readers.get(product, []) if n.op_type == "Add"]
        if len(adds) != 1 or len(readers[product]) != 1 or product in outputs:
            continue
        vector = next((name for name in adds[0].input if name != product), "")
        if vector in vectors and vectors[vector].shape[0] == weights[node.input[1]].shape[1]:
            found[product] = (vectors[vector], adds[0].output[0])
    return found


def _is_product(node: Any, weights: Mapping[str, Floats]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in weights


def _is_table(node: Any, weights: Mapping[str, Floats]) -> bool:
    if node.op_type != "Gather" or any(a.i != 0 for a in node.attribute if a.name == "axis"):
        return False
    table = weights.get(node.input[0])
    return table is not None and table.shape[0] >= _TABLE_ROWS
