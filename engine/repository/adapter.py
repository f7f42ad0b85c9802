"""LoRA adapters in PEFT's format: small trained weights that change a language model.

For a weight W of the base, an adapter has A [rank, inputs] and B [outputs, rank]; the model then
computes with W + scale * B A (Hu et al., 2021). What changes more than such products is refused.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augursql.engine.repository.kinds import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from augursql.engine.repository.language import place_files
from augursql.engine.repository.layout import Layout, nothing_usable
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.profile import read_license, read_object
from augursql.engine.repository.safetensors import Tensor, count_parameters, tensors
from augursql.engine.repository.source import Source
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import InvalidValueError, ModelError, StorageError
from augursql.types import Monitor

_TENSOR = re.compile(r"base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight")
_MODULES = frozenset(
    # Llama and its relatives; Phi; Phi-3; GPT-2; Falcon and GPT-NeoX; T5
    "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj "
    "fc1 fc2 "
    "qkv_proj gate_up_proj "
    "c_attn c_proj c_fc "
    "query_key_value dense dense_h_to_4h dense_4h_to_h "
    "q k v o wi wi_0 wi_1 wo".split()
)
# What an adapter's configuration may say, and what it means if it does.
_REFUSED = {
    "use_dora": "DoRA, which rescales whole weights",
    "modules_to_save": "modules_to_save: layers that were trained whole",
    "lora_bias": "lora_bias: biases in its products",
    "layer_replication": "layer_replication: layers of the base that are repeated",
    "trainable_token_indices": "trainable_token_indices: embeddings of tokens",
    "target_parameters": "target_parameters: weights without a layer of their own",
    "rank_pattern": "rank_pattern: another rank for some layers",
    "alpha_pattern": "alpha_pattern: another scale for some layers",
    "alora_invocation_tokens": "aLoRA, which begins in the middle of a text",
}


def choose_adapter_files(source: str, names: set[str]) -> Layout:
    """The files of an adapter. Raises ModelError where its weights are no safetensors."""
    if ADAPTER_WEIGHTS not in names:
        if any(name.endswith(".bin") for name in names):
            raise nothing_usable(source, names)
        raise ModelError(f'The adapter "{source}" has no {ADAPTER_WEIGHTS}.')
    texts = tuple(sorted(names & {ADAPTER_CONFIG, "README.md"}))
    return Layout("", (), (ADAPTER_WEIGHTS,), (), texts)


def admit_adapter(
    source: Source, layout: Layout, base: Artifact | None, store: Store, monitor: Monitor
) -> Artifact:
    """Check an adapter against its `base` and bring it into the store.

    Raises ModelError, InvalidValueError and StorageError.
    """
    if base is not None:
        check_adapter(source.folder, source.name, base)
    with store.scratch() as scratch:
        target = scratch / "content"
        target.mkdir()
        try:
            place_files(source.folder, target, layout.names, monitor, link=source.link)
        except OSError as error:
            raise StorageError(f"The adapter's files could not be copied: {error}.") from error
        config = read_object(target / ADAPTER_CONFIG)
        weights = target / ADAPTER_WEIGHTS
        manifest = Manifest(
            source=source.name,
            revision=source.revision,
            architecture="lora",
            dimensions=0,
            max_tokens=0,
            pooling="",
            normalize=False,
            license=read_license(target / "README.md"),
            kind="adapter",
            parameters=count_parameters(tensors([weights])),
            weight_bytes=weights.stat().st_size,
            base=str(config.get("base_model_name_or_path") or ""),
        )
        return store.add(target, manifest, adopt=True, monitor=monitor)


def check_adapter(folder: Path, source: str, base: Artifact) -> None:
    """Raises InvalidValueError for a base that is no language model, and ModelError for an adapter
    that is not supported or does not fit its base."""
    if base.manifest.kind != "language":
        raise InvalidValueError(
            f'The base of an adapter is a language model; "{base.manifest.source}" is an '
            f"{base.manifest.kind}."
        )
    config = read_object(folder / ADAPTER_CONFIG)
    _check_configuration(source, config)
    if base.manifest.graph:
        raise ModelError(
            f'The adapter "{source}" cannot change an ONNX file, which is what '
            f'"{base.manifest.source}" was deployed from.',
            hint="Deploy the base from its safetensors: leave out file and dtype.",
        )
    _check_shapes(source, config, tensors([folder / ADAPTER_WEIGHTS]), tensors(base.weights))


def _check_configuration(source: str, config: Mapping[str, Any]) -> None:
    kind = config.get("peft_type")
    refused = [text for key, text in _REFUSED.items() if config.get(key)]
    if kind != "LORA":
        refused.insert(0, f"the method {kind}")
    if config.get("bias", "none") != "none":
        refused.append(f"bias = '{config['bias']}': trained biases")
    if config.get("task_type") not in (None, "CAUSAL_LM", "SEQ_2_SEQ_LM"):
        refused.append(f"the task {config['task_type']}")
    if refused:
        raise ModelError(
            f'The adapter "{source}" uses {refused[0]}, which is not supported.',
            hint="Supported are plain LoRA adapters of language models.",
        )


def _check_shapes(
    source: str,
    config: Mapping[str, Any],
    adapter: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
) -> None:
    count_parameters(dict(adapter))
    pairs: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in adapter.items():
        found = _TENSOR.fullmatch(name)
        if found is None or found[1].rpartition(".")[2] not in _MODULES:
            raise ModelError(
                f'The adapter "{source}" has the weight {name}, which is not supported.'
            )
        pairs.setdefault(found[1], {})[found[2]] = tensor.shape
    if not pairs:
        raise ModelError(f'The adapter "{source}" has no weights.')
    # Checkpoints name the same layer with and without what stands around the layers.
    layers = {name.removesuffix(".weight"): tensor.shape for name, tensor in base.items()}
    ends = Counter(map(_end, layers))
    by_end = {_end(name): shape for name, shape in layers.items() if ends[_end(name)] == 1}
    for layer, pair in pairs.items():
        rank, shape = config.get("r"), layers.get(layer) or by_end.get(_end(layer))
        if shape is None or not _fits(pair, rank, shape):
            told = "has no such layer" if shape is None else f"has {_times(shape)} there"
            raise ModelError(
                f'The adapter "{source}" does not fit: it changes {layer} by products of '
                f"{' and '.join(_times(s) for s in pair.values())} (rank {rank}), and the base "
                f"{told}.",
                hint=f"It was made for {config.get('base_model_name_or_path') or 'another model'}.",
            )


def _fits(pair: Mapping[str, tuple[int, ...]], rank: object, shape: tuple[int, ...]) -> bool:
    """A is [rank, inputs], B is [outputs, rank]; GPT-2 keeps its weights as [inputs, outputs]."""
    if set(pair) != {"A", "B"} or any(len(s) != 2 for s in (*pair.values(), shape)):
        return False
    (a_rank, inputs), (outputs, b_rank) = pair["A"], pair["B"]
    return a_rank == b_rank == rank and shape in ((outputs, inputs), (inputs, outputs))


def _end(layer: str) -> str:
    """A layer's name from its number on: 'layers.3.mlp.up_proj'."""
    found = re.search(r"[^.]+\.\d+\..*", layer)
    return found[0] if found else layer


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
