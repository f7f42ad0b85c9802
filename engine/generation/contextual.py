"""Contextual calibration: labels that a model likes anyway are worth less.

Zhao et al., Calibrate Before Use: Improving Few-Shot Performance of Language Models (ICML 2021).
"""

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]
# Rows without any content; the mean of what the model says of them is its bias.
EMPTY_ROWS = ("N/A", "", "[MASK]")
_LEAST = 1e-6


def calibrated(probabilities: Probabilities, of_nothing: Probabilities) -> Probabilities:
    """Probabilities [n, labels] divided by those of rows without content [n, labels]; rows sum to
    one again.
    """
    weighted = probabilities / np.maximum(of_nothing, _LEAST)
    result: Probabilities = weighted / weighted.sum(axis=1, keepdims=True)
    return result
