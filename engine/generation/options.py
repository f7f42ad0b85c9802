"""How a language model is to run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LanguageOptions:
    """Processor ('auto', 'cpu', 'cuda'), precision (one of `request.PRECISIONS`; a model that came
    as an ONNX file runs as it is), and threads (0: one per core)."""

    provider: str = "auto"
    dtype: str = "auto"
    threads: int = 0
