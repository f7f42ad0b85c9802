"""Gemma 1 to 3: norms whose weight is one less than what they multiply by, a scaled token table,
capped values (2), layers that see a window and turn by another base (2, 3)."""

import math
from dataclasses import replace

from augursql.engine.generation.architecture import (
    Architecture,
    LayerPlan,
    UnknownFamilyError,
)
from augursql.engine.generation.config import Config
from augursql.engine.generation.llama import LlamaSource
from augursql.engine.generation.rotary import rotary_of
from augursql.engine.generation.shapes import architecture_of, windows

_PATTERN = {"gemma2": 2, "gemma3_text": 6}


class GemmaSource(LlamaSource):
    """The first Gemma."""

    norm_offset = 1.0

    def _architecture(self, config: Config) -> Architecture:
        if "hidden_activation" not in config:  # `hidden_act` in old files was a mistake
            config = {**config, "hidden_activation": "gelu_pytorch_tanh"}
        shape = architecture_of({**config, "sliding_window": 0})
        return replace(shape, embedding_scale=math.sqrt(shape.hidden))


class WindowedGemmaSource(GemmaSource):
    """Gemma 2 and 3."""

    norm_names = {
        "attention": "input_layernorm",
        "after_attention": "post_attention_layernorm",
        "mlp": "pre_feedforward_layernorm",
        "after_mlp": "post_feedforward_layernorm",
        "q": "self_attn.q_norm",
        "k": "self_attn.k_norm",
    }

    def _architecture(self, config: Config) -> Architecture:
        if config.get("use_bidirectional_attention"):
            raise UnknownFamilyError("This Gemma reads in both directions: it does not write.")
        shape = super()._architecture(config)
        rotary, widths = shape.rotary, _windows(config, len(shape.layers))
        near = "rope_local_base_freq" in config or config["model_type"] == "gemma3_text"
        if near:
            theta = float(config.get("rope_local_base_freq", 10_000.0))
            rotary += (rotary_of({**config, "rope_scaling": {}}, shape.head_size, theta)[0],)
        return replace(
            shape,
            layers=tuple(LayerPlan(int(near and width > 0), width) for width in widths),
            rotary=rotary,
            norm_after=True,
            attention_scale=float(config["query_pre_attn_scalar"]) ** -0.5,
            attention_cap=float(config.get("attn_logit_softcapping", 0.0)),
            logit_cap=float(config.get("final_logit_softcapping", 0.0)),
        )


def _windows(config: Config, layers: int) -> list[int]:
    if "layer_types" in config:
        return windows(config, layers)
    width = int(config["sliding_window"])
    every = int(config.get("sliding_window_pattern", _PATTERN[str(config["model_type"])]))
    return [width if (number + 1) % every else 0 for number in range(layers)]
