"""A model's tensors by the names within its decoder, whatever it is wrapped in."""

from typing import Protocol

import numpy as np

from augursql.engine.generation.architecture import Linear, NormWeights
from augursql.engine.generation.weights import Floats


class NamedTensors(Protocol):
    """Tensors by name (`weights.Tensors`, or what an adapter adds to them)."""

    def __contains__(self, name: str) -> bool: ...

    @property
    def names(self) -> list[str]: ...

    def shape(self, name: str) -> tuple[int, ...]: ...

    def read(self, name: str) -> Floats: ...


class Checkpoint:
    """Reads norms and products. Names lack what stands before `anchor`, the token table's."""

    def __init__(self, tensors: NamedTensors, anchor: str) -> None:
        self._tensors = tensors
        self._anchor = anchor
        found = [name for name in tensors.names if name.endswith(anchor)]
        self._prefix = min(found, key=len).removesuffix(anchor) if found else ""

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._tensors

    def read(self, name: str) -> Floats:
        """Raises ModelError when there is no such tensor."""
        return self._tensors.read(self._prefix + name)

    def first(self, *names: str) -> str:
        """The first of several names that a weight has, else the first of all."""
        return next((name for name in names if f"{name}.weight" in self), names[0])

    def norm(self, name: str, offset: float = 0.0) -> NormWeights:
        """A norm; `offset` is added to its weight."""
        bias = f"{name}.bias"
        weight = self.read(f"{name}.weight") + np.float32(offset)
        return NormWeights(weight, self.read(bias) if bias in self else None)

    def linear(self, name: str, *, transposed: bool = True) -> Linear:
        """A product; files have the weight [outputs, inputs] when `transposed`."""
        weight, bias = self.read(f"{name}.weight"), f"{name}.bias"
        return Linear(weight.T if transposed else weight, self.read(bias) if bias in self else None)

    def head(self, embedding: Floats, name: str = "lm_head") -> Linear:
        """The last product; the token table where the file has no other."""
        endings = (f"{name}.weight", f"{name}.bias")
        outer = {e: [n for n in self._tensors.names if n.endswith(e)] for e in endings}
        weight, bias = (outer[ending] for ending in endings)
        return Linear(
            (self._tensors.read(weight[0]) if weight else embedding).T,
            self._tensors.read(bias[0]) if bias else None,
        )


def joined(parts: list[Linear]) -> Linear:
    """Several products of one input as one, their outputs side by side."""
    biases: list[Floats] = [
        np.zeros(part.weight.shape[1], np.float32) if part.bias is None else part.bias
        for part in parts
    ]
    has_bias = any(part.bias is not None for part in parts)
    return Linear(
        np.concatenate([part.weight for part in parts], axis=1),
        np.concatenate(biases) if has_bias else None,
    )


def columns(linear: Linear, first: int, last: int) -> Linear:
    """The outputs from `first` to before `last`."""
    bias = None if linear.bias is None else linear.bias[first:last]
    return Linear(linear.weight[:, first:last], bias)


def ungrouped(linear: Linear, groups: int, queries: int, head_size: int) -> Linear:
    """q, k and v one after the other, from groups of `queries` heads of q with one of k and v."""

    def order(values: Floats) -> Floats:
        apart = values.reshape(*values.shape[:-1], groups, queries + 2, head_size)
        parts = (apart[..., :queries, :], apart[..., queries, :], apart[..., queries + 1, :])
        return np.concatenate([p.reshape(*values.shape[:-1], -1) for p in parts], axis=-1)

    return Linear(order(linear.weight), None if linear.bias is None else order(linear.bias))
