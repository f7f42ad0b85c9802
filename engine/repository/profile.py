"""What a model's own files say about its vectors: pooling, normalisation, length, dimensions.

The layout is that of sentence-transformers: `modules.json` lists the steps from tokens to vector,
each with a folder of its own. A model without it is a bare transformer, and gets what that library
would give it: mean pooling, normalised here because similarity is cosine everywhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from augursql.errors import ModelError

LONGEST = 8192
_UNSET_LENGTH = 1_000_000
# Their position table starts after the padding index, so two of its rows are never a position.
_OFFSET_POSITIONS = frozenset(
    ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "xmod", "data2vec-text")
)
_POOLINGS = {"mean_tokens": "mean", "cls_token": "cls", "lasttoken": "last"}


@dataclass(frozen=True, slots=True)
class Profile:
    """How a model's token vectors become one vector, and how long its inputs may be."""

    architecture: str
    max_tokens: int
    pooling: str
    normalize: bool
    license: str


def read_profile(folder: Path) -> Profile:
    """Read the configuration files in `folder`. Raises ModelError for what is not supported."""
    config = read_object(folder / "config.json")
    pooling, normalize = _steps(folder)
    return Profile(
        architecture=str(config.get("model_type", "unknown")),
        max_tokens=_max_tokens(folder, config),
        pooling=pooling,
        normalize=normalize,
        license=read_license(folder / "README.md"),
    )


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in `path`, {} when there is no such file. Raises ModelError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} of the model is not readable JSON: {path}.") from error
    return content if isinstance(content, dict) else {"modules": content}


def output_dimensions(onnx_file: Path, folder: Path) -> int:
    """The length of the vectors, from the graph's output shape, else from config.json."""
    import onnx

    try:
        graph = onnx.load(str(onnx_file), load_external_data=False).graph
    except Exception as error:  # protobuf's errors have no common base
        raise ModelError(f"{onnx_file} is not a readable ONNX file.") from error
    for output in graph.output:
        sizes = output.type.tensor_type.shape.dim
        if len(sizes) in (2, 3) and sizes[-1].dim_value > 0:
            return int(sizes[-1].dim_value)
    config = read_object(folder / "config.json")
    for name in ("hidden_size", "dim", "d_model", "n_embd"):
        if isinstance(config.get(name), int):
            return int(config[name])
    raise ModelError(f"The length of the vectors of {onnx_file} is not known.")


def _steps(folder: Path) -> tuple[str, bool]:
    modules = read_object(folder / "modules.json").get("modules")
    if not modules:
        return "mean", True
    pooling, normalize = "mean", False
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _pooling(folder / str(module.get("path", "1_Pooling")))
        elif kind == "Normalize":
            normalize = True
        elif kind not in ("Transformer", "Dropout"):
            raise ModelError(
                f'The model has a "{kind}" step after its transformer, which is not supported.',
                hint="Choose a model whose modules.json has Transformer, Pooling and Normalize.",
            )
    return pooling, normalize


def _pooling(folder: Path) -> str:
    config = read_object(folder / "config.json")
    named = config.get("pooling_mode")
    chosen = [named] if isinstance(named, str) else []
    prefix = "pooling_mode_"
    config = {key: value for key, value in config.items() if key.startswith(prefix)}
    chosen += [
        k.removeprefix(prefix) for k, v in config.items() if k.startswith(prefix) and v is True
    ]
    known = {_POOLINGS.get(mode, mode) for mode in chosen} or {"mean"}
    if len(known) > 1 or not known <= set(_POOLINGS.values()):
        raise ModelError(
            f"The model pools by {' and '.join(sorted(known))}, which is not supported.",
            hint="Supported: mean of the tokens, first (CLS) token, last token.",
        )
    return known.pop()


def _max_tokens(folder: Path, config: Mapping[str, Any]) -> int:
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in _OFFSET_POSITIONS:
        positions -= 2
    sentence = read_object(folder / "sentence_bert_config.json").get("max_seq_length")
    tokenizer = read_object(folder / "tokenizer_config.json").get("model_max_length")
    bounds = [LONGEST]
    bounds += [positions] if isinstance(positions, int) and positions > 0 else []
    bounds += [int(value) for value in (sentence, tokenizer) if _is_length(value)][:1]
    return min(bounds)


def _is_length(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and 0 < value < _UNSET_LENGTH


def read_license(readme: Path) -> str:
    """The license that a model's card names, 'unknown' where it names none."""
    try:
        head = readme.read_text(encoding="utf-8", errors="replace")[:4000]
    except OSError:
        return "unknown"
    card = head.split("---")[1] if head.startswith("---") else ""
    found = re.search(r"^license:\s*['\"]?([\w.+-]+)", card, re.MULTILINE)
    return found.group(1) if found else "unknown"
