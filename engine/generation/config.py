"""A decoder's config.json in one form: what is missing is filled in, and old and new spellings of
the same thing become one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augursql.engine.repository.profile import read_object
from augursql.errors import ModelError

Config = Mapping[str, Any]

# What configs leave out, because it is the default of their family in transformers.
_DEFAULTS: Mapping[str, Config] = {
    "gemma": {"head_dim": 256},
    "gemma2": {
        "head_dim": 256,
        "query_pre_attn_scalar": 256,
        "sliding_window": 4096,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
    },
    "gemma3_text": {
        "vocab_size": 262_208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "query_pre_attn_scalar": 256,
        "sliding_window": 4096,
        "max_position_embeddings": 131_072,
        "rope_theta": 1_000_000.0,
    },
    "mistral": {"sliding_window": 4096, "num_key_value_heads": 8},
    "phi": {"partial_rotary_factor": 0.5, "hidden_act": "gelu_new"},
    "qwen2": {"use_sliding_window": False, "max_window_layers": 28},
    "qwen3": {"head_dim": 128, "use_sliding_window": False, "max_window_layers": 28},
    "smollm3": {"rope_theta": 2_000_000.0, "use_sliding_window": False},
    "stablelm": {"partial_rotary_factor": 0.25, "layer_norm_eps": 1e-5},
    "starcoder2": {"hidden_act": "gelu_pytorch_tanh"},
}


_SIZES = (
    *("num_hidden_layers", "n_layer", "num_attention_heads", "n_head", "num_key_value_heads"),
    *("hidden_size", "n_embd", "intermediate_size", "vocab_size", "head_dim"),
)


def read_config(folder: Path) -> Config:
    """The config.json of a decoder, or of the decoder within a model that also sees.

    Nothing in it is None. Raises ModelError.
    """
    config = read_object(folder / "config.json")
    if "text_config" in config:
        config = config["text_config"]
    family = config.get("model_type")
    if not isinstance(family, str):
        raise ModelError("The model's config.json does not say which family it belongs to.")
    for name in _SIZES:
        size = config.get(name, 1)
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ModelError(f"The model's config.json says that {name} is {size!r}.")
    full = {**_DEFAULTS.get(family, {}), **config}
    return {key: value for key, value in _with_rotary(full).items() if value is not None}


def _with_rotary(config: Config) -> Config:
    """transformers 5 has `rope_parameters`, per kind of layer where they differ."""
    parameters = config.get("rope_parameters")
    if not isinstance(parameters, Mapping):
        return config
    found = dict(config)
    far = parameters.get("full_attention", parameters)
    found["rope_scaling"] = far if far.get("rope_type", "default") != "default" else None
    for key in ("rope_theta", "partial_rotary_factor"):
        found[key] = far.get(key, config.get(key))
    if near := parameters.get("sliding_attention"):
        found["rope_local_base_freq"] = near.get("rope_theta")
    return found
