"""How each matrix product's input is brought to 8 bits: one scale known beforehand, or one per row.

Measured on calibration texts. An input of transformers has a few channels with large values, which
would take the precision of all others; so each channel is divided by a number of its own, and its
row of the weights is multiplied by it (SmoothQuant, Xiao et al. 2023, here with exponent 0.7).
Where some tokens are still much larger than most, one scale for all would cost too much, and every
row gets its own while the model runs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Called once per pass; gives the inputs of the matrix products, name -> [tokens, channels].
Observe = Callable[[], Iterable[Mapping[str, Floats]]]

_EXPONENT = 0.7
# Room for values beyond those of the calibration texts.
_MARGIN = 1.15
_LEVELS = 255


@dataclass(frozen=True, slots=True)
class Fixed:
    """x is stored as round(x / divisor / scale) + zero: uint8, clipped. `divisor` is [channels]."""

    divisor: Floats
    scale: float
    zero: int


def fixed_forms(
    observe: Observe, weights: Mapping[str, Floats], most_noise: float
) -> dict[str, Fixed]:
    """The forms of the inputs that may have one scale for all rows; the others want one per row.

    `weights` holds, for each input, the largest weight [channels] of any product that reads it.
    An input qualifies when its rounding noise is at most `most_noise` times that of one scale per
    row.
    """
    low, high = _channel_ranges(observe)
    divisors = {name: _divisor(low[name], high[name], weights[name]) for name in low}
    spans = {name: _span(low[name], high[name], divisors[name]) for name in low}
    rows = _row_noise(observe, divisors)
    forms = {}
    for name, (least, most) in spans.items():
        if (most - least) ** 2 <= most_noise * rows[name]:
            scale = max((most - least) * _MARGIN / _LEVELS, 1e-12)
            zero = int(np.clip(np.round(-least * _MARGIN / scale), 0, _LEVELS))
            forms[name] = Fixed(divisors[name], scale, zero)
    return forms


def _channel_ranges(observe: Observe) -> tuple[dict[str, Floats], dict[str, Floats]]:
    low: dict[str, Floats] = {}
    high: dict[str, Floats] = {}
    for values in observe():
        for name, rows in values.items():
            least, most = rows.min(axis=0), rows.max(axis=0)
            low[name] = np.minimum(low[name], least) if name in low else least
            high[name] = np.maximum(high[name], most) if name in high else most
    return low, high


def _divisor(low: Floats, high: Floats, weight: Floats) -> Floats:
    largest = np.maximum(np.maximum(high, -low), 1e-3)
    divisor = largest**_EXPONENT / np.maximum(weight, 1e-6) ** (1 - _EXPONENT)
    even: Floats = (divisor / np.exp(np.log(divisor).mean())).astype(np.float32)
    return even


def _span(low: Floats, high: Floats, divisor: Floats) -> tuple[float, float]:
    return min(float((low / divisor).min()), 0.0), max(float((high / divisor).max()), 0.0)


def _row_noise(observe: Observe, divisors: Mapping[str, Floats]) -> dict[str, float]:
    """The mean over tokens of the square of the range that one scale per row would have."""
    sums, counts = dict.fromkeys(divisors, 0.0), dict.fromkeys(divisors, 0)
    for values in observe():
        for name, rows in values.items():
            spans = 2 * np.abs(rows / divisors[name]).max(axis=1)
            sums[name] += float((spans.astype(np.float64) ** 2).sum())
            counts[name] += len(rows)
    return {name: sums[name] / max(1, counts[name]) for name in divisors}
