"""Which family a model belongs to, by its config.json."""

from collections.abc import Callable, Mapping
from pathlib import Path

from augursql.engine.generation.alignment import aligned
from augursql.engine.generation.architecture import Source, UnknownFamilyError
from augursql.engine.generation.checkpoint import NamedTensors
from augursql.engine.generation.config import Config, read_config
from augursql.engine.generation.falcon import FalconSource
from augursql.engine.generation.gemma import GemmaSource, WindowedGemmaSource
from augursql.engine.generation.gpt import GPT2Source, NeoXSource
from augursql.engine.generation.llama import (
    GraniteSource,
    LlamaSource,
    NormAfterSource,
    ParallelSource,
    SmolLM3Source,
)
from augursql.engine.generation.weights import Tensors
from augursql.errors import ModelError

FAMILIES: Mapping[str, Callable[[Config, NamedTensors], Source]] = {
    "llama": LlamaSource,
    "mistral": LlamaSource,
    "qwen2": LlamaSource,
    "qwen3": LlamaSource,
    "smollm3": SmolLM3Source,
    "gemma": GemmaSource,
    "gemma2": WindowedGemmaSource,
    "gemma3_text": WindowedGemmaSource,
    "phi": ParallelSource,
    "phi3": LlamaSource,
    "gpt2": GPT2Source,
    "gpt_neox": NeoXSource,
    "falcon": FalconSource,
    "granite": GraniteSource,
    "olmo2": NormAfterSource,
    "stablelm": ParallelSource,
    "starcoder2": LlamaSource,
}


def open_source(folder: Path) -> Source:
    """The weights in a folder, by their family's names.

    Raises UnknownFamilyError for families, or variants of them, that no graph is written for here,
    and ModelError for files that do not fit together.
    """
    return source_of(read_config(folder), Tensors(sorted(folder.glob("model*.safetensors"))))


def source_of(config: Config, tensors: NamedTensors) -> Source:
    """The weights as their family's files name them. Raises the same as `open_source`."""
    return aligned(unaligned_source(config, tensors))


def unaligned_source(config: Config, tensors: NamedTensors) -> Source:
    """The same with heads of the sizes that they have. Raises the same as `open_source`."""
    family = config["model_type"]
    if family not in FAMILIES:
        raise UnknownFamilyError(
            f'Language models of the family "{family}" are not known.',
            hint=f"Known: {', '.join(FAMILIES)}.",
        )
    try:
        return FAMILIES[family](config, tensors)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(
            f'The config.json of the model does not fit its family "{family}": '
            f"{type(error).__name__} {error}."
        ) from error
