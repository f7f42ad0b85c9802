"""GPT-2 and GPT-NeoX: norms and products with biases, an MLP without a gate."""

import math
from dataclasses import replace

from augursql.engine.generation.architecture import (
    Architecture,
    LayerPlan,
    LayerWeights,
    OuterWeights,
    UnknownFamilyError,
)
from augursql.engine.generation.checkpoint import Checkpoint, NamedTensors, ungrouped
from augursql.engine.generation.config import Config
from augursql.engine.generation.shapes import activation_of, architecture_of


class GPT2Source:
    """Learned positions; weights are stored as [inputs, outputs]."""

    def __init__(self, config: Config, tensors: NamedTensors) -> None:
        self._checkpoint = Checkpoint(tensors, "wte.weight")
        self.architecture = _gpt2(config)

    def outer(self) -> OuterWeights:
        checkpoint = self._checkpoint
        embedding, positions = checkpoint.read("wte.weight"), checkpoint.read("wpe.weight")
        head = checkpoint.head(embedding)
        return OuterWeights(embedding, positions, checkpoint.norm("ln_f"), head)

    def layer(self, number: int) -> LayerWeights:
        checkpoint, name = self._checkpoint, f"h.{number}"
        names = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        qkv, output, up, down = (
            checkpoint.linear(f"{name}.{part}", transposed=False) for part in names
        )
        norms = {
            "attention": checkpoint.norm(f"{name}.ln_1"),
            "mlp": checkpoint.norm(f"{name}.ln_2"),
        }
        return LayerWeights(norms, qkv, output, None, up, down)


class NeoXSource:
    """GPT-NeoX and Pythia: partly rotary positions; q, k and v of a head stand together."""

    def __init__(self, config: Config, tensors: NamedTensors) -> None:
        self._checkpoint = Checkpoint(tensors, "embed_in.weight")
        self.architecture = _neox(config)

    def outer(self) -> OuterWeights:
        checkpoint = self._checkpoint
        embedding = checkpoint.read("embed_in.weight")
        head = checkpoint.head(embedding, "embed_out")
        return OuterWeights(embedding, None, checkpoint.norm("final_layer_norm"), head)

    def layer(self, number: int) -> LayerWeights:
        checkpoint, shape, name = self._checkpoint, self.architecture, f"layers.{number}"
        names = ("attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
        output, up, down = (checkpoint.linear(f"{name}.{part}") for part in names)
        qkv = checkpoint.linear(f"{name}.attention.query_key_value")
        norms = {
            "attention": checkpoint.norm(f"{name}.input_layernorm"),
            "mlp": checkpoint.norm(f"{name}.post_attention_layernorm"),
        }
        qkv = ungrouped(qkv, shape.heads, 1, shape.head_size)
        return LayerWeights(norms, qkv, output, None, up, down)


def _gpt2(config: Config) -> Architecture:
    odd = ("scale_attn_by_inverse_layer_idx", "add_cross_attention")
    if any(config.get(key) for key in odd) or not config.get("scale_attn_weights", True):
        raise UnknownFamilyError("GPT-2 with other scales of attention is not supported.")
    hidden, heads = int(config["n_embd"]), int(config["n_head"])
    return Architecture(
        layers=(LayerPlan(None),) * int(config["n_layer"]),
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_size=hidden // heads,
        vocabulary=int(config["vocab_size"]),
        context=int(config.get("n_positions", 1024)),
        norm="layer",
        norm_epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
        activation=activation_of(config, "gelu_new"),
        attention_scale=1 / math.sqrt(hidden // heads),
    )


def _neox(config: Config) -> Architecture:
    named = {
        "partial_rotary_factor": config.get("rotary_pct", 0.25),
        "rope_theta": config.get("rotary_emb_base", 10_000),
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
    }
    parallel = bool(config.get("use_parallel_residual", True))
    return replace(architecture_of({**named, **config}), parallel=parallel)
