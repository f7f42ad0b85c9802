"""The files beside an ONNX file that hold its tensors, as the file itself names them.

An ONNX file may name any file of the machine as the place of a tensor, and not every version of
ONNX Runtime refuses that. A model of others could so read what is not its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from augursql.errors import ModelError


def check_external(graph: Path) -> None:
    """Raises ModelError for a graph that takes tensors from another folder, or is not readable."""
    import onnx

    try:
        model = onnx.load(graph, load_external_data=False)
    except Exception as error:  # protobuf's errors have no common base
        raise ModelError(f"{graph} is not a readable ONNX file.") from error
    functions = (node for function in model.functions for node in function.node)
    for tensor in (*_tensors(model.graph), *_of_nodes(functions)):
        for entry in tensor.external_data:
            if entry.key == "location" and not _is_beside(entry.value):
                raise ModelError(
                    f"{graph.name} of the model wants tensors from {entry.value}, which is not in "
                    "its folder.",
                    hint="Nothing was read there. Such a file is broken, or is meant to do harm.",
                )


def _is_beside(location: str) -> bool:
    return location not in ("", ".", "..") and not any(sign in location for sign in "/\\:\0")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)
