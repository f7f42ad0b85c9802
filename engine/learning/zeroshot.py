"""Labels without examples: how near is a text to the label's own name or description?"""

import numpy as np

from augursql.engine.learning.calibration import softmax
from augursql.engine.learning.examples import Doubles, Floats
from augursql.errors import InvalidValueError

TEMPERATURE = 0.05
"""Divides cosines before the softmax: a lead of 0.05 makes a label e times as likely as the next.
The usual scale of the contrastive loss (20) with which sentence encoders are trained."""


def classify(vectors: Floats, label_vectors: Floats, temperature: float = TEMPERATURE) -> Doubles:
    """Probabilities float64 [q, L] of L labels: softmax of cosine / temperature.

    `vectors` float32 [q, d], `label_vectors` float32 [L, d], of any length. Not calibrated: there
    are no examples to calibrate with. Raises InvalidValueError without labels.
    """
    if len(label_vectors) == 0:
        raise InvalidValueError(
            "classify() needs at least one label.", hint="Write classify(text, ['a', 'b'])."
        )
    return softmax(_unit(vectors) @ _unit(label_vectors).T, temperature)


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms > 0, norms, 1)
    return unit.astype(np.float32)
