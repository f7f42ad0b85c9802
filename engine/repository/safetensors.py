"""What safetensors files say of themselves: names, types, shapes and places, without reading a
weight. The format: https://huggingface.co/docs/safetensors (a length, a JSON header, the values).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from augursql.errors import ModelError

_LONGEST_HEADER = 100_000_000
FLOATS = ("F32", "F16", "BF16")
_COUNTERS = ("I64", "I32", "BOOL")  # positions and masks that some models store beside weights


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: its type as the format names it ('BF16'), its shape, and the file in which its
    values begin at the byte `offset`."""

    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int


def tensors(files: Iterable[Path]) -> dict[str, Tensor]:
    """The tensors of all files, by name. Raises ModelError for what is not readable."""
    found: dict[str, Tensor] = {}
    for file in files:
        found |= _header(file)
    return found


def count_parameters(found: dict[str, Tensor]) -> int:
    """How many weights they are. Raises ModelError for weights that are quantised."""
    for name, tensor in found.items():
        if tensor.dtype not in (*FLOATS, *_COUNTERS):
            raise ModelError(
                f"The weight {name} is stored as {tensor.dtype}, which is not supported.",
                hint="Choose the model's safetensors in bf16, fp16 or fp32; they are quantised "
                "here for this machine.",
            )
    return sum(prod(tensor.shape) for tensor in found.values() if tensor.dtype in FLOATS)


def _header(file: Path) -> dict[str, Tensor]:
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            text = stream.read(length) if length < _LONGEST_HEADER else b""
        header = json.loads(text)
        found = {
            name: Tensor(
                str(fields["dtype"]),
                tuple(int(n) for n in fields["shape"]),
                file,
                8 + length + int(fields["data_offsets"][0]),
            )
            for name, fields in header.items()
            if name != "__metadata__"
        }
        end = max(
            (fields["data_offsets"][1] for n, fields in header.items() if n in found), default=0
        )
        if file.stat().st_size != 8 + length + end:
            raise ValueError("its size is not the one it tells")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{file.name} is not a readable safetensors file: {error}.",
            hint="It may have been copied or downloaded in part; fetch it again.",
        ) from error
    return found
