"""Families in the layout of Llama, and those that differ in names, norms or constants.

llama, mistral, qwen2, qwen3, smollm3, granite, olmo2, starcoder2, stablelm, phi, phi3.
"""

from dataclasses import replace

import numpy as np

from augursql.engine.generation.architecture import (
    Architecture,
    LayerPlan,
    LayerWeights,
    Linear,
    NormWeights,
    OuterWeights,
    UnknownFamilyError,
)
from augursql.engine.generation.checkpoint import Checkpoint, NamedTensors, columns, joined
from augursql.engine.generation.config import Config
from augursql.engine.generation.shapes import architecture_of

# Where the norms stand, by the names of files; the third and fourth only after attention and MLP.
_NORMS = {
    "attention": "input_layernorm",
    "mlp": "post_attention_layernorm",
    "q": "self_attn.q_norm",
    "k": "self_attn.k_norm",
}
_NORMS_AFTER = {
    "after_attention": "post_attention_layernorm",
    "after_mlp": "post_feedforward_layernorm",
    "q": "self_attn.q_norm",
    "k": "self_attn.k_norm",
}


class LlamaSource:
    """q, k, v apart or joined; an MLP with or without a gate, also joined to it."""

    norm_names = _NORMS
    norm_offset = 0.0

    def __init__(self, config: Config, tensors: NamedTensors) -> None:
        self._checkpoint = Checkpoint(tensors, "embed_tokens.weight")
        self.architecture = self._architecture(config)

    def outer(self) -> OuterWeights:
        checkpoint = self._checkpoint
        embedding = checkpoint.read("embed_tokens.weight")
        norm = self._norm(checkpoint.first("norm", "final_layernorm"))
        return OuterWeights(embedding, None, norm, checkpoint.head(embedding))

    def layer(self, number: int) -> LayerWeights:
        checkpoint, name = self._checkpoint, f"layers.{number}"
        names = {place: f"{name}.{norm}" for place, norm in self.norm_names.items()}
        gate, up = self._gate_and_up(f"{name}.mlp")
        output = checkpoint.first(f"{name}.self_attn.o_proj", f"{name}.self_attn.dense")
        down = (f"{name}.mlp.{part}" for part in ("down_proj", "fc2", "c_proj"))
        return LayerWeights(
            {p: self._norm(n) for p, n in names.items() if f"{n}.weight" in checkpoint},
            self._qkv(f"{name}.self_attn"),
            checkpoint.linear(output),
            gate,
            up,
            checkpoint.linear(checkpoint.first(*down)),
        )

    def _architecture(self, config: Config) -> Architecture:
        if config["model_type"] == "llama":  # it has no window, whatever is written there
            config = {key: value for key, value in config.items() if key != "sliding_window"}
        return architecture_of(config)

    def _qkv(self, name: str) -> Linear:
        if f"{name}.qkv_proj.weight" in self._checkpoint:
            return self._checkpoint.linear(f"{name}.qkv_proj")
        return joined([self._checkpoint.linear(f"{name}.{part}_proj") for part in "qkv"])

    def _gate_and_up(self, name: str) -> tuple[Linear | None, Linear]:
        checkpoint = self._checkpoint
        if f"{name}.gate_up_proj.weight" in checkpoint:
            both = checkpoint.linear(f"{name}.gate_up_proj")
            width = both.weight.shape[1]
            return columns(both, 0, width // 2), columns(both, width // 2, width)
        up = checkpoint.linear(
            checkpoint.first(*(f"{name}.{part}" for part in ("up_proj", "fc1", "c_fc")))
        )
        gate = f"{name}.gate_proj"
        return checkpoint.linear(gate) if f"{gate}.weight" in checkpoint else None, up

    def _norm(self, name: str) -> NormWeights:
        return self._checkpoint.norm(name, self.norm_offset)


class NormAfterSource(LlamaSource):
    """OLMo 2: norms after attention and MLP alone, and of q and k as a whole."""

    norm_names = _NORMS_AFTER

    def _architecture(self, config: Config) -> Architecture:
        return replace(architecture_of(config), norm_after=True)


class SmolLM3Source(LlamaSource):
    """Every fourth layer has no positions."""

    def _architecture(self, config: Config) -> Architecture:
        shape = architecture_of(config)
        interval = int(config.get("no_rope_layer_interval", 4))
        regular = [int((n + 1) % interval != 0) for n in range(len(shape.layers))]
        turned = config.get("no_rope_layers", regular)
        plans = zip(shape.layers, turned, strict=True)
        layers = tuple(LayerPlan(0 if turn else None, plan.window) for plan, turn in plans)
        return replace(shape, layers=layers)


class ParallelSource(LlamaSource):
    """Phi and StableLM: attention and MLP may read the same norm."""

    def _architecture(self, config: Config) -> Architecture:
        if config.get("qk_layernorm"):
            raise UnknownFamilyError("Models with a norm of q and k with a bias are not supported.")
        parallel = config["model_type"] == "phi" or bool(config.get("use_parallel_residual"))
        return replace(architecture_of(config), parallel=parallel)


class GraniteSource(LlamaSource):
    """Constant factors, which are put into the weights."""

    def __init__(self, config: Config, tensors: NamedTensors) -> None:
        super().__init__(config, tensors)
        self._added = np.float32(config.get("residual_multiplier", 1.0))
        self._logits = np.float32(1 / config.get("logits_scaling", 1.0))

    def outer(self) -> OuterWeights:
        outer = super().outer()
        return replace(outer, head=_times(outer.head, self._logits))

    def layer(self, number: int) -> LayerWeights:
        layer = super().layer(number)
        output, down = (_times(linear, self._added) for linear in (layer.output, layer.down))
        return replace(layer, output=output, down=down)

    def _architecture(self, config: Config) -> Architecture:
        return replace(
            architecture_of(config),
            embedding_scale=float(config.get("embedding_multiplier", 1.0)),
            attention_scale=float(config.get("attention_multiplier", 1.0)),
        )


def _times(linear: Linear, factor: np.float32) -> Linear:
    bias = None if linear.bias is None else linear.bias * factor
    return Linear(linear.weight * factor, bias)
