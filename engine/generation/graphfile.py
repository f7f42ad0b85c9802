"""An ONNX graph that is written to disk while it is made: its tensors never lie in memory together.

`model.onnx` holds the nodes, `model.onnx.data` the tensors, which ONNX Runtime maps into memory.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.errors import ModelError, StorageError

GRAPH, DATA = "model.onnx", "model.onnx.data"
MICROSOFT = "com.microsoft"
PRODUCTS = "augursql.products"
_OPSET = 21
_IR_VERSION = 10
_INLINE_BYTES = 1024
_PAGE = 4096


class GraphFile:
    """Collects nodes, and appends tensors to the data file. Use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        import onnx

        self._onnx = onnx
        self._folder = folder
        self._nodes: list[Any] = []
        self._tensors: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._products: dict[str, dict[str, Any]] = {}
        self._offset = 0
        self._names = 0

    def __enter__(self) -> "GraphFile":
        try:
            self._data = (self._folder / DATA).open("wb")
        except OSError as error:
            raise _unwritable(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._data.close()

    def input(self, name: str, type_: str, shape: Sequence[int | str]) -> str:
        """An input of type 'float', 'int64' or 'int32'; names stand for sizes that vary."""
        self._inputs.append(self._described(name, type_, shape))
        return name

    def output(self, name: str, type_: str, shape: Sequence[int | str]) -> None:
        self._outputs.append(self._described(name, type_, shape))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A tensor of that name, written once. Raises StorageError when the disk is full."""
        if name in self._tensors:
            return name
        value = np.ascontiguousarray(value)
        if value.nbytes <= _INLINE_BYTES:
            self._tensors[name] = self._onnx.numpy_helper.from_array(value, name)
            return name
        helper, proto = self._onnx.helper, self._onnx.TensorProto
        tensor = proto(name=name, data_type=helper.np_dtype_to_tensor_dtype(value.dtype))
        tensor.dims.extend(value.shape)
        tensor.data_location = proto.EXTERNAL
        padding = -self._offset % _PAGE
        try:
            self._data.write(b"\0" * padding)
            self._data.write(value.data.cast("B"))
        except OSError as error:
            raise _unwritable(error) from error
        self._offset += padding
        place = {"location": DATA, "offset": self._offset, "length": value.nbytes}
        for key, number in place.items():
            tensor.external_data.add(key=key, value=str(number))
        self._offset += value.nbytes
        self._tensors[name] = tensor
        return name

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str = "",
        *,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """A node with one output, whose name is returned."""
        self._names += 1
        made = output or f"{operator}_{self._names}"
        self.add_many(operator, inputs, [made], domain=domain, **attributes)
        return made

    def add_many(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        domain: str = "",
        **attributes: Any,
    ) -> None:
        """A node with the given outputs; '' for one that is not wanted."""
        make = self._onnx.helper.make_node
        self._nodes.append(make(operator, inputs, outputs, domain=domain, **attributes))

    def product(self, name: str, rows: str, made: str, inputs: int, outputs: int) -> None:
        """Notes that `made` is a product of `rows`, for those who add to it (`adapted`)."""
        sizes = {"inputs": inputs, "outputs": outputs}
        self._products[name] = {"rows": rows, "made": made, **sizes}

    def save(self) -> None:
        """Writes the graph. Raises StorageError and ModelError."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "decoder", self._inputs, self._outputs, list(self._tensors.values())
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        helper.set_model_props(model, {PRODUCTS: json.dumps(self._products)})
        try:
            self._data.flush()
            (self._folder / GRAPH).write_bytes(model.SerializeToString())
        except OSError as error:
            raise _unwritable(error) from error
        except ValueError as error:  # protobuf ends at 2 GB
            raise ModelError(f"The model's graph is too large: {error}") from error

    def _described(self, name: str, type_: str, shape: Sequence[int | str]) -> Any:
        kind = getattr(self._onnx.TensorProto, type_.upper())
        return self._onnx.helper.make_tensor_value_info(name, kind, list(shape))


def _unwritable(error: OSError) -> StorageError:
    return StorageError(
        f"The model's graph cannot be written: {error.strerror or error}.",
        hint="Free some space, or SET augur_home = 'folder' on another disk.",
    )
