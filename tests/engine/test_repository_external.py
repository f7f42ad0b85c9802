"""ONNX files of others name the files of their tensors, and may name only those beside them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from augursql.engine.repository.external import check_external
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Store
from augursql.errors import ModelError
from augursql.types import SilentMonitor
from tests.language_models import write_language_model


def outside(location: str) -> onnx.TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def write(path: Path, tensor: onnx.TensorProto, place: str = "initializer") -> Path:
    """A graph with the tensor as an initializer, the value of a node, or inside of a branch."""
    graph = helper.make_graph([], "graph", [], [])
    if place == "initializer":
        graph.initializer.append(tensor)
    else:
        graph.node.append(helper.make_node("Constant", [], ["w"], value=tensor))
    if place == "branch":
        graph = helper.make_graph(
            [helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)],
            "g",
            [],
            [],
        )
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("place", ["initializer", "node", "branch"])
@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret", "a/../../secret", "..", "C:secret", "..\\secret"]
)
def test_tensors_of_other_folders_are_refused(tmp_path: Path, location: str, place: str) -> None:
    with pytest.raises(ModelError, match="not in its folder"):
        check_external(write(tmp_path / "model.onnx", outside(location), place))


def test_tensors_beside_the_graph_and_inside_of_it_are_taken(tmp_path: Path) -> None:
    check_external(write(tmp_path / "model.onnx", outside("model.onnx_data")))
    inside = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    check_external(write(tmp_path / "model.onnx", inside))


def test_a_model_with_such_a_file_is_not_stored(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "lm", graphs=True)
    (tmp_path / "secret").write_bytes(bytes(16))
    write(folder / "onnx" / "model_q4.onnx", outside("../../secret"))
    store = Store(tmp_path / "models")
    with pytest.raises(ModelError, match="not in its folder"):
        obtain(str(folder / "onnx" / "model_q4.onnx"), store, offline=True, monitor=SilentMonitor())
    assert store.list() == []
