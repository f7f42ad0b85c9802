"""Rotary positions and how families stretch them to longer contexts.

Sources: RoFormer (2104.09864); the scalings are those of transformers' `modeling_rope_utils`:
linear, dynamic, llama3.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from augursql.engine.generation.architecture import Rotary
from augursql.engine.generation.weights import Floats
from augursql.errors import ModelError


def rotary_of(config: Mapping[str, Any], head_size: int, theta: float | None = None) -> Rotary:
    """The rotary positions that a config.json describes. Raises ModelError for unknown scalings."""
    base = float(theta if theta is not None else config.get("rope_theta", 10_000.0))
    dims = int(head_size * float(config.get("partial_rotary_factor", 1.0)))
    frequencies = base ** -(np.arange(0, dims, 2, dtype=np.float64) / dims)
    scaling = config.get("rope_scaling") or {}
    kind = str(scaling.get("rope_type") or scaling.get("type") or "default")
    if kind in ("default", "dynamic"):  # dynamic changes nothing within the trained context
        return Rotary(tuple(frequencies))
    if kind == "linear":
        return Rotary(tuple(frequencies / float(scaling["factor"])))
    if kind == "llama3":
        return Rotary(tuple(_llama3(frequencies, scaling)))
    raise ModelError(
        f'The model stretches its positions by "{kind}", which is not supported.',
        hint="Supported: linear, dynamic, llama3.",
    )


def tables(rotary: Rotary, positions: int) -> tuple[Floats, Floats]:
    """Cosines and sines, float32 [positions, dims / 2]."""
    angles = np.outer(np.arange(positions), np.asarray(rotary.frequencies, np.float32))
    angles = angles.astype(np.float32)
    return (
        (np.cos(angles) * rotary.factor).astype(np.float32),
        (np.sin(angles) * rotary.factor).astype(np.float32),
    )


def _llama3(frequencies: Any, scaling: Mapping[str, Any]) -> Any:
    factor, old = float(scaling["factor"]), float(scaling["original_max_position_embeddings"])
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    waves = 2 * math.pi / frequencies
    smooth = (old / waves - low) / (high - low)
    between = (1 - smooth) * frequencies / factor + smooth * frequencies
    scaled = np.where(waves > old / low, frequencies / factor, frequencies)
    return np.where((waves <= old / low) & (waves >= old / high), between, scaled)
