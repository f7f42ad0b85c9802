"""How much disk and memory a language model needs, and whether this machine has it."""

from dataclasses import dataclass
from pathlib import Path

from augursql.engine.repository.machine import Machine, free_disk
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.request import PRECISIONS, Request
from augursql.errors import ModelError

BYTES_PER_PARAMETER = {"int4": 0.6, "int8": 1.1, "fp32": 4.0}
WORKING_BYTES = 1 << 30
"""What a model takes beside its weights: the cache of keys and values, and the batch at work."""
_SHARE_OF_INT8 = 0.5
_STORED = {"float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True)
class Size:
    """What a model's source weighs: `parameters`, and the bytes of the wanted files; `graph` says
    that they are an ONNX graph, which runs as it is."""

    parameters: int
    stored: int
    graph: bool

    @classmethod
    def of(cls, manifest: Manifest) -> "Size":
        """The size of a stored model."""
        return cls(manifest.parameters, manifest.weight_bytes, bool(manifest.graph))


def precision(dtype: str, parameters: int, machine: Machine) -> str:
    """The precision that a language model of safetensors runs in.

    'auto' is int8 where that takes up to half of the machine's memory, else int4. It asks for the
    memory that there is in all, so that the answer stays the same.
    """
    if dtype != "auto":
        return dtype
    most = machine.total * _SHARE_OF_INT8
    return "int8" if not most or _running(parameters, "int8") <= most else "int4"


def memory_needed(size: Size, dtype: str) -> int:
    """The bytes of memory that it takes to run, in a precision of BYTES_PER_PARAMETER."""
    return size.stored + WORKING_BYTES if size.graph else _running(size.parameters, dtype)


def disk_needed(size: Size, dtype: str) -> int:
    """The bytes of disk: the files, and the graph that is made of them."""
    made = 0 if size.graph else round(size.parameters * BYTES_PER_PARAMETER[dtype])
    return size.stored + made


def estimated_parameters(stored: int, stored_as: object) -> int:
    """How many parameters weights of that many bytes are, where nobody tells; `stored_as` is the
    type that config.json names."""
    return stored // _STORED.get(str(stored_as), 2)


def check_fits(source: str, size: Size, request: Request, store: Path, there: int = 0) -> None:
    """Raises ModelError, with the numbers, when disk or memory of this machine do not suffice.

    `there` bytes of the model's files are in the folder `store` already.
    """
    machine, dtype = request.machine, request.dtype
    chosen = precision(dtype if dtype in PRECISIONS else "auto", size.parameters, machine)
    disk, memory = disk_needed(size, chosen) - there, memory_needed(size, chosen)
    free = free_disk(store)
    smaller = _smaller(size, machine, free + there)
    how = "" if size.graph else f" in {chosen}"
    if disk > free:
        raise ModelError(
            f'The model "{source}" needs {gigabytes(disk)} of disk{how}, and {gigabytes(free)} are '
            f"free in {store}.",
            hint=f"{smaller}Or free some space, or choose another disk: SET augur_home = 'folder'.",
        )
    if machine.available and memory > machine.available:
        raise ModelError(
            f'The model "{source}" needs {gigabytes(memory)} of memory{how}, and '
            f"{gigabytes(machine.available)} are available.",
            hint=f"{smaller or 'No precision of it fits. '}Or close other programs, or choose a "
            "smaller model.",
        )


def gigabytes(count: int) -> str:
    """A number of bytes as one reads it."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 / 10 else f"{count / 2**20:.1f} MB"


def _running(parameters: int, dtype: str) -> int:
    return round(parameters * BYTES_PER_PARAMETER[dtype]) + WORKING_BYTES


def _smaller(size: Size, machine: Machine, free: int) -> str:
    """The largest precision that fits, as a sentence; '' where none does."""
    for dtype in () if size.graph else reversed(BYTES_PER_PARAMETER):
        fits = not machine.available or memory_needed(size, dtype) <= machine.available
        if fits and disk_needed(size, dtype) <= free:
            return f"{dtype} would fit: WITH (dtype = '{dtype}'). "
    return ""
