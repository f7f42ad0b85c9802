"""Attention in a decoder's graph: what each layer sees, and the operator with its cache.

Windows, and falls with the distance (ALiBi), are part of the bias rather than of the operator: the
tokens of a tree stand in the cache at places that are not their positions.
"""

import numpy as np

from augursql.engine.generation.architecture import Architecture, LayerWeights, NormWeights
from augursql.engine.generation.graphfile import MICROSOFT, GraphFile
from augursql.engine.generation.norms import Norms
from augursql.engine.generation.products import Products
from augursql.engine.generation.rotary import falls, tables

_HIDDEN = -3e4
_INT64 = 7


class Attention:
    """Writes the attention of each layer, from the normed hidden state to what is added to it."""

    def __init__(self, graph: GraphFile, shape: Architecture, products: Products) -> None:
        self._graph = graph
        self._shape = shape
        self._products = products
        self._norms = Norms(graph, shape)
        self._biases: dict[int, str] = {}
        self._keys = ""

    def begin(self) -> None:
        """The inputs that all layers share, and the tables of positions."""
        graph, shape = self._graph, self._shape
        bias = graph.input("attention_bias", "float", [1, 1, "s", "total_tokens"])
        graph.input("last", "int32", ["b"])
        graph.input("total", "int32", [1])
        for number, rotary in enumerate(shape.rotary):
            for name, table in zip(("cos", "sin"), tables(rotary, shape.context), strict=True):
                graph.constant(f"{name}.{number}", table)
        if shape.slopes:
            table = falls(shape.slopes, shape.context) * np.float32(shape.attention_scale)
            heads = graph.add(
                "Gather", [graph.constant("falls", table), self._key_positions()], axis=1
            )
            axes = graph.constant("falls.axes", np.array([0, 2], np.int64))
            bias = graph.add("Add", [bias, graph.add("Unsqueeze", [heads, axes])])
        self._biases[0] = bias

    def layer(self, number: int, normed: str, weights: LayerWeights) -> str:
        graph, shape, plan = self._graph, self._shape, self._shape.layers[number]
        qkv = self._products.product(normed, f"layer.{number}.qkv", weights.qkv)
        parts = [qkv, "", ""] if "q" not in weights.norms else self._parts(number, qkv, weights)
        cache, present = [], []
        for part in ("key", "value"):
            sizes = ("b", shape.kv_heads, "capacity", shape.head_size)
            cache.append(graph.input(f"past.{number}.{part}", "float", sizes))
            present.append(f"present.{number}.{part}")
            graph.output(present[-1], "float", sizes)
        turned = plan.rotary is not None
        rotary = [f"cos.{plan.rotary}", f"sin.{plan.rotary}", "position_ids"]
        inputs = [*parts, *cache, "last", "total", *(rotary if turned else ["", "", ""])]
        attended = f"layer.{number}.attended"
        graph.add_many(
            "GroupQueryAttention",
            [*inputs, self._bias(plan.window if plan.window < shape.context else 0)],
            [attended, *present],
            domain=MICROSOFT,
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            do_rotary=int(turned),
            scale=shape.attention_scale,
            softcap=shape.attention_cap,
        )
        return self._products.product(attended, f"layer.{number}.output", weights.output)

    def _parts(self, number: int, qkv: str, weights: LayerWeights) -> list[str]:
        """q, k and v apart, the first two with their norms: ONNX Runtime has none of its own for
        them on a CPU."""
        graph, shape = self._graph, self._shape
        widths = [shape.heads, shape.kv_heads, shape.kv_heads]
        sizes = graph.constant("qkv.sizes", np.array(widths, np.int64) * shape.head_size)
        parts = [f"layer.{number}.{part}" for part in "qkv"]
        graph.add_many("Split", [qkv, sizes], parts, axis=-1)
        for place, (part, heads) in enumerate((("q", shape.heads), ("k", shape.kv_heads))):
            parts[place] = self._head_norm(parts[place], heads, weights.norms[part])
        return parts

    def _head_norm(self, values: str, heads: int, weights: NormWeights) -> str:
        """The norm of each head, or of all together where the weight is as long."""
        graph, size = self._graph, self._shape.head_size
        if len(weights.weight) == heads * size:
            return self._norms.norm(values, f"{values}_norm", weights)
        apart = graph.constant(f"heads.{heads}", np.array([0, 0, heads, size], np.int64))
        joined = graph.constant(f"joined.{heads}", np.array([0, 0, heads * size], np.int64))
        split = graph.add("Reshape", [values, apart])
        normed = self._norms.norm(split, f"{values}_norm", weights)
        return graph.add("Reshape", [normed, joined])

    def _bias(self, window: int) -> str:
        """What is added to q k [b or 1, heads or 1, s, total], with far tokens hidden."""
        if window not in self._biases:
            graph = self._graph
            axes = graph.constant("window.axes", np.array([1, 3], np.int64))
            width = graph.constant(f"window.{window}", np.array(window, np.int64))
            first = graph.add("Sub", [graph.add("Unsqueeze", ["position_ids", axes]), width])
            far = graph.add("LessOrEqual", [self._key_positions(), first])
            hidden = graph.constant("window.hidden", np.array(_HIDDEN, np.float32))
            seen = graph.constant("window.seen", np.array(0, np.float32))
            mask = graph.add("Where", [far, hidden, seen])
            self._biases[window] = graph.add("Add", [self._biases[0], mask])
        return self._biases[window]

    def _key_positions(self) -> str:
        """int64 [total]: of the tokens in the cache their places, of the new ones what is given.

        Where several sequences get one token each, the longest one's place is right for all: the
        shorter do not reach that far.
        """
        if not self._keys:
            graph = self._graph
            scalar = graph.constant("scalar", np.array([], np.int64))
            zero, one = (graph.constant(str(n), np.array(n, np.int64)) for n in (0, 1))
            first = graph.constant("first", np.array([0], np.int64))
            own = graph.add("ReduceMax", ["position_ids", first], keepdims=0)
            count = graph.add("Shape", [own])
            total = graph.add("Cast", ["total"], to=_INT64)
            before = graph.add("Reshape", [graph.add("Sub", [total, count]), scalar])
            self._keys = graph.add("Concat", [graph.add("Range", [zero, before, one]), own], axis=0)
        return self._keys
