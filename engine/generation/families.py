"""Which family a model belongs to, by its config.json."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from augursql.engine.generation.architecture import Source
from augursql.engine.generation.llama import LlamaSource
from augursql.engine.generation.weights import Tensors
from augursql.engine.repository.profile import read_object
from augursql.errors import ModelError

_FAMILIES: Mapping[str, Callable[[Mapping[str, Any], Tensors], Source]] = {
    "llama": LlamaSource,
    "mistral": LlamaSource,
    "qwen2": LlamaSource,
    "qwen3": LlamaSource,
}


def open_source(folder: Path) -> Source:
    """The weights in a folder, by their family's names. Raises ModelError for unknown families."""
    config = read_object(folder / "config.json")
    family = str(config.get("model_type", ""))
    if family not in _FAMILIES:
        raise ModelError(
            f'Language models of the family "{family}" are not known.',
            hint=f"Known: {', '.join(_FAMILIES)}.",
        )
    return _FAMILIES[family](config, Tensors(sorted(folder.glob("*.safetensors"))))
