"""Families in the layout of Llama: separate or joined projections, RMS norms, gated MLP."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from augursql.engine.generation.architecture import (
    Architecture,
    LayerPlan,
    LayerWeights,
    Linear,
    NormWeights,
    OuterWeights,
)
from augursql.engine.generation.rotary import rotary_of
from augursql.engine.generation.weights import Floats, Tensors


class LlamaSource:
    """Llama, SmolLM2, Mistral, Qwen2 and Qwen3: what differs is in the config or in the names."""

    def __init__(self, config: Mapping[str, Any], tensors: Tensors) -> None:
        self._tensors = tensors
        self.architecture = _architecture(config)

    def outer(self) -> OuterWeights:
        embedding = self._tensors.read("model.embed_tokens.weight")
        head = "lm_head.weight"
        weight = self._tensors.read(head) if head in self._tensors else embedding
        return OuterWeights(embedding, None, self._norm("model.norm"), Linear(weight.T))

    def layer(self, number: int) -> LayerWeights:
        name = f"model.layers.{number}"
        attention, mlp = f"{name}.self_attn", f"{name}.mlp"
        norms = {
            "attention": self._norm(f"{name}.input_layernorm"),
            "mlp": self._norm(f"{name}.post_attention_layernorm"),
        }
        if f"{attention}.q_norm.weight" in self._tensors:
            norms |= {
                "q": self._norm(f"{attention}.q_norm"),
                "k": self._norm(f"{attention}.k_norm"),
            }
        return LayerWeights(
            norms,
            joined([self._linear(f"{attention}.{part}_proj") for part in "qkv"]),
            self._linear(f"{attention}.o_proj"),
            self._linear(f"{mlp}.gate_proj"),
            self._linear(f"{mlp}.up_proj"),
            self._linear(f"{mlp}.down_proj"),
        )

    def _norm(self, name: str) -> NormWeights:
        return NormWeights(self._tensors.read(f"{name}.weight"))

    def _linear(self, name: str) -> Linear:
        bias = f"{name}.bias"
        return Linear(
            self._tensors.read(f"{name}.weight").T,
            self._tensors.read(bias) if bias in self._tensors else None,
        )


def joined(parts: list[Linear]) -> Linear:
    """Several products of one input as one, their outputs side by side."""
    biases: list[Floats] = [
        np.zeros(part.weight.shape[1], np.float32) if part.bias is None else part.bias
        for part in parts
    ]
    has_bias = any(part.bias is not None for part in parts)
    return Linear(
        np.concatenate([part.weight for part in parts], axis=1),
        np.concatenate(biases) if has_bias else None,
    )


def _architecture(config: Mapping[str, Any]) -> Architecture:
    hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    head_size = int(config.get("head_dim") or hidden // heads)
    window = int(config.get("sliding_window") or 0) if config.get("use_sliding_window", True) else 0
    return Architecture(
        family=str(config["model_type"]),
        layers=(LayerPlan(0, window),) * int(config["num_hidden_layers"]),
        hidden=hidden,
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_size=head_size,
        vocabulary=int(config["vocab_size"]),
        context=int(config.get("max_position_embeddings", 2048)),
        rotary=(rotary_of(config, head_size),),
        norm_epsilon=float(config.get("rms_norm_eps", 1e-6)),
        attention_scale=1 / math.sqrt(head_size),
    )
