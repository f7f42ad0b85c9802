"""Heads in sizes that attention's operator takes: multiples of 16 channels where they are turned,
of 8 where not.

Channels of q and k may stand in any order, if it is the same, and so may those of v and the inputs
of the product after it; channels of zeros change nothing. The pairs that positions turn are filled
up with channels that are not turned, and then with zeros.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from augursql.engine.generation.architecture import (
    Architecture,
    LayerWeights,
    Linear,
    NormWeights,
    OuterWeights,
    Rotary,
    Source,
    UnknownFamilyError,
)
from augursql.engine.generation.weights import Floats


def aligned(source: Source) -> Source:
    """The source itself where its heads have such a size."""
    shape = source.architecture
    turned = 2 * len(shape.rotary[0].frequencies) if shape.rotary else 0
    unit = 16 if turned else 8
    if shape.head_size % unit == 0 and turned % unit == 0:
        return source
    return AlignedSource(source, _order(shape.head_size, turned, unit))


class AlignedSource:
    """A source whose heads have their channels in `order`, -1 for a channel of zeros."""

    def __init__(self, source: Source, order: Sequence[int]) -> None:
        self._source = source
        self._order = order
        self.architecture = _widened(source.architecture, len(order))

    def outer(self) -> OuterWeights:
        return self._source.outer()

    def layer(self, number: int) -> LayerWeights:
        layer = self._source.layer(number)
        bias = None if layer.qkv.bias is None else self.spread(layer.qkv.bias)
        output = self.spread(layer.output.weight.T).T
        return replace(
            layer,
            norms={name: self._norm(name, norm) for name, norm in layer.norms.items()},
            qkv=Linear(self.spread(layer.qkv.weight), bias),
            output=replace(layer.output, weight=output),
        )

    def _norm(self, name: str, norm: NormWeights) -> NormWeights:
        if name not in ("q", "k"):
            return norm
        if -1 in self._order:
            raise UnknownFamilyError("Norms of q and k need heads of a multiple of 16 channels.")
        return replace(norm, weight=self.spread(norm.weight))

    def spread(self, values: Floats) -> Floats:
        """The last axis, of whole heads, in the new order."""
        outer, size = values.shape[:-1], self._source.architecture.head_size
        heads = values.reshape(*outer, -1, size)
        zeros = np.zeros((*heads.shape[:-1], 1), np.float32)
        found: Floats = np.concatenate([heads, zeros], axis=-1)[..., list(self._order)]
        return found.reshape(*outer, -1)


def _order(size: int, turned: int, unit: int) -> list[int]:
    wide = -(-turned // unit) * unit
    free = [*range(turned, size), *[-1] * (max(-(-size // unit) * unit, wide) - size)]
    half, added = turned // 2, (wide - turned) // 2
    first = [*range(half), *free[:added]]
    second = [*range(half, turned), *free[added : 2 * added]]
    return [*first, *second, *free[2 * added :]]


def _widened(shape: Architecture, size: int) -> Architecture:
    def filled(rotary: Rotary) -> Rotary:
        count = len(rotary.frequencies)
        zeros = (-(-count // 8) * 8 - count) * (0.0,)
        return replace(rotary, frequencies=rotary.frequencies + zeros)

    return replace(shape, head_size=size, rotary=tuple(filled(r) for r in shape.rotary))
