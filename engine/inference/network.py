"""One model on one processor: a batch of token ids in, one vector per text out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.inference.pooling import normalized, pool, pooling_weights
from augursql.engine.repository.manifest import Manifest
from augursql.engine.runtime.sessions import Session
from augursql.errors import ModelError

POOL_INPUT, POOL_OUTPUT = "pool_weights", "pooled"
_STATES = ("last_hidden_state", "token_embeddings")
_INPUTS = frozenset(("input_ids", "attention_mask", "token_type_ids", "position_ids", POOL_INPUT))


class Network:
    """A session with the pooling and normalisation of its model. Thread-safe."""

    def __init__(self, session: Session, manifest: Manifest, pad_id: int) -> None:
        """Raises ModelError when the graph wants inputs that texts do not give."""
        self._session = session
        self._manifest = manifest
        self._pad_id = pad_id
        self._inputs = session.inputs
        unknown = sorted(set(self._inputs) - _INPUTS)
        if unknown or "input_ids" not in self._inputs:
            raise ModelError(
                f'The model "{manifest.source}" wants inputs that a text encoder does not have: '
                f"{', '.join(unknown) or 'no input_ids'}.",
                hint="Export it for the task feature-extraction.",
            )
        self._output, self._pooled = _choose_output(session.outputs)

    def run(self, ids: Sequence[list[int]], options: Any = None) -> NDArray[np.float32]:
        """The vectors [n, dimensions] of n texts, normalised where the model says so.

        `ids` are padded to the longest; `options` are those of `run_options`. Raises
        MemoryExhaustedError and ModelError.
        """
        filled = [i or [self._pad_id] for i in ids]
        lengths = np.array([len(i) for i in filled], dtype=np.int64)
        feeds = self._feeds(filled, lengths)
        values = self._session.run(feeds, self._output, options)
        if not self._pooled:
            weights = pooling_weights(self._manifest.pooling, lengths, int(lengths.max()))
            values = pool(values, weights)
        return normalized(values) if self._manifest.normalize else values

    def inspect(self, ids: Sequence[list[int]], names: list[str]) -> dict[str, NDArray[np.float32]]:
        """Inner values of the graph as [tokens, channels], for a model that puts them out."""
        lengths = np.array([len(i) for i in ids], dtype=np.int64)
        values = self._session.run_all(self._feeds(ids, lengths), names)
        return {n: v.reshape(-1, v.shape[-1]) for n, v in zip(names, values, strict=True)}

    def run_options(self) -> Any:
        """Options of one run; setting their `terminate` ends it early."""
        return self._session.run_options()

    def _feeds(
        self, ids: Sequence[list[int]], lengths: NDArray[np.int64]
    ) -> dict[str, NDArray[Any]]:
        shape = (len(ids), int(lengths.max()))
        tokens = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.arange(shape[1])[None, :] < lengths[:, None]
        tokens[mask] = np.concatenate([np.asarray(i, dtype=np.int64) for i in ids])
        feeds: dict[str, NDArray[Any]] = {}
        for name, kind in self._inputs.items():
            if name == "input_ids":
                feeds[name] = tokens.astype(kind, copy=False)
            elif name == "attention_mask":
                feeds[name] = mask.astype(kind)
            elif name == "token_type_ids":
                feeds[name] = np.zeros(shape, dtype=kind)
            elif name == "position_ids":
                feeds[name] = np.broadcast_to(np.arange(shape[1], dtype=kind), shape).copy()
            else:
                feeds[name] = pooling_weights(self._manifest.pooling, lengths, shape[1])
        return feeds


def add_pooling(model: Any) -> None:
    """Let an onnx.ModelProto pool by itself, with the weights [n, tokens] as one more input.

    A variant then returns one vector per text, so a GPU sends back a fraction of the bytes. A graph
    that only gives pooled vectors stays as it is.
    """
    import onnx

    graph = model.graph
    shapes = {o.name: len(o.type.tensor_type.shape.dim) for o in graph.output}
    states, pooled = _choose_output(shapes)
    if pooled:
        return
    dims = next(o for o in graph.output if o.name == states).type.tensor_type.shape.dim
    size = dims[-1].dim_value or None
    constant, node = onnx.numpy_helper.from_array, onnx.helper.make_node
    value, single = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph.initializer.append(constant(np.array([0, 1, -1], np.int64), "pool/row"))
    graph.initializer.append(constant(np.array([0, -1], np.int64), "pool/flat"))
    graph.input.append(value(POOL_INPUT, single, ["texts", "tokens"]))
    graph.node.append(node("Reshape", [POOL_INPUT, "pool/row"], ["pool/weights"]))
    graph.node.append(node("MatMul", ["pool/weights", states], ["pool/sums"]))
    graph.node.append(node("Reshape", ["pool/sums", "pool/flat"], [POOL_OUTPUT]))
    del graph.output[:]
    graph.output.append(value(POOL_OUTPUT, single, ["texts", size]))


def _choose_output(outputs: dict[str, int]) -> tuple[str, bool]:
    """The output to read, and whether it is pooled already."""
    if POOL_OUTPUT in outputs:
        return POOL_OUTPUT, True
    per_token = [name for name, axes in outputs.items() if axes == 3]
    for name in (*_STATES, *per_token):
        if name in per_token:
            return name, False
    per_text = [name for name, axes in outputs.items() if axes == 2]
    if not per_text:
        raise ModelError(
            "The model's graph gives no vectors per token or per text.",
            hint="Export it for the task feature-extraction.",
        )
    return "sentence_embedding" if "sentence_embedding" in per_text else per_text[0], True
