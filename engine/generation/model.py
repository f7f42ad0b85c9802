"""A language model, loaded: conversations in, probabilities of labels or written answers out."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation import sampling as choosing
from augursql.engine.generation.chat import Chat
from augursql.engine.generation.constraint import Constraint, Grammar
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.decoder import Ids, Logits
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.generating import generate
from augursql.engine.generation.labels import LabelTrie
from augursql.engine.generation.rows import AnswerRow
from augursql.engine.generation.sampling import Sampling
from augursql.engine.generation.scoring import score
from augursql.engine.generation.wardrobe import Wardrobe, Worn
from augursql.engine.repository.store import Artifact
from augursql.engine.runtime.sessions import MemoryExhaustedError
from augursql.engine.runtime.speed import Speed
from augursql.errors import InvalidValueError, ModelError
from augursql.types import Monitor

_TRIES = 256
_TRIAL_TOKENS = 64
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Scores:
    """`probabilities` float64 [n, labels], rows sum to 1; `tokens` int32 [n] of the prompts."""

    probabilities: NDArray[np.float64]
    tokens: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer: `confidence` is exp(mean log-probability of its tokens); `tokens` of the prompt,
    `generated` of the answer; `finished`: it was not cut by max_tokens."""

    text: str
    confidence: float
    tokens: int
    generated: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """`name` is the source's; `dtype` tells what was loaded of it; `context` is the most tokens of
    a prompt and its answer; `vocabulary` the number of logits."""

    name: str
    dtype: str
    context: int
    vocabulary: int


class LanguageModel:
    """May be called by several threads: one after the other is served."""

    def __init__(
        self,
        identity: Identity,
        chat: Chat,
        wardrobe: Wardrobe,
        weight_bytes: int,
        cache_bytes: int,
    ) -> None:
        """`cache_bytes` bounds the keys and values of the answers that are written together."""
        self.name, self.dtype = identity.name, identity.dtype
        self.context = identity.context
        self.chat = chat
        self._vocabulary = identity.vocabulary
        self._wardrobe = wardrobe
        self._weight_bytes, self._cache_bytes = weight_bytes, cache_bytes
        self._tries: OrderedDict[tuple[str, ...], LabelTrie] = OrderedDict()
        self._grammar: Grammar | None = None
        self._speed = Speed()
        self._lock = threading.Lock()

    @property
    def memory_bytes(self) -> int:
        """What it takes at most: weights, adapters and caches."""
        return self._weight_bytes + self._wardrobe.bytes + max(self._cache_bytes, self._trunks)

    @property
    def _trunks(self) -> int:
        """The caches of prompts, which are there as long as the model is."""
        return sum(worn.trunk.bytes for worn in self._wardrobe.all)

    @property
    def decoder(self) -> Decoding:
        """What runs the graph without an adapter; for one thread."""
        return self._wardrobe.worn("").decoder

    def attach(self, adapter: Artifact) -> None:
        """Makes an adapter available by its digest; one that is there already stays.

        Raises ModelError for one that does not fit.
        """
        with self._lock:
            self._wardrobe.add(adapter.digest, adapter.path)

    def score(
        self,
        conversations: Sequence[Conversation],
        labels: Sequence[str],
        monitor: Monitor,
        adapter: str = "",
    ) -> Scores:
        """How probable each label is as the answer; `adapter` is the digest of one, '' for none.

        Raises InvalidValueError for labels that cannot be told apart and prompts that are too long,
        ModelError, and what `monitor.check` raises on a cancel.
        """
        prompts = self._prompts(conversations)
        with self._turn(monitor, adapter) as worn:
            trie = self._trie(tuple(labels))
            self._check_lengths(prompts, len(trie.tokens))
            probabilities = score(worn.decoder, worn.trunk, prompts, trie, monitor)
        return Scores(probabilities, _lengths(prompts))

    def generate(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        constraint: Constraint | None,
        monitor: Monitor,
        adapter: str = "",
    ) -> list[Completion]:
        """An answer to each conversation. The same seed and conversation give the same answer,
        whatever else is asked.

        Raises InvalidValueError for a constraint that cannot be compiled and prompts that are too
        long, ModelError, and what `monitor.check` raises on a cancel.
        """
        prompts = self._prompts(conversations)
        self._check_lengths(prompts, 1)
        with self._turn(monitor, adapter) as worn:
            rows = [self._row(prompt, sampling, constraint) for prompt in prompts]
            waiting = [row for row in rows if not row.finished]
            worn.trunk.reserve(max((len(row.prompt) for row in waiting), default=0))
            room = self._cache_bytes - worn.trunk.bytes
            generate(worn.decoder, worn.trunk, waiting, self._choose, room, monitor)
        return [
            Completion(row.text, row.confidence, len(prompt), len(row.ids), row.ended)
            for row, prompt in zip(rows, prompts, strict=True)
        ]

    def count_tokens(self, conversations: Sequence[Conversation]) -> NDArray[np.int32]:
        """How many tokens each prompt has, int32 [n]."""
        return _lengths(self._prompts(conversations))

    def label_tokens(self, labels: Sequence[str]) -> int:
        """How many tokens a prompt must leave room for, so that the labels can be scored.

        Raises InvalidValueError for labels that cannot be told apart.
        """
        return max(1, len(self._made_trie(tuple(labels)).tokens))

    def tokens_per_second(self) -> float:
        """The throughput measured so far; of a trial where nothing has run yet."""
        if not self._speed.known:
            with self._lock, self._measured(worn := self._wardrobe.worn("")):
                size = min(_TRIAL_TOKENS, self.context)
                trial = np.random.default_rng(0).integers(0, self._vocabulary, size)
                worn.trunk.read(trial, lambda: None)
        return self._speed.tokens_per_second

    def close(self) -> None:
        """Waits for who is being served; memory is free when nobody holds the model any more."""
        with self._lock:
            self._tries.clear()

    def _prompts(self, conversations: Sequence[Conversation]) -> list[Ids]:
        return [np.asarray(ids, np.int64) for ids in self.chat.tokens(conversations)]

    def _check_lengths(self, prompts: Sequence[Ids], more: int) -> None:
        longest = max(map(len, prompts), default=0)
        if not all(map(len, prompts)):
            raise InvalidValueError(f"A prompt is empty, and {self.name} has no token for that.")
        if longest + more > self.context:
            raise InvalidValueError(
                f"A prompt has {longest:,} tokens, and {self.name} takes {self.context:,} with the "
                "answer.",
                hint="Ask for fewer examples or shorter texts.",
            )

    def _trie(self, labels: tuple[str, ...]) -> LabelTrie:
        if labels not in self._tries:
            self._tries[labels] = self._made_trie(labels)
            if len(self._tries) > _TRIES:
                self._tries.popitem(last=False)
        self._tries.move_to_end(labels)
        return self._tries[labels]

    def _made_trie(self, labels: tuple[str, ...]) -> LabelTrie:
        return LabelTrie(labels, self.chat.answer_tokens(labels), self.chat.label_end_ids)

    def _row(self, prompt: Ids, sampling: Sampling, constraint: Constraint | None) -> AnswerRow:
        matcher = None
        if constraint is not None:
            if self._grammar is None:
                self._grammar = Grammar(self.chat, self._vocabulary)
            matcher = self._grammar.matcher(constraint)
        most = min(sampling.max_tokens, self.context - len(prompt))
        return AnswerRow(self.chat, prompt, sampling, matcher, most)

    def _choose(self, logits: Logits, rows: Sequence[AnswerRow]) -> None:
        masks = None
        if self._grammar is not None and any(row.matcher is not None for row in rows):
            masks = self._grammar.masks([row.matcher for row in rows])
        ids, logs = choosing.choose(logits, [row.state for row in rows], masks)
        for row, token, log in zip(rows, ids.tolist(), logs.tolist(), strict=True):
            row.take(token, log)

    @contextmanager
    def _turn(self, monitor: Monitor, adapter: str) -> Iterator[Worn]:
        while not self._lock.acquire(timeout=_POLL_S):
            monitor.check()
        try:
            with self._measured(worn := self._wardrobe.worn(adapter)):
                yield worn
        finally:
            self._lock.release()

    @contextmanager
    def _measured(self, worn: Worn) -> Iterator[None]:
        before, started = worn.trunk.computed, time.perf_counter()
        try:
            yield
        except (MemoryExhaustedError, MemoryError) as error:
            raise ModelError(
                f"{self.name} needs more memory for these prompts than there is.",
                hint="Close other programs, write shorter prompts, lower max_tokens, or deploy it "
                "in a smaller dtype: CREATE OR REPLACE MODEL ... WITH (dtype = 'int4').",
            ) from error
        tokens = worn.trunk.computed - before
        if tokens:
            self._speed.add(tokens, time.perf_counter() - started)


def _lengths(prompts: Sequence[Ids]) -> NDArray[np.int32]:
    return np.array([len(prompt) for prompt in prompts], np.int32)
