"""Products with weights in the precision of a graph: fp32, int8, blocks of int8, or of int4.

int8: each row of the input has one scale, each column of the weight another, and the product is one
of integers. So a token's values do not depend on what else is in the batch.

    X W  ~  (round(X / r) . round(W / c)) * c * r        r = max |row| / 127, c = max |column| / 127

Blocks: 32 weights have one scale, and so have the 32 values of the input that meet them, which
bears single large channels better, and is slower (MatMulNBits).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Linear
from augursql.engine.generation.graphfile import MICROSOFT, GraphFile
from augursql.engine.generation.weights import Floats

Precision = Literal["fp32", "int8", "int8_blocks", "int4_blocks"]
BLOCK = 32
_ROW_ZERO = 128
_INT8_COMPUTE = 4  # accuracy_level of MatMulNBits
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Recipe:
    """The precision of all products but those whose names end in one of `careful`, which are
    blocks of int8. `levels` is the largest weight of int8: 63 where a CPU's products saturate."""

    precision: Precision
    careful: tuple[str, ...] = ()
    levels: int = 127

    def of(self, name: str) -> Precision:
        return "int8_blocks" if name.endswith(self.careful) else self.precision


class Products:
    """Writes products into a graph; an input that several products read is quantised once."""

    def __init__(self, graph: GraphFile, recipe: Recipe) -> None:
        self._graph = graph
        self._recipe = recipe
        self._quantised: dict[str, tuple[str, str]] = {}

    def product(self, rows: str, name: str, linear: Linear, output: str = "") -> str:
        """`rows` [..., inputs] times the weight, plus the bias; the name of the result."""
        last = "" if linear.bias is not None else output
        made = self._times(rows, name, linear.weight, last)
        self._graph.product(name, rows, made, *linear.weight.shape)
        if linear.bias is None:
            return made
        bias = self._graph.constant(f"{name}.bias", linear.bias)
        return self._graph.add("Add", [made, bias], output)

    def lookup(self, table: Floats, rows: str) -> str:
        """The rows of a token table; 8 bits and a scale per row unless the graph is fp32."""
        graph = self._graph
        if self._recipe.precision == "fp32":
            return graph.add("Gather", [graph.constant("embedding", table), rows])
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, _SMALLEST)
        integers = np.round(table / scale).astype(np.int8)
        row = graph.add("Gather", [graph.constant("embedding", integers), rows])
        scales = graph.constant("embedding.scale", scale.astype(np.float32))
        factor = graph.add("Gather", [scales, rows])
        return graph.add("Mul", [graph.add("Cast", [row], to=1), factor])

    def _times(self, rows: str, name: str, weight: Floats, output: str) -> str:
        graph, precision = self._graph, self._recipe.of(name)
        if precision == "fp32":
            return graph.add("MatMul", [rows, graph.constant(name, weight)], output)
        if precision != "int8" and weight.shape[0] % BLOCK == 0:
            return self._times_blocks(rows, name, weight, output)
        integers, scale = self._quantised_rows(rows)
        columns = np.maximum(np.abs(weight).max(axis=0) / self._recipe.levels, _SMALLEST)
        inputs = [
            integers,
            graph.constant(name, np.round(weight / columns).astype(np.int8)),
            graph.constant("int8.one", np.array(1, np.float32)),
            graph.constant(f"{name}.scale", columns.astype(np.float32)),
            graph.constant("int8.zero", np.array(_ROW_ZERO, np.uint8)),
        ]
        unscaled = graph.add("MatMulIntegerToFloat", inputs, domain=MICROSOFT)
        return graph.add("Mul", [unscaled, scale], output)

    def _times_blocks(self, rows: str, name: str, weight: Floats, output: str) -> str:
        bits = 4 if self._recipe.of(name) == "int4_blocks" else 8
        packed, scale = _blocks(weight, bits)
        graph = self._graph
        inputs = [rows, graph.constant(name, packed), graph.constant(f"{name}.scale", scale)]
        return graph.add(
            "MatMulNBits",
            inputs,
            output,
            domain=MICROSOFT,
            K=weight.shape[0],
            N=weight.shape[1],
            bits=bits,
            block_size=BLOCK,
            accuracy_level=_INT8_COMPUTE,
        )

    def _quantised_rows(self, rows: str) -> tuple[str, str]:
        """`rows` as uint8 around 128, and one scale per row [..., 1]."""
        if rows not in self._quantised:
            graph = self._graph
            step = graph.constant("int8.step", np.array(1 / 127, np.float32))
            least = graph.constant("int8.least", np.array(_SMALLEST, np.float32))
            last = graph.constant("int8.last", np.array([-1], np.int64))
            largest = graph.add("ReduceMax", [graph.add("Abs", [rows]), last], keepdims=1)
            scale = graph.add("Max", [graph.add("Mul", [largest, step]), least])
            inputs = [
                graph.add("Div", [rows, scale]),
                graph.constant("int8.one", np.array(1, np.float32)),
                graph.constant("int8.zero", np.array(_ROW_ZERO, np.uint8)),
            ]
            self._quantised[rows] = graph.add("QuantizeLinear", inputs), scale
        return self._quantised[rows]


def _blocks(weight: Floats, bits: int) -> tuple[NDArray[np.uint8], Floats]:
    """MatMulNBits' layout: uint8 [outputs, blocks, 4 * bits], of two weights of 4 bits in a byte
    the first one low; scales float32 [outputs * blocks]; the zero is half of the range."""
    blocks = weight.T.reshape(weight.shape[1], -1, BLOCK)
    zero, most = 1 << (bits - 1), (1 << bits) - 1
    # The value that is largest in size becomes the lowest step exactly: all steps are used.
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
    scale = largest / -zero
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    steps: NDArray[np.uint8] = np.clip(np.round(blocks * inverse) + zero, 0, most).astype(np.uint8)
    if bits == 4:
        steps = steps[:, :, 0::2] | (steps[:, :, 1::2] << np.uint8(4))
    return steps, scale.reshape(-1).astype(np.float32)
