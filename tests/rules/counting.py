"""Counts the texts that reach a model, wherever they come from: no bookkeeping can be wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from augursql.engine.inference.encoder import Encoder


class Evaluations:
    """`texts` were sent to an encoder since it was last set to 0."""

    def __init__(self) -> None:
        self.texts = 0


@contextmanager
def counted() -> Iterator[Evaluations]:
    """Counts every text that any encoder of this process is given."""
    found, encode = Evaluations(), Encoder.encode

    def counting(encoder: Encoder, texts: Sequence[str], *rest: Any) -> Any:
        found.texts += len(texts)
        return encode(encoder, texts, *rest)

    Encoder.encode = counting  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Encoder.encode = encode  # type: ignore[method-assign]
