"""Texts to token ids, with honest counts of what was cut off."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.repository.profile import read_object
from augursql.engine.repository.store import Artifact
from augursql.errors import ModelError

_CHARACTERS_PER_TOKEN = 40


@dataclass(frozen=True, slots=True)
class Tokens:
    """The ids of n texts, each at most the model's maximum; `counts` [n] is before truncation."""

    ids: list[list[int]]
    counts: NDArray[np.int32]

    @property
    def lengths(self) -> list[int]:
        """How many ids each text has."""
        return [len(ids) for ids in self.ids]


class Tokenizer:
    """A model's tokenizer. Thread-safe."""

    def __init__(self, artifact: Artifact) -> None:
        """Read tokenizer.json. Raises ModelError."""
        path = artifact.file("tokenizer.json")
        backend: Any = importlib.import_module("tokenizers")
        try:
            self._backend = backend.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"{path} is not a tokenizer that can be read: {error}") from error
        self.pad_id = _pad_id(artifact, self._backend)
        # A file may ask for padding and truncation of its own (128 in MiniLM's).
        self._backend.no_padding()
        self._backend.no_truncation()
        self._maximum = artifact.manifest.max_tokens
        self._before, self._after = _specials(self._backend)

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """The ids of `texts`, special tokens included, truncated at the model's maximum.

        Of a text far longer than the model can read only the head is tokenised, and its count is
        an estimate from the head's.
        """
        bound = self._maximum * _CHARACTERS_PER_TOKEN
        encoded = self._backend.encode_batch_fast([text[:bound] for text in texts])
        ids = [encoding.ids for encoding in encoded]
        counts = np.fromiter((len(i) for i in ids), dtype=np.int64, count=len(ids))
        for place, text in enumerate(texts):
            if len(text) > bound:
                ids[place], counts[place] = self._head(text, ids[place], bound)
        return Tokens([self._truncated(i) for i in ids], counts.astype(np.int32))

    def random_ids(self, count: int, seed: int) -> list[list[int]]:
        """Ids of `count` texts of 2 to 40 random tokens of the model's own vocabulary."""
        generator = np.random.default_rng(seed)
        special = {*self._before, *self._after, self.pad_id}
        size = self._backend.get_vocab_size()
        longest = max(2, min(40, self._maximum - len(self._before) - len(self._after)))
        texts = []
        for _ in range(count):
            drawn = generator.integers(0, size, generator.integers(2, longest + 1)).tolist()
            kept = [i for i in drawn if i not in special]
            texts.append([*self._before, *kept, *self._after])
        return texts

    def _head(self, text: str, ids: list[int], bound: int) -> tuple[list[int], int]:
        """Ids of enough of `text` that its truncation is that of the whole."""
        while len(ids) < 2 * self._maximum and bound < len(text):
            bound *= 8  # mostly white space, or a script of few tokens: look further
            ids = self._backend.encode(text[:bound]).ids
        share = min(1.0, bound / len(text))
        return ids, min(int(len(ids) / share), np.iinfo(np.int32).max)

    def _truncated(self, ids: list[int]) -> list[int]:
        if len(ids) <= self._maximum:
            return ids
        tail = len(self._after)
        return ids[: self._maximum - tail] + ids[len(ids) - tail :]


def _specials(backend: Any) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer puts before and after every text."""
    encoding = backend.encode("a")
    mask, ids = encoding.special_tokens_mask, encoding.ids
    if 0 not in mask:
        return [], []
    first, last = mask.index(0), len(mask) - mask[::-1].index(0)
    return ids[:first], ids[last:]


def _pad_id(artifact: Artifact, backend: Any) -> int:
    # Some models (RoBERTa's kin) derive positions from it, so 0 would not do for all.
    if backend.padding is not None:
        return int(backend.padding["pad_id"])
    if artifact.has("tokenizer_config.json"):
        token = read_object(artifact.file("tokenizer_config.json")).get("pad_token")
        content = token.get("content") if isinstance(token, dict) else token
        known = backend.token_to_id(content) if isinstance(content, str) else None
        if known is not None:
            return int(known)
    config = read_object(artifact.file("config.json")) if artifact.has("config.json") else {}
    pad = config.get("pad_token_id")
    return pad if isinstance(pad, int) and pad >= 0 else 0
