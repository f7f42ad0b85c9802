"""What is asked of a source beside its name, and the machine that it is to run on."""

import re
from dataclasses import dataclass, field

from augursql.engine.repository.machine import Machine
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.store import Artifact

PRECISIONS = ("auto", "int4", "int8", "fp32")

# The hub's names of ONNX files by what stands behind 'model_', and their precision.
SUFFIXES = {
    "": "fp32",
    "fp16": "fp16",
    "int8": "int8",
    "quantized": "int8",
    "uint8": "int8",
    "q8": "int8",
    "q4": "int4",
    "bnb4": "int4",
    "q4f16": "int4",
}
_GRAPH = re.compile(r"(?:.*/)?(?:model|decoder_model_merged)(?:_(\w+))?\.onnx")


def suffix_of(graph: str) -> str | None:
    """What an ONNX file is called by: 'q4f16' of onnx/model_q4f16.onnx; None for other names."""
    found = _GRAPH.fullmatch(graph)
    return None if found is None else found[1] or ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: `revision` (commit, branch or tag; '' for the usual one), `dtype` (one of
    PRECISIONS, or what an ONNX file of the source is called by), `file`, an ONNX file by name;
    `base`, the language model that an adapter changes; `machine`, what it has to fit on.
    """

    revision: str = ""
    dtype: str = "auto"
    file: str = ""
    base: Artifact | None = None
    machine: Machine = field(default_factory=Machine)

    @property
    def by_name(self) -> bool:
        """Whether an ONNX file is named, so that safetensors are not wanted."""
        return bool(self.file) or self.dtype not in PRECISIONS

    def accepts(self, manifest: Manifest) -> bool:
        """Whether a model of the same source is what was asked for."""
        if manifest.kind != "language":
            return True
        if self.file:
            return manifest.graph == self.file
        suffix = suffix_of(manifest.graph)
        if self.by_name:
            return suffix == self.dtype
        if manifest.named:
            return False
        return not manifest.graph or self.dtype in ("auto", SUFFIXES.get(suffix or ""))
