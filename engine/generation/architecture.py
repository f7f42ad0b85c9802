"""What a decoder is made of, in terms that all families share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from augursql.engine.generation.weights import Floats
from augursql.errors import ModelError

Norm = Literal["rms", "layer"]
Activation = Literal["silu", "gelu", "gelu_tanh", "relu"]


class UnknownFamilyError(ModelError):
    """The model is made of something that no graph is written for here."""


@dataclass(frozen=True, slots=True)
class Rotary:
    """Rotary positions: the angle of each pair of channels per position, float64 [dims / 2], 0 for
    channels that stay as they are, and what cosine and sine are multiplied by (YaRN, longrope)."""

    frequencies: tuple[float, ...]
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What distinguishes one layer from another: its rotary positions (an index into the
    architecture's, None for none) and its window of attention in tokens (0: everything)."""

    rotary: int | None = 0
    window: int = 0


@dataclass(frozen=True, slots=True)
class Architecture:
    """A decoder's shape. Sizes are counts of channels, heads, tokens.

    `norm_after`: attention and MLP have a norm after them, too;
    `parallel`: both read the same input.
    `attention_scale` multiplies q k; `attention_cap` and `logit_cap` bound values by tanh, 0 not;
    `slopes` are, per head, how much q k falls with each token of distance (ALiBi), before its
    scale; () for none.
    """

    layers: tuple[LayerPlan, ...]
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context: int
    rotary: tuple[Rotary, ...] = ()
    norm: Norm = "rms"
    norm_epsilon: float = 1e-6
    norm_after: bool = False
    parallel: bool = False
    activation: Activation = "silu"
    attention_scale: float = 0.0
    attention_cap: float = 0.0
    slopes: tuple[float, ...] = ()
    logit_cap: float = 0.0
    embedding_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Linear:
    """A product with a weight [inputs, outputs], and a bias [outputs] or None."""

    weight: Floats
    bias: Floats | None = None


@dataclass(frozen=True, slots=True)
class NormWeights:
    """The weight of a norm, mostly [hidden], and its bias or None."""

    weight: Floats
    bias: Floats | None = None


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer. `qkv` has the outputs of q, then k, then v; `gate` is None without gating.

    `norms` by name: 'attention' and 'mlp' (before, where the family has them), 'after_attention',
    'after_mlp'; 'q' and 'k' of each head [head size], or of all of them [outputs].
    """

    norms: Mapping[str, NormWeights]
    qkv: Linear
    output: Linear
    gate: Linear | None
    up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class OuterWeights:
    """What stands around the layers: `embedding` [vocabulary, hidden], `positions` [most tokens,
    hidden] where they are learned, the last norm, and the head's weight [hidden, vocabulary]."""

    embedding: Floats
    positions: Floats | None
    norm: NormWeights
    head: Linear


class Source(Protocol):
    """A model's weights in the order of its architecture; each call reads them anew."""

    architecture: Architecture

    def outer(self) -> OuterWeights: ...

    def layer(self, number: int) -> LayerWeights: ...
