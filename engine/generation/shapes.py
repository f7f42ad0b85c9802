"""What most families say about their shape in config.json, by the names they share."""

import math

from augursql.engine.generation.architecture import (
    Activation,
    Architecture,
    LayerPlan,
    Norm,
    UnknownFamilyError,
)
from augursql.engine.generation.config import Config
from augursql.engine.generation.rotary import rotary_of

_ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}


def architecture_of(config: Config) -> Architecture:
    """The shape of a decoder with one kind of layers and rotary positions."""
    hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    head_size = int(config.get("head_dim", hidden // heads))
    rotary, context = rotary_of(config, head_size)
    norm, epsilon = norm_of(config)
    layers = int(config["num_hidden_layers"])
    return Architecture(
        layers=tuple(LayerPlan(0, window) for window in windows(config, layers)),
        hidden=hidden,
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads", heads)),
        head_size=head_size,
        vocabulary=int(config["vocab_size"]),
        context=context,
        rotary=(rotary,),
        norm=norm,
        norm_epsilon=epsilon,
        activation=activation_of(config),
        attention_scale=1 / math.sqrt(head_size),
    )


def norm_of(config: Config) -> tuple[Norm, float]:
    for key in ("layer_norm_epsilon", "layer_norm_eps", "norm_epsilon"):
        if key in config:
            return "layer", float(config[key])
    return "rms", float(config.get("rms_norm_eps", 1e-6))


def activation_of(config: Config, default: str = "silu") -> Activation:
    """Raises UnknownFamilyError."""
    keys = ("hidden_activation", "hidden_act", "activation_function", "activation")
    named = str(next((config[key] for key in keys if key in config), default))
    if named not in _ACTIVATIONS:
        raise UnknownFamilyError(
            f'The model has the activation "{named}", which is not supported.',
            hint=f"Supported: {', '.join(_ACTIVATIONS)}.",
        )
    return _ACTIVATIONS[named]


def windows(config: Config, layers: int) -> list[int]:
    """How many tokens each layer sees, 0 for all, where config.json has a window at all."""
    width = int(config.get("sliding_window", 0))
    if not config.get("use_sliding_window", True):
        width = 0
    if kinds := config.get("layer_types"):
        return [width if kind == "sliding_attention" else 0 for kind in kinds]
    first = int(config.get("max_window_layers", 0))
    return [width if number >= first else 0 for number in range(layers)]
