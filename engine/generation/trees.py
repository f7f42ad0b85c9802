"""Trees of continuations for models that take no tree: their paths."""

import numpy as np
from numpy.typing import NDArray


def paths_of(attends: NDArray[np.bool_], nodes: range) -> list[list[int]]:
    """The fewest paths from the root that pass by all of `nodes`.

    `attends` [t, t] is whether a node (row) sees another; parents stand before children.
    """
    inner = attends[nodes.start : nodes.stop].copy()
    inner[np.arange(len(nodes)), np.arange(nodes.start, nodes.stop)] = False
    passed = np.logical_or.reduce(inner)
    return [np.flatnonzero(attends[node]).tolist() for node in nodes if not passed[node]]
