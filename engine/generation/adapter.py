"""LoRA adapters in PEFT's format as the inputs of an adapted graph (`adapted`).

For a weight W [outputs, inputs] of the base, an adapter has A [rank, inputs] and B [outputs, rank]
and computes with W + scale * B A. A graph has its weights in another layout: q, k and v are one
product, others are split, ungrouped, scaled. What a family does to a weight's outputs it does to
those of B, too, so B takes the place of the weight, with the B of all modules of a layer in columns
of their own.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from augursql.engine.generation.alignment import AlignedSource, aligned
from augursql.engine.generation.architecture import LayerWeights
from augursql.engine.generation.config import Config, read_config
from augursql.engine.generation.families import unaligned_source
from augursql.engine.generation.weights import Floats, Tensors
from augursql.engine.repository.profile import read_object
from augursql.errors import ModelError

_FILE = "adapter_model.safetensors"
_TENSOR = re.compile(r".*?\.(\d+)\.(.+)\.lora_([AB])(?:\.default)?\.weight")
_WEIGHT = re.compile(r"(?:.*?\.)??(\d+)\.(.+)\.weight")
_CONVOLUTIONS = ("gpt2",)  # whose files have the weights [inputs, outputs]


def read_adapter(folder: Path, base: Path) -> dict[str, Floats]:
    """The inputs that put the adapter in `folder` on the model in `base`, for what it changes.

    Raises ModelError for an adapter that does not fit.
    """
    config, options = read_config(base), read_object(folder / "adapter_config.json")
    weights = Tensors(sorted(base.glob("model*.safetensors")))
    added = _Added(weights, config, _Modules(Tensors([folder / _FILE]), options))
    return _inputs(config, added)


def _inputs(config: Config, added: "_Added") -> dict[str, Floats]:
    source = unaligned_source(config, added)
    heads = aligned(source)
    found: dict[str, Floats] = {}
    for number in range(len(source.architecture.layers)):
        rows = added.modules.rows(number)
        for name, weight in _weights(source.layer(number)).items() if rows else ():
            used = np.flatnonzero(weight.any(axis=1))
            if not len(used):
                continue
            a, b = np.stack([rows[place] for place in used], axis=1), weight[used]
            if isinstance(heads, AlignedSource):
                a = heads.spread(a.T).T if name == "output" else a
                b = heads.spread(b) if name == "qkv" else b
            if not (np.isfinite(a).all() and np.isfinite(b).all()):
                raise ModelError(
                    "The adapter has weights that are not finite numbers.",
                    hint="Its training has failed: use an earlier checkpoint.",
                )
            found[f"lora.{number}.{name}.a"] = np.ascontiguousarray(a)
            found[f"lora.{number}.{name}.b"] = np.ascontiguousarray(b)
    return found


def _weights(layer: LayerWeights) -> dict[str, Floats]:
    """By the names of a graph's products."""
    named = {"qkv": layer.qkv, "output": layer.output, "up": layer.up, "down": layer.down}
    found = {name: linear.weight for name, linear in named.items()}
    return found if layer.gate is None else {**found, "gate": layer.gate.weight}


class _Modules:
    """What an adapter has for the modules of each layer, which are called by what stands behind the
    layer's number, in the order of their columns."""

    def __init__(self, tensors: Tensors, options: Mapping[str, Any]) -> None:
        self._tensors = tensors
        self._alpha = float(options.get("lora_alpha", 8))
        self._power = 0.5 if options.get("use_rslora") else 1.0
        self._names: dict[int, dict[str, dict[str, str]]] = defaultdict(dict)
        for name in tensors.names:
            told = _TENSOR.fullmatch(name)
            if told is None:
                raise ModelError(f"The adapter has the weight {name}, which is not supported.")
            layer, module, part = told.groups()
            self._names[int(layer)].setdefault(module, {})[part] = name
        self.places = {(layer, module) for layer, names in self._names.items() for module in names}

    def rows(self, layer: int) -> list[Floats]:
        """What the inputs of a layer are multiplied by, for each column."""
        pairs = self._names[layer].values()
        return [row for pair in pairs for row in self._tensors.read(pair["A"])]

    def columns(self, layer: int, module: str, outputs: int) -> Floats:
        """B, scaled, in the module's columns and zeros in the others': [outputs, columns]."""
        parts = []
        for name, pair in self._names[layer].items():
            rank = self._tensors.shape(pair["A"])[0]
            part = np.zeros((outputs, rank), np.float32)
            if name == module:
                part += self._tensors.read(pair["B"]) * np.float32(self._alpha / rank**self._power)
            parts.append(part)
        return np.concatenate(parts, axis=1) if parts else np.zeros((outputs, 0), np.float32)


class _Added:
    """The base's tensors, in whose layers each weight is what the adapter has as its B."""

    def __init__(self, base: Tensors, config: Config, modules: _Modules) -> None:
        self.modules = modules
        self._base = base
        self._convolutions = config["model_type"] in _CONVOLUTIONS
        known = {(int(t[1]), t[2]) for name in base.names if (t := _WEIGHT.fullmatch(name))}
        if unknown := sorted(modules.places - known):
            layer, module = unknown[0]
            raise ModelError(
                f"The adapter does not fit: the base has no {module} in layer {layer}."
            )

    def __contains__(self, name: str) -> bool:
        return name in self._base

    @property
    def names(self) -> list[str]:
        return self._base.names

    def shape(self, name: str) -> tuple[int, ...]:
        return self._base.shape(name)

    def read(self, name: str) -> Floats:
        told = _WEIGHT.fullmatch(name)
        if told is None or len(self.shape(name)) != 2:
            return self._base.read(name)
        outputs = self.shape(name)[1 if self._convolutions else 0]
        found = self.modules.columns(int(told[1]), told[2], outputs)
        return found.T if self._convolutions else found
