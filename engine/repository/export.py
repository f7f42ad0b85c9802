"""Weights to ONNX, in a process of its own, because torch takes a gigabyte that we want back.

Run as a worker it is the only place where torch, transformers and optimum are loaded. Only
safetensors are read, no code of the model is executed, and the network is not used.
"""

import importlib
from pathlib import Path
from typing import Any

from augursql.engine.repository.worker import WorkerError, answer, one_line, run_worker
from augursql.errors import ModelError
from augursql.types import Monitor

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def export(weights: Path, target: Path, monitor: Monitor, *, extra: str = "export") -> None:
    """Write `model.onnx` and `tokenizer.json` for the model in `weights` into `target`.

    `extra` names the optional dependencies that the hint recommends. Raises ModelError.
    """
    _run({"work": "export", "weights": str(weights), "target": str(target)}, monitor, extra)


def export_decoder(weights: Path, target: Path, monitor: Monitor) -> None:
    """Write the graphs of the language model in `weights` into `target`, with caches that grow.

    `model.onnx`, or `encoder_model.onnx` and `decoder_model_merged.onnx`. Raises ModelError.
    """
    _run({"work": "decoder", "weights": str(weights), "target": str(target)}, monitor, "export")


def convert_tokenizer(files: Path, target: Path, monitor: Monitor) -> None:
    """Write `tokenizer.json` into `target`, converted from the older files. Raises ModelError."""
    _run({"work": "tokenizer", "weights": str(files), "target": str(target)}, monitor, "export")


def _run(request: dict[str, object], monitor: Monitor, extra: str) -> None:
    monitor.begin("Converting the model to ONNX", None)
    try:
        run_worker("augursql.engine.repository.export", request, monitor, environment=_OFFLINE)
    except WorkerError as error:
        if error.kind == "dependency":
            raise ModelError(
                f"Converting a model to ONNX needs {error.message}, which is not installed.",
                hint=f"pip install 'augursql[{extra}]'",
            ) from error
        raise ModelError(f"The model could not be converted to ONNX: {error.message}") from error
    finally:
        monitor.end()


def _work(request: dict[str, Any]) -> dict[str, Any]:
    weights, target = request["weights"], request["target"]
    if request["work"] == "decoder":
        return _work_decoder(weights, target)
    tokenizer = _load("transformers", "transformers").AutoTokenizer
    try:
        if request["work"] == "export":
            _load("torch", "torch")
            exporters = _load("optimum.exporters.onnx", "optimum-onnx")
            exporters.main_export(
                weights,
                output=target,
                task="feature-extraction",
                library_name="transformers",
                do_validation=False,
                trust_remote_code=False,
            )
        converted = tokenizer.from_pretrained(weights, use_fast=True, trust_remote_code=False)
        converted.save_pretrained(target)
    except Exception as error:  # the boundary of the process: any failure becomes one line
        raise WorkerError("failed", one_line(f"{type(error).__name__}: {error}")) from error
    return {}


def _work_decoder(weights: str, target: str) -> dict[str, Any]:
    _load("torch", "torch")
    config = _load("transformers", "transformers").AutoConfig
    exporters = _load("optimum.exporters.onnx", "optimum-onnx")
    try:
        found = config.from_pretrained(weights, trust_remote_code=False)
        kind = "text2text" if found.is_encoder_decoder else "text"
        exporters.main_export(
            weights,
            output=target,
            task=f"{kind}-generation-with-past",
            library_name="transformers",
            do_validation=False,
            trust_remote_code=False,
        )
    except Exception as error:  # the boundary of the process: any failure becomes one line
        raise WorkerError("failed", one_line(f"{type(error).__name__}: {error}")) from error
    return {}


def _load(module: str, distribution: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise WorkerError("dependency", distribution) from error


if __name__ == "__main__":
    answer(_work)
