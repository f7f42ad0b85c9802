"""Norms in a decoder's graph."""

from augursql.engine.generation.architecture import Architecture, NormWeights
from augursql.engine.generation.graphfile import MICROSOFT, GraphFile


class Norms:
    """Writes norms of an architecture's kind, over the last axis."""

    def __init__(self, graph: GraphFile, shape: Architecture) -> None:
        self._graph = graph
        self._rms = shape.norm == "rms"
        self._epsilon = shape.norm_epsilon

    def norm(self, values: str, name: str, weights: NormWeights) -> str:
        """The norm of `values`, by its name."""
        operator = "SimplifiedLayerNormalization" if self._rms else "LayerNormalization"
        inputs = [values, *self._constants(name, weights)]
        return self._graph.add(operator, inputs, epsilon=self._epsilon, axis=-1)

    def of_sum(self, values: str, others: str, name: str, weights: NormWeights) -> tuple[str, str]:
        """The norm of a sum, and the sum."""
        operator = "SkipSimplifiedLayerNormalization" if self._rms else "SkipLayerNormalization"
        inputs = [values, others, *self._constants(name, weights)]
        normed, total = f"{name}.value", f"{name}.sum"
        outputs = [normed, "", "", total]
        self._graph.add_many(operator, inputs, outputs, domain=MICROSOFT, epsilon=self._epsilon)
        return normed, total

    def _constants(self, name: str, weights: NormWeights) -> list[str]:
        made = [self._graph.constant(name, weights.weight)]
        if weights.bias is not None:
            made.append(self._graph.constant(f"{name}.bias", weights.bias))
        return made
