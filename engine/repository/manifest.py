"""A manifest: what a stored model is, where it came from, and the checksums of its files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

from augursql.errors import ModelError

FORMAT = 1
POOLINGS = ("mean", "cls", "last")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Variant:
    """The model in another precision: its file, and how near it is to fp32.

    `cosine` is the mean cosine similarity to fp32 on the calibration sentences. A variant whose
    `sha256` is empty was tried, was too far from fp32, and has no file.
    """

    file: str
    sha256: str
    cosine: float

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"file": self.file, "sha256": self.sha256, "cosine": self.cosine})

    @classmethod
    def from_json(cls, text: str) -> "Variant":
        """The variant that `to_json` wrote. Raises ModelError."""
        fields = _fields(text)
        file, digest, cosine = fields.get("file"), fields.get("sha256"), fields.get("cosine")
        if not isinstance(file, str) or not isinstance(digest, str):
            raise _unreadable("a variant lacks its file")
        if isinstance(cosine, bool) or not isinstance(cosine, int | float):
            raise _unreadable("a variant lacks its cosine")
        return cls(file, digest, float(cosine))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stored model is.

    `source` is a hub id, a folder or a file; `revision` pins its content; `architecture` is the
    configuration's `model_type`; `dimensions` is the length of a vector and `max_tokens` that of
    the longest input, special tokens included; `files` maps names inside the folder to sha256.
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
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name this content; variants do not count."""
        return sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The manifest without its variants, which have files of their own."""
        names = [name for name in self.__dataclass_fields__ if name != "variants"]
        content = {name: getattr(self, name) for name in names}
        content["files"] = dict(sorted(self.files.items()))
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
        if pooling not in POOLINGS or not all(isinstance(v, str) for v in files.values()):
            raise _unreadable("its pooling or its files are not understood")
        return cls(
            source=_typed(fields, "source", str),
            revision=_typed(fields, "revision", str),
            architecture=_typed(fields, "architecture", str),
            dimensions=_typed(fields, "dimensions", int),
            max_tokens=_typed(fields, "max_tokens", int),
            pooling=pooling,
            normalize=_typed(fields, "normalize", bool),
            license=_typed(fields, "license", str),
            files=files,
            format=version,
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
