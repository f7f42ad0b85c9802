"""Language models: which files are wanted, and how they come into the store.

Safetensors are preferred, because graphs built from them here are faster than those that others
exported; an ONNX file is taken when it is named, or when the model's family is not known.
"""

import os
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from augursql.engine.repository.export import convert_tokenizer
from augursql.engine.repository.kinds import FAMILIES, context_of
from augursql.engine.repository.layout import Layout, chosen_tokenizer, nothing_usable
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.profile import read_license, read_object
from augursql.engine.repository.request import PRECISIONS, SUFFIXES, Request, suffix_of
from augursql.engine.repository.safetensors import count_parameters, tensors
from augursql.engine.repository.source import Source
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, NameNotFoundError, StorageError, candidates
from augursql.types import Monitor

_TEXTS = frozenset(
    (
        "config.json",
        "generation_config.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "chat_template.jinja",
        "chat_template.json",
        "README.md",
    )
)
_WEIGHTS = re.compile(r"model-\d+-of-(\d+)\.safetensors")
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_DATA = re.compile(r"[._]data(_\d+)?")
_BLOCK = 1 << 24
# Without a wish: on a CPU what runs fast and is near, on a GPU what it was made for.
_ORDER = ("q4", "int8", "quantized", "uint8", "q8", "bnb4", "", "fp16", "q4f16")


def choose_language_files(
    source: str, names: Collection[str], config: Mapping[str, Any], request: Request
) -> Layout:
    """Choose among the files of the language model `source`.

    Raises ModelError when it cannot be used, NameNotFoundError for a file that it has not.
    """
    present = set(names)
    graph, weights = _graph(source, present, config, request), tuple[str, ...]()
    if not graph:
        weights = _weights(source, present)
        _check_unquantized(source, config)
    return Layout(
        graph=graph,
        data=_beside(graph, present) if graph else (),
        weights=weights,
        tokenizer=chosen_tokenizer(source, present),
        texts=tuple(sorted(present & _TEXTS)),
    )


def admit_language_model(
    source: Source, layout: Layout, request: Request, store: Store, monitor: Monitor
) -> Artifact:
    """Bring the chosen files of a source into the store, as they are.

    Raises ModelError and StorageError.
    """
    with store.scratch() as scratch:
        target = scratch / "content"
        target.mkdir()
        try:
            if layout.converts_tokenizer:
                _convert(source.folder, layout, target, scratch, monitor)
            converted = layout.tokenizer if layout.converts_tokenizer else ()
            kept = [name for name in layout.names if name not in converted]
            place_files(source.folder, target, kept, monitor, link=source.link)
        except OSError as error:
            raise StorageError(f"The model's files could not be copied: {error}.") from error
        config = read_object(target / "config.json")
        large = layout.weights or (layout.graph, *layout.data)
        manifest = Manifest(
            source=source.name,
            revision=source.revision,
            architecture=str(config.get("model_type", "unknown")),
            dimensions=0,
            max_tokens=context_of(config),
            pooling="",
            normalize=False,
            license=read_license(target / "README.md"),
            kind="language",
            parameters=_parameters(target, layout),
            weight_bytes=sum((target / name).stat().st_size for name in large),
            graph=layout.graph,
            named=request.by_name,
        )
        return store.add(target, manifest, adopt=True, monitor=monitor)


def place_files(
    folder: Path, target: Path, names: Collection[str], monitor: Monitor, *, link: bool = False
) -> None:
    """Copy files, with progress in megabytes; stops when it is cancelled.

    `link` shares them with a folder on the same disk instead, where that can be done.
    """
    total = sum((folder / name).stat().st_size for name in names)
    monitor.begin("Storing the model (MB)", max(1, total >> 20))
    try:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            if not (link and _linked(folder / name, target / name)):
                _copy(folder / name, target / name, monitor)
    finally:
        monitor.end()


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source.resolve(), target)
    except OSError:  # a disk without such links
        return False
    return True


def _copy(source: Path, target: Path, monitor: Monitor) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(_BLOCK):
            monitor.check()
            write.write(block)
            monitor.advance(len(block) >> 20)


def _convert(folder: Path, layout: Layout, target: Path, scratch: Path, monitor: Monitor) -> None:
    """Make tokenizer.json of the older files; the conversion sees nothing but these."""
    given, made = scratch / "given", scratch / "made"
    made.mkdir()
    texts = [name for name in layout.texts if name != "README.md"]
    place_files(folder, given, [*texts, *layout.tokenizer], monitor)
    convert_tokenizer(given, made, monitor)
    shutil.copyfile(made / "tokenizer.json", target / "tokenizer.json")


def _parameters(folder: Path, layout: Layout) -> int:
    found = tensors(folder / n for n in layout.weights if n.endswith(".safetensors"))
    listed = read_object(folder / _INDEX).get("weight_map", {}) if _INDEX in layout.weights else {}
    missing = next((name for name in listed if name not in found), None)
    if missing is not None:
        raise ModelError(f"The model's index lists the weight {missing}, which no file has.")
    return count_parameters(found)


def _graph(source: str, present: set[str], config: Mapping[str, Any], request: Request) -> str:
    """The ONNX file to run, '' where safetensors are wanted."""
    graphs = sorted(name for name in present if name.endswith(".onnx"))
    if request.file:
        if request.file not in graphs:
            raise NameNotFoundError(
                f'The model "{source}" has no ONNX file "{request.file}".',
                hint=candidates(request.file, graphs),
            )
        return request.file
    called = _called(graphs)
    if request.by_name:
        if request.dtype not in called:
            raise NameNotFoundError(
                f'"{request.dtype}" is no precision, and the model "{source}" has no ONNX file '
                "that is called so.",
                hint=candidates(request.dtype, [*PRECISIONS, *filter(None, called)]),
            )
        return called[request.dtype]
    has_weights = _WHOLE in present or any(_WEIGHTS.fullmatch(name) for name in present)
    if has_weights and (config.get("model_type") in FAMILIES or not called):
        return ""
    if not called:
        raise nothing_usable(source, present)
    for suffix in _ORDER:
        if suffix in called and request.dtype in ("auto", SUFFIXES[suffix]):
            return called[suffix]
    if has_weights:
        return ""
    raise ModelError(
        f'The model "{source}" has no ONNX file in {request.dtype}.',
        hint=f"It has {', '.join(called.values())}: WITH (file = '...') chooses one.",
    )


def _called(graphs: list[str]) -> dict[str, str]:
    """ONNX files by what they are called by; those in the folder onnx/ come first."""
    found: dict[str, str] = {}
    for name in sorted(graphs, key=lambda n: (not n.startswith("onnx/"), "merged" in n, n)):
        suffix = suffix_of(name)
        if suffix is not None and name.count("/") < 2:
            found.setdefault(suffix, name)
    return found


def _beside(graph: str, present: set[str]) -> tuple[str, ...]:
    """The files with the graph's tensors, and the encoder of a merged decoder."""
    graphs = [graph]
    if "decoder_model_merged" in graph:
        graphs += [
            g for g in [graph.replace("decoder_model_merged", "encoder_model")] if g in present
        ]
    data = (n for g in graphs for n in present if n.startswith(g) and _DATA.fullmatch(n[len(g) :]))
    return tuple(sorted([*data, *graphs[1:]]))


def _weights(source: str, present: set[str]) -> tuple[str, ...]:
    if _WHOLE in present:
        return (_WHOLE,)
    parts = sorted(name for name in present if _WEIGHTS.fullmatch(name))
    told = {int(found[1]) for name in parts if (found := _WEIGHTS.fullmatch(name))}
    if not parts:
        raise nothing_usable(source, present)
    if told != {len(parts)} or _INDEX not in present:
        raise ModelError(
            f'The model "{source}" lacks some of its files: {len(parts)} of {max(told)} parts '
            f"of its weights are there, {'with' if _INDEX in present else 'without'} {_INDEX}."
        )
    return (*parts, _INDEX)


def _check_unquantized(source: str, config: Mapping[str, Any]) -> None:
    quantized = config.get("quantization_config")
    if isinstance(quantized, dict):
        method = quantized.get("quant_method", "another program")
        raise ModelError(
            f'The weights of "{source}" were quantised by {method}, which is not supported.',
            hint="Choose the model they were made from; it is quantised here for this machine.",
        )
