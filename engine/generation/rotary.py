"""Positions: rotary ones, how families stretch them to longer contexts, and falls by distance.

Sources: RoFormer (2104.09864); the scalings are those of transformers' `modeling_rope_utils`:
linear, dynamic, llama3, YaRN (2309.00071), longrope (2402.13753). ALiBi: 2108.12409.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.architecture import Rotary, UnknownFamilyError
from augursql.engine.generation.weights import Floats

_Angles = NDArray[np.float64]


def rotary_of(
    config: Mapping[str, Any], head_size: int, theta: float | None = None
) -> tuple[Rotary, int]:
    """The rotary positions that a config.json describes, and the most tokens they serve.

    Raises UnknownFamilyError for unknown scalings.
    """
    base = float(theta if theta is not None else config.get("rope_theta", 10_000.0))
    dims = int(head_size * float(config.get("partial_rotary_factor", 1.0)))
    frequencies = base ** -(np.arange(0, dims, 2, dtype=np.float64) / dims)
    context = int(config.get("max_position_embeddings", 2048))
    scaling = config.get("rope_scaling", {})
    kind = str(scaling.get("rope_type") or scaling.get("type") or "default")
    if kind in ("default", "dynamic"):  # dynamic changes nothing within the trained context
        return Rotary(tuple(frequencies)), context
    if kind == "linear":
        return Rotary(tuple(frequencies / float(scaling["factor"]))), context
    if kind == "llama3":
        return Rotary(tuple(_llama3(frequencies, scaling))), context
    if kind == "yarn":
        return _yarn(frequencies, base, scaling, context), context
    if kind in ("longrope", "su"):
        return _longrope(frequencies, config, scaling, context)
    raise UnknownFamilyError(
        f'The model stretches its positions by "{kind}", which is not supported.',
        hint="Supported: linear, dynamic, llama3, yarn, longrope.",
    )


def tables(rotary: Rotary, positions: int) -> tuple[Floats, Floats]:
    """Cosines and sines, float32 [positions, dims / 2]."""
    frequencies = np.asarray(rotary.frequencies, np.float32)
    angles = np.outer(np.arange(positions), frequencies).astype(np.float32)
    factor = np.where(frequencies == 0, 1, rotary.factor)
    return (
        (np.cos(angles) * factor).astype(np.float32),
        (np.sin(angles) * factor).astype(np.float32),
    )


def falls(slopes: Sequence[float], positions: int) -> Floats:
    """How much q k rises with the position of k, float32 [heads, positions].

    In the steps of bfloat16, in which the models were trained.
    """
    places = _bfloat16(np.arange(positions, dtype=np.float32))
    return _bfloat16(np.outer(_bfloat16(np.asarray(slopes, np.float32)), places))


def slopes_of(heads: int) -> tuple[float, ...]:
    """ALiBi's slopes: powers of one base, and of a second one in between."""
    power = 2 ** math.floor(math.log2(heads))
    base, between = (2 ** -(2 ** -(math.log2(count) - 3)) for count in (power, 2 * power))
    regular = [base**n for n in range(1, power + 1)]
    others = [between**n for n in range(1, 2 * (heads - power), 2)]
    return (*regular, *others)


def _llama3(frequencies: _Angles, scaling: Mapping[str, Any]) -> _Angles:
    factor, old = float(scaling["factor"]), float(scaling["original_max_position_embeddings"])
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    waves = 2 * math.pi / frequencies
    smooth = (old / waves - low) / (high - low)
    between = (1 - smooth) * frequencies / factor + smooth * frequencies
    scaled = np.where(waves > old / low, frequencies / factor, frequencies)
    return np.where((waves <= old / low) & (waves >= old / high), between, scaled)


def _yarn(frequencies: _Angles, base: float, scaling: Mapping[str, Any], context: int) -> Rotary:
    """Fast pairs stay, slow ones are interpolated, those between are mixed."""
    factor, dims = float(scaling["factor"]), 2 * len(frequencies)
    old = float(scaling.get("original_max_position_embeddings") or context)

    def pair(turns: float) -> float:
        """Which pair of channels turns so often within the old context."""
        return dims * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(base))

    low = pair(float(scaling.get("beta_fast") or 32))
    high = pair(float(scaling.get("beta_slow") or 1))
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dims - 1)
    ramp = (np.arange(dims // 2) - low) / max(high - low, 0.001)
    slow = np.clip(ramp, 0, 1)
    mixed = frequencies / factor * slow + frequencies * (1 - slow)
    return Rotary(tuple(mixed), _yarn_factor(scaling, factor))


def _yarn_factor(scaling: Mapping[str, Any], factor: float) -> float:
    def scale(weight: float) -> float:
        return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0

    if scaling.get("attention_factor") is not None:
        return float(scaling["attention_factor"])
    one, all_ = scaling.get("mscale"), scaling.get("mscale_all_dim")
    return scale(float(one)) / scale(float(all_)) if one and all_ else scale(1.0)


def _longrope(
    frequencies: _Angles, config: Mapping[str, Any], scaling: Mapping[str, Any], context: int
) -> tuple[Rotary, int]:
    """Within the context of the first training, for which there are factors of their own: those for
    longer texts would change how every short one is read."""
    name = "original_max_position_embeddings"
    old = int(config.get(name) or scaling.get(name) or 0)
    factor = context / old if old else float(scaling.get("factor") or 1.0)
    old = old or context
    given = scaling.get("attention_factor")
    attention = math.sqrt(1 + math.log(max(factor, 1)) / math.log(old)) if given is None else given
    short = np.asarray(scaling["short_factor"], np.float64)
    return Rotary(tuple(frequencies / short), float(attention)), min(old, context)


def _bfloat16(values: Floats) -> Floats:
    """Rounded to the nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)).view(np.float32)
