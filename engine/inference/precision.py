"""Precision variants: made once from fp32, compared with it, kept only when they are near it."""

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.inference.batching import pack
from augursql.engine.inference.calibration import FITTING, JUDGING
from augursql.engine.inference.int8 import product_inputs, quantize
from augursql.engine.inference.network import Network, add_pooling
from augursql.engine.inference.ranges import fixed_forms
from augursql.engine.inference.tokenizer import Tokenizer
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.runtime.sessions import Runtime
from augursql.errors import ModelError, StorageError
from augursql.types import Monitor

LEAST_COSINE = 0.99
_CHECK_TOKENS = 512
# Random tokens of the model's own vocabulary join the sentences: a model may know other words.
_RANDOM_TEXTS, _FITTING_SEED, _JUDGING_SEED = 16, 1, 2
# (largest weight, most noise of a fixed scale): from fast to exact, and last for processors whose
# 8-bit products saturate, with weights of 7 bits.
_RECIPES = ((127, 3.5), (127, 0.0), (63, 0.0))


def resolve(
    artifact: Artifact, store: Store, dtype: str, tools: tuple[Runtime, Tokenizer], monitor: Monitor
) -> tuple[Artifact, str]:
    """The precision to run, and the artifact that has it; a missing variant is made and checked.

    'auto' is int8 on a CPU and fp16 on a GPU, and fp32 where that variant is not within
    LEAST_COSINE of fp32 or cannot be stored. Raises ModelError when `dtype` was asked for by name
    and is too far from fp32, StorageError when it cannot be stored.
    """
    runtime = tools[0]
    wanted = ("fp16" if runtime.on_gpu else "int8") if dtype == "auto" else dtype
    if wanted == "fp32":
        return artifact, wanted
    if wanted not in artifact.manifest.variants:
        try:
            artifact = _make(artifact, store, wanted, tools, monitor)
        except (StorageError, ModelError):
            if dtype != "auto":
                raise
            return artifact, "fp32"
    variant = artifact.manifest.variants[wanted]
    if variant.sha256:
        return artifact, wanted
    if dtype == "auto":
        return artifact, "fp32"
    raise ModelError(
        f'The {wanted} variant of "{artifact.manifest.source}" is too far from fp32: '
        f"mean cosine {variant.cosine:.4f}, at least {LEAST_COSINE} is asked.",
        hint="SET augur_dtype = 'auto' or 'fp32'.",
    )


def _make(
    artifact: Artifact, store: Store, dtype: str, tools: tuple[Runtime, Tokenizer], monitor: Monitor
) -> Artifact:
    monitor.begin(f"Preparing the {dtype} variant of the model", None)
    try:
        artifact.verify("fp32")
        best = 0.0
        with store.scratch() as scratch:
            for number, model in enumerate(_models(artifact, dtype, scratch, tools, monitor)):
                file = scratch / f"model.{number}.onnx"
                _save(model, file)
                best = max(best, cosine := _cosine(artifact, file, tools, monitor))
                if cosine >= LEAST_COSINE:
                    return store.add_variant(artifact, dtype, file, cosine)
        return store.add_variant(artifact, dtype, None, best)
    finally:
        monitor.end()


def _models(
    artifact: Artifact,
    dtype: str,
    scratch: Path,
    tools: tuple[Runtime, Tokenizer],
    monitor: Monitor,
) -> Iterator[Any]:
    """The model by one recipe after the other; none when there is nothing to convert."""
    if dtype == "fp16":
        model = _loaded(artifact)
        add_pooling(model)
        yield _halved(model)
        return
    largest = product_inputs(_loaded(artifact))
    if not largest:
        return
    probe = Probe(artifact, list(largest), scratch, tools, monitor)
    for levels, most_noise in _RECIPES:
        forms = fixed_forms(probe.observe, largest, most_noise) if most_noise else {}
        model = _loaded(artifact)
        quantize(model, forms, weight_levels=levels)
        add_pooling(model)
        yield model


class Probe:
    """The fp32 model with the inputs of its matrix products as outputs."""

    def __init__(
        self,
        artifact: Artifact,
        names: list[str],
        scratch: Path,
        tools: tuple[Runtime, Tokenizer],
        monitor: Monitor,
    ) -> None:
        import onnx

        model = _loaded(artifact)
        model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in names)
        file = scratch / "probe.onnx"
        _save(model, file)
        self._names, self._monitor = names, monitor
        self._tokenizer = tools[1]
        self._network = Network(tools[0].open(file), artifact.manifest, tools[1].pad_id)

    def observe(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Run the sentences one by one: all inputs of a larger batch would fill the memory."""
        for ids in _texts(self._tokenizer, FITTING, _FITTING_SEED):
            self._monitor.check()
            yield self._network.inspect([ids], self._names)


def _texts(tokenizer: Tokenizer, sentences: tuple[str, ...], seed: int) -> list[list[int]]:
    return tokenizer.tokenize(sentences).ids + tokenizer.random_ids(_RANDOM_TEXTS, seed)


def _loaded(artifact: Artifact) -> Any:
    import onnx

    try:
        return onnx.load(str(artifact.onnx("fp32")))
    except OSError as error:
        raise StorageError(f"The model cannot be read: {error}.") from error


def _save(model: Any, file: Path) -> None:
    import onnx

    try:
        onnx.save(model, str(file))
    except OSError as error:
        raise StorageError(f"{file.name} cannot be written: {error.strerror or error}.") from error
    except (ValueError, onnx.checker.ValidationError) as error:  # protobuf ends at 2 GB
        raise ModelError(
            f"A variant of this model cannot be made: {error}", hint="SET augur_dtype = 'fp32'."
        ) from error


def _halved(model: Any) -> Any:
    # The module is pure Python on onnx, the same in every build of ONNX Runtime.
    float16 = importlib.import_module("onnxruntime.transformers.float16")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each constant that fp16 rounds to zero
        return float16.convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True)


def _cosine(
    artifact: Artifact, file: Path, tools: tuple[Runtime, Tokenizer], monitor: Monitor
) -> float:
    """The mean cosine similarity of the variant's vectors to fp32's; 0 when any is not finite."""
    runtime, tokenizer = tools
    texts = _texts(tokenizer, JUDGING, _JUDGING_SEED)
    networks = [
        Network(runtime.open(path), artifact.manifest, tokenizer.pad_id)
        for path in (artifact.onnx("fp32"), file)
    ]
    cosines: list[float] = []
    for batch in pack([len(ids) for ids in texts], _CHECK_TOKENS):
        monitor.check()
        exact, near = (network.run([texts[i] for i in batch]) for network in networks)
        lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(near, axis=1)
        cosines += ((exact * near).sum(axis=1) / np.maximum(lengths, 1e-12)).tolist()
    mean = float(np.mean(cosines))
    return mean if np.isfinite(mean) else 0.0
