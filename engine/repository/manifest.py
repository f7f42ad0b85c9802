"""A manifest: what a stored model is, where it came from, and the checksums of its files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal, TypeVar, get_args

from augursql.errors import ModelError

Kind = Literal["encoder", "language", "adapter"]

FORMAT = 2
# What is no encoder is written in the format that older versions refuse to read.
_ENCODERS_FORMAT = 1
_BEYOND_ENCODERS = frozenset(("kind", "parameters", "weight_bytes", "graph", "named", "base"))
POOLINGS = ("mean", "cls", "last")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Variant:
    """The model in another precision: its file, and how near it is to fp32.

    `file` is the ONNX graph; `others` maps the files beside it, such as its tensors, to sha256. All
    names are relative to the model's folder. `cosine` is the mean cosine similarity to fp32 of
    what it gives. A variant whose `sha256` is empty was tried, was too far from fp32, and has no
    file.
    """

    file: str
    sha256: str
    cosine: float
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """All its files, with their sha256."""
        return {self.file: self.sha256, **self.others} if self.sha256 else {}

    def to_json(self) -> str:
        """One JSON object."""
        others = {"others": dict(sorted(self.others.items()))} if self.others else {}
        content = {"file": self.file, "sha256": self.sha256, "cosine": self.cosine, **others}
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> "Variant":
        """The variant that `to_json` wrote. Raises ModelError."""
        fields = _fields(text)
        file, digest, cosine = fields.get("file"), fields.get("sha256"), fields.get("cosine")
        if not isinstance(file, str) or not isinstance(digest, str):
            raise _unreadable("a variant lacks its file")
        if isinstance(cosine, bool) or not isinstance(cosine, int | float):
            raise _unreadable("a variant lacks its cosine")
        others = fields.get("others", {})
        if not isinstance(others, dict) or not all(isinstance(v, str) for v in others.values()):
            raise _unreadable("a variant's files are not understood")
        return cls(file, digest, float(cosine), others)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stored model is.

    `source` is a hub id, a folder or a file; `revision` pins its content; `architecture` is the
    configuration's `model_type`; `dimensions` is the length of a vector and `max_tokens` that of
    the longest input, special tokens included; `files` maps names inside the folder to sha256.

    A language model (`kind`) makes no vectors: `dimensions` is 0, and `max_tokens` its context,
    prompt and answer together. `parameters` counts its weights (0: not known), which take
    `weight_bytes`; `graph` is its ONNX file, '' where it has safetensors; `named` says that its
    user chose that file. An adapter has the weights of its own, and the `base` it was trained on.
    """

    source: str
    revision: str
    architecture: str
    dimensions: int
    max_tokens: int
    pooling: str
    normalize: bool
    license: str
    files: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
    kind: Kind = "encoder"
    parameters: int = 0
    weight_bytes: int = 0
    graph: str = ""
    named: bool = False
    base: str = ""

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name this content; variants do not count."""
        return sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The manifest without its variants, which have files of their own."""
        encoder = self.kind == "encoder"
        left_out = {"variants"} | (_BEYOND_ENCODERS if encoder else set())
        names = [name for name in self.__dataclass_fields__ if name not in left_out]
        content = {name: getattr(self, name) for name in names}
        content["files"] = dict(sorted(self.files.items()))
        content["format"] = _ENCODERS_FORMAT if encoder else FORMAT
        return json.dumps(content, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """The manifest that `to_json` wrote; fields it does not know are ignored.

        Raises ModelError when a field is missing or of a wrong type, or the format is newer.
        """
        fields = _fields(text)
        version = _typed(fields, "format", int)
        if version > FORMAT:
            raise _unreadable(f"it has format {version}, this version reads up to {FORMAT}")
        files = _typed(fields, "files", dict)
        pooling = _typed(fields, "pooling", str)
        kind = fields.get("kind", "encoder")
        if kind not in get_args(Kind) or not all(isinstance(v, str) for v in files.values()):
            raise _unreadable("its kind or its files are not understood")
        if kind == "encoder" and pooling not in POOLINGS:
            raise _unreadable("its pooling is not understood")
        read = cls(
            source=_typed(fields, "source", str),
            revision=_typed(fields, "revision", str),
            architecture=_typed(fields, "architecture", str),
            dimensions=_typed(fields, "dimensions", int),
            max_tokens=_typed(fields, "max_tokens", int),
            pooling=pooling,
            normalize=_typed(fields, "normalize", bool),
            license=_typed(fields, "license", str),
            files=files,
        )
        if kind == "encoder":
            return read
        return replace(
            read,
            kind=kind,
            parameters=_typed(fields, "parameters", int),
            weight_bytes=_typed(fields, "weight_bytes", int),
            graph=_typed(fields, "graph", str),
            named=_typed(fields, "named", bool),
            base=_typed(fields, "base", str),
        )

    def with_variants(self, variants: Mapping[str, Variant]) -> "Manifest":
        """This manifest with `variants`."""
        return replace(self, variants=dict(variants))


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise _unreadable("it is not JSON") from error
    if not isinstance(fields, dict):
        raise _unreadable("it is not an object")
    return fields


def _typed(fields: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = fields.get(name)
    if type(value) is not kind:
        raise _unreadable(f'"{name}" is missing or not a {kind.__name__}')
    return value


def _unreadable(why: str) -> ModelError:
    return ModelError(
        f"A model's manifest cannot be read: {why}.",
        hint="Delete the model's folder in the model store; it is fetched again when needed.",
    )
