"""What kind of model a source is, by what its own configuration says."""

from collections.abc import Collection, Mapping
from typing import Any

from augursql.engine.repository.manifest import Kind

FAMILIES = frozenset(
    "falcon gemma gemma2 gemma3 gemma3_text gpt2 gpt_neox granite llama mistral olmo2 phi phi3 "
    "qwen2 qwen3 smollm3 stablelm starcoder2 t5".split()
)
"""The families, by `model_type`, whose safetensors are preferred to ONNX files: graphs are built of
them here, but for T5's, which optimum exports."""

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
CONFIGURATIONS = ("config.json", ADAPTER_CONFIG)
_HEADS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length")
_UNTOLD_CONTEXT = 2048


def kind_of(config: Mapping[str, Any], names: Collection[str]) -> Kind:
    """The kind of the model with that config.json and those files.

    The layout of sentence-transformers is an encoder's, whatever it was made from. A model without
    the head that predicts tokens is an encoder, too.
    """
    if "modules.json" in names:
        return "encoder"
    if ADAPTER_CONFIG in names and not any(_is_whole(name) for name in names):
        return "adapter"
    heads = config.get("architectures")
    if isinstance(heads, list) and heads:
        return "language" if any(str(head).endswith(_HEADS) for head in heads) else "encoder"
    return "language" if config.get("model_type") in FAMILIES else "encoder"


def context_of(config: Mapping[str, Any]) -> int:
    """The most tokens of prompt and answer together."""
    inner = config.get("text_config")
    for source in (config, inner if isinstance(inner, dict) else {}):
        scaling = source.get("rope_scaling") or {}
        long = (scaling.get("rope_type") or scaling.get("type")) in ("longrope", "su")
        # There, longer texts would change how every short one is read.
        for name in ("original_max_position_embeddings", *_LENGTHS) if long else _LENGTHS:
            value = source.get(name)
            if isinstance(value, int) and value > 0:
                return value
    return _UNTOLD_CONTEXT


def _is_whole(name: str) -> bool:
    weights = name.startswith("model") and name.endswith(".safetensors")
    return weights or name.endswith(".onnx")
