"""Tensors of a model's safetensors files, read from disk one by one, as float32."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augursql.engine.repository.safetensors import Tensor, tensors
from augursql.errors import ModelError

Floats = NDArray[np.float32]
_TYPES: dict[str, type[np.generic]] = {
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "F64": np.float64,
}


class Tensors:
    """The named tensors in all safetensors files of a folder; only what is asked for is read."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Raises ModelError for a file that is not in this format."""
        self._places = tensors(files)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    @property
    def names(self) -> list[str]:
        return sorted(self._places)

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises ModelError when there is no such tensor."""
        return self._place(name).shape

    def read(self, name: str) -> Floats:
        """A tensor as float32, a copy. Raises ModelError when it is not there or has no floats."""
        place = self._place(name)
        if place.dtype not in _TYPES:
            raise ModelError(
                f'The tensor "{name}" is stored as {place.dtype}, which is not supported.',
                hint="Weights are float32, float16 or bfloat16: take the model that is not "
                "quantised; it is made smaller here.",
            )
        kind = _TYPES[place.dtype]
        try:
            raw = np.memmap(place.file, kind, "r", place.offset, place.shape or (1,))
        except (OSError, ValueError) as error:
            raise ModelError(f"{place.file.name} of the model is cut off or unreadable.") from error
        if place.dtype == "BF16":
            widened = raw.astype(np.uint32)
            widened <<= 16
            return widened.view(np.float32).reshape(place.shape)
        return np.array(raw, dtype=np.float32).reshape(place.shape)

    def _place(self, name: str) -> Tensor:
        if name not in self._places:
            raise ModelError(
                f'The model has no tensor "{name}".',
                hint="Its weights and its config.json do not belong together.",
            )
        return self._places[name]
