"""Encoders: how their files come into the store's form, with an ONNX graph and tokenizer.json."""

import shutil
from pathlib import Path

from augursql.engine.repository.export import convert_tokenizer, export
from augursql.engine.repository.layout import Layout
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.profile import output_dimensions, read_profile
from augursql.engine.repository.source import file_names
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import StorageError
from augursql.types import Monitor


def admit_encoder(
    folder: Path,
    layout: Layout,
    identity: tuple[str, str],
    store: Store,
    monitor: Monitor,
    *,
    extra: str = "export",
) -> Artifact:
    """Bring the chosen files of `folder` into the store's form, exported if need be, and add them.

    `identity` is (source, revision). Raises ModelError and StorageError.
    """
    with store.scratch() as scratch:
        target = scratch / "content"
        target.mkdir()
        try:
            _assemble(folder, layout, target, monitor, extra)
        except OSError as error:
            raise StorageError(f"The model's files could not be copied: {error}.") from error
        profile = read_profile(target)
        manifest = Manifest(
            source=identity[0],
            revision=identity[1],
            architecture=profile.architecture,
            dimensions=output_dimensions(target / "model.onnx", target),
            max_tokens=profile.max_tokens,
            pooling=profile.pooling,
            normalize=profile.normalize,
            license=profile.license,
        )
        return store.add(target, manifest, adopt=True, monitor=monitor)


def _assemble(folder: Path, layout: Layout, target: Path, monitor: Monitor, extra: str) -> None:
    if layout.weights or layout.converts_tokenizer:
        # The export sees the chosen files alone: no pickle and no code is within its reach.
        with_weights = target.parent / "weights"
        _copy(folder, with_weights, [*layout.texts, *layout.tokenizer, *layout.weights])
        made = target.parent / "made"
        made.mkdir()
        if layout.weights:
            export(with_weights, made, monitor, extra=extra)
        else:
            convert_tokenizer(with_weights, made, monitor)
        _copy(made, target, [n for n in file_names(made) if _wanted(n)])
    _copy(folder, target, layout.texts)
    if not layout.converts_tokenizer:
        _copy(folder, target, layout.tokenizer)
    if layout.graph:
        shutil.copyfile(folder / layout.graph, target / "model.onnx")
        for name in layout.data:
            shutil.copyfile(folder / name, target / Path(name).name)


def _wanted(name: str) -> bool:
    return name in ("tokenizer.json", "config.json") or name.startswith("model.onnx")


def _copy(folder: Path, target: Path, names: list[str] | tuple[str, ...]) -> None:
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)
