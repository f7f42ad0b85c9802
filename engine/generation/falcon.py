"""Falcon: attention and MLP side by side; q, k and v in groups; rotary positions or ALiBi."""

from dataclasses import replace

from augursql.engine.generation.architecture import (
    Architecture,
    LayerPlan,
    LayerWeights,
    OuterWeights,
)
from augursql.engine.generation.checkpoint import Checkpoint, NamedTensors, ungrouped
from augursql.engine.generation.config import Config
from augursql.engine.generation.rotary import slopes_of
from augursql.engine.generation.shapes import architecture_of

_NORMS = {
    "attention": ("ln_attn", "input_layernorm"),
    "mlp": ("ln_mlp", "post_attention_layernorm"),
}


class FalconSource:
    """The layouts of 7B (one k and v), 40B and 11B (groups), and RW (ALiBi, one after another)."""

    def __init__(self, config: Config, tensors: NamedTensors) -> None:
        self._checkpoint = Checkpoint(tensors, "word_embeddings.weight")
        self.architecture = _architecture(config)

    def outer(self) -> OuterWeights:
        checkpoint = self._checkpoint
        embedding = checkpoint.read("word_embeddings.weight")
        head = checkpoint.head(embedding)
        return OuterWeights(embedding, None, checkpoint.norm("ln_f"), head)

    def layer(self, number: int) -> LayerWeights:
        checkpoint, shape, name = self._checkpoint, self.architecture, f"h.{number}"
        names = ("self_attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
        output, up, down = (checkpoint.linear(f"{name}.{part}") for part in names)
        qkv = checkpoint.linear(f"{name}.self_attention.query_key_value")
        queries = shape.heads // shape.kv_heads
        norms = {
            place: checkpoint.first(*(f"{name}.{norm}" for norm in those))
            for place, those in _NORMS.items()
        }
        return LayerWeights(
            {p: checkpoint.norm(n) for p, n in norms.items() if f"{n}.weight" in checkpoint},
            ungrouped(qkv, shape.kv_heads, queries, shape.head_size),
            output,
            None,
            up,
            down,
        )


def _architecture(config: Config) -> Architecture:
    grouped = bool(config.get("new_decoder_architecture", False))
    heads = int(config["num_attention_heads"])
    single = bool(config.get("multi_query", True)) and not grouped
    named = {"layer_norm_epsilon": 1e-5, "activation": "gelu", **config}
    named["num_key_value_heads"] = 1 if single else config.get("num_kv_heads", heads)
    shape = replace(
        architecture_of(named), parallel=grouped or bool(config.get("parallel_attn", True))
    )
    if not config.get("alibi"):
        return shape
    plain = (LayerPlan(None),) * len(shape.layers)
    return replace(shape, layers=plain, rotary=(), slopes=slopes_of(heads))
