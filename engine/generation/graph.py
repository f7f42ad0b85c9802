"""A decoder as an ONNX graph that writes its key-value cache in place.

Inputs, for b sequences of s new tokens each and r wanted rows:

    input_ids, position_ids   int64 [b, s]
    attention_bias            float32 [1, 1, s, total], added to q k before the softmax
    last                      int32 [b], the number of tokens in each sequence, less one
    total                     int32 [1], the largest number of tokens
    rows                      int64 [r], which of the b * s hidden rows logits are wanted of
    past.<layer>.key, .value  float32 [b, kv heads, capacity, head size]; present.* are the same
                              memory, because attention (GroupQueryAttention) writes into it

and `logits` float32 [r, vocabulary].
"""

from dataclasses import replace

import numpy as np

from augursql.engine.generation.architecture import (
    Architecture,
    LayerWeights,
    NormWeights,
    OuterWeights,
    Source,
)
from augursql.engine.generation.attention import Attention
from augursql.engine.generation.graphfile import MICROSOFT, GraphFile
from augursql.engine.generation.norms import Norms
from augursql.engine.generation.products import Products, Recipe
from augursql.types import Monitor

MOST_TOKENS_OF_PARTS = 256


def write_decoder(source: Source, graph: GraphFile, recipe: Recipe, monitor: Monitor) -> None:
    """Writes the whole graph, layer by layer. Raises ModelError and StorageError."""
    writer = _Decoder(graph, source.architecture, Products(graph, recipe))
    writer.begin()
    outer = source.outer()
    writer.embed(outer)
    for number in range(len(source.architecture.layers)):
        monitor.check()
        writer.layer(number, source.layer(number))
        monitor.advance(1)
    writer.end(outer)
    graph.save()


def write_layer(source: Source, graph: GraphFile, number: int) -> None:
    """Writes a graph of one layer in fp32, from `hidden` to `next` [b, s, hidden]."""
    writer = _part(source, graph)
    writer.take_over()
    writer.layer(number, source.layer(number))
    writer.hand_over("next")
    graph.save()


def write_embedding(source: Source, graph: GraphFile) -> None:
    """Writes a graph in fp32 from the tokens to `next` [b, s, hidden], before any layer."""
    writer = _part(source, graph)
    writer.embed(source.outer())
    writer.hand_over("next")
    graph.save()


def write_head(source: Source, graph: GraphFile) -> None:
    """Writes a graph in fp32 from `hidden` [b, s, hidden] to the `logits`, after all layers."""
    writer = _part(source, graph)
    writer.take_over()
    writer.end(source.outer())
    graph.save()


def _part(source: Source, graph: GraphFile) -> "_Decoder":
    """For short texts: the tables of positions are written with each part."""
    shape = source.architecture
    short = replace(shape, context=min(shape.context, MOST_TOKENS_OF_PARTS))
    writer = _Decoder(graph, short, Products(graph, Recipe("fp32")))
    writer.begin()
    return writer


class _Decoder:
    """The state between layers: `hidden` is the residual stream, `branch` what the last layer adds
    to it; the sum is made together with the next norm."""

    def __init__(self, graph: GraphFile, shape: Architecture, products: Products) -> None:
        self._graph = graph
        self._shape = shape
        self._products = products
        self._attention = Attention(graph, shape, products)
        self._norms = Norms(graph, shape)
        self._hidden = ""
        self._branch = ""

    def begin(self) -> None:
        """The inputs, and the tables of positions."""
        graph = self._graph
        graph.input("input_ids", "int64", ["b", "s"])
        graph.input("position_ids", "int64", ["b", "s"])
        graph.input("rows", "int64", ["r"])
        self._attention.begin()

    def embed(self, outer: OuterWeights) -> None:
        graph, shape = self._graph, self._shape
        self._hidden = self._products.lookup(outer.embedding, "input_ids")
        if shape.embedding_scale != 1.0:
            scale = graph.constant("embedding.factor", np.array(shape.embedding_scale, np.float32))
            self._hidden = graph.add("Mul", [self._hidden, scale])
        if outer.positions is not None:
            learned = graph.constant("positions", outer.positions)
            places = graph.add("Gather", [learned, "position_ids"])
            self._hidden = graph.add("Add", [self._hidden, places])

    def take_over(self) -> None:
        """Goes on from hidden states of another graph."""
        self._hidden = self._graph.input("hidden", "float", ["b", "s", self._shape.hidden])

    def hand_over(self, name: str) -> None:
        """Puts the hidden states out under that name."""
        self._total(name)
        self._graph.output(name, "float", ["b", "s", self._shape.hidden])

    def layer(self, number: int, weights: LayerWeights) -> None:
        shape, prefix = self._shape, f"layer.{number}"
        normed = self._summed(f"{prefix}.attention_norm", weights.norms.get("attention"))
        attended = self._attention.layer(number, normed, weights)
        if shape.norm_after:
            norm = weights.norms["after_attention"]
            attended = self._norms.norm(attended, f"{prefix}.after_attention", norm)
        if shape.parallel:
            if "mlp" in weights.norms:
                normed = self._norms.norm(self._hidden, f"{prefix}.mlp_norm", weights.norms["mlp"])
            self._branch = self._graph.add("Add", [attended, self._mlp(prefix, normed, weights)])
            return
        self._branch = attended
        normed = self._summed(f"{prefix}.mlp_norm", weights.norms.get("mlp"))
        self._branch = self._mlp(prefix, normed, weights)
        if shape.norm_after:
            norm = weights.norms["after_mlp"]
            self._branch = self._norms.norm(self._branch, f"{prefix}.after_mlp", norm)

    def end(self, outer: OuterWeights) -> None:
        graph, shape = self._graph, self._shape
        flat = graph.constant("flat", np.array([-1, shape.hidden], np.int64))
        wanted = graph.add("Gather", [graph.add("Reshape", [self._total(), flat]), "rows"])
        normed = self._norms.norm(wanted, "final_norm", outer.norm)
        name = "" if shape.logit_cap else "logits"
        logits = self._products.product(normed, "head", outer.head, name)
        if shape.logit_cap:
            self._capped(logits, shape.logit_cap)
        graph.output("logits", "float", ["r", shape.vocabulary])

    def _total(self, name: str = "") -> str:
        """The hidden states with what the last layer adds to them."""
        parts = [self._hidden, self._branch] if self._branch else [self._hidden]
        return self._graph.add("Sum", parts, name)

    def _capped(self, logits: str, cap: float) -> None:
        graph, factor = self._graph, self._graph.constant("cap", np.array(cap, np.float32))
        bounded = graph.add("Tanh", [graph.add("Div", [logits, factor])])
        graph.add("Mul", [bounded, factor], "logits")

    def _mlp(self, prefix: str, normed: str, weights: LayerWeights) -> str:
        up = self._products.product(normed, f"{prefix}.up", weights.up)
        if weights.gate is None:
            inner = self._activated(up)
        else:
            gate = self._products.product(normed, f"{prefix}.gate", weights.gate)
            inner = self._graph.add("Mul", [self._activated(gate), up])
        return self._products.product(inner, f"{prefix}.down", weights.down)

    def _activated(self, values: str) -> str:
        match self._shape.activation:
            case "silu":
                return self._graph.add("QuickGelu", [values], domain=MICROSOFT, alpha=1.0)
            case "relu":
                return self._graph.add("Relu", [values])
            case "gelu_tanh":
                return self._graph.add("Gelu", [values], approximate="tanh")
            case _:
                return self._graph.add("Gelu", [values])

    def _summed(self, name: str, weights: NormWeights | None) -> str:
        """Adds the branch to the hidden state, and gives the norm of the sum; without weights the
        sum itself."""
        if weights is None:
            if self._branch:
                self._hidden, self._branch = self._total(), ""
            return self._hidden
        if not self._branch:
            return self._norms.norm(self._hidden, name, weights)
        normed, self._hidden = self._norms.of_sum(self._hidden, self._branch, name, weights)
        self._branch = ""
        return normed
