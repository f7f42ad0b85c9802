"""A language model asked once for each distinct prompt: before it a store, before that a memo."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augursql.engine.generation.constraint import Constraint
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.sampling import Sampling
from augursql.types import Monitor
from augursql.udfs.language import Served
from augursql.udfs.memo import Memo, Replied, content_hash
from augursql.udfs.stored import NothingStored, Store, Stored
from augursql.udfs.tally import Counts

# Prompts that go to the model together; what a kill or a cancel loses.
PIECE = 512
SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Costs:
    """Per prompt: `tokens` int32 [n] of it and its answer; bool [n], whether that was `cached`.
    `spent` is the number of tokens that were not, each distinct prompt once.
    """

    tokens: npt.NDArray[np.int32]
    cached: npt.NDArray[np.bool_]
    spent: int


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as text, how sure the model was, and whether it came to its end."""

    text: str
    confidence: float
    finished: bool


_Compute = Callable[[list[Conversation]], list[tuple[Any, int]]]


class Speaker:
    """One language model, perhaps with an adapter, for one call. Thread-safe.

    `name` is where the model came from, `context` the most tokens of a prompt with its answer.
    """

    def __init__(
        self,
        served: Served,
        memo: Memo[Replied],
        monitor: Monitor,
        store: Store | None = None,
    ) -> None:
        self.name, self.context = served.name, served.context
        self._served = served
        self._memo = memo
        self._monitor = monitor
        self._store = store or NothingStored()
        self._producer = served.producer
        # Two threads with the same new prompt must not both ask: the second one waits.
        self._lock = threading.Lock()

    def score(
        self, conversations: Sequence[Conversation], labels: Sequence[str]
    ) -> tuple[npt.NDArray[np.float64], Costs]:
        """Probabilities float64 [n, labels]. Raises ModelError, InterruptedStatementError."""

        def compute(asked: list[Conversation]) -> list[tuple[Any, int]]:
            with self._served.in_use() as model:
                found = model.score(asked, labels, self._monitor, self._served.adapter)
            return list(zip(found.probabilities.tolist(), found.tokens.tolist(), strict=True))

        answers, costs = self._ask(conversations, _scored(labels), compute)
        return np.array(answers, np.float64).reshape(len(conversations), len(labels)), costs

    def generate(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        constraint: Constraint | None,
    ) -> tuple[list[Said], Costs]:
        """Free answers, or such that keep to the constraint. Raises as `score` does."""

        def compute(asked: list[Conversation]) -> list[tuple[Any, int]]:
            adapter = self._served.adapter
            with self._served.in_use() as model:
                found = model.generate(asked, sampling, constraint, self._monitor, adapter)
            return [((c.text, c.confidence, c.finished), c.tokens + c.generated) for c in found]

        how = _written(sampling, constraint)
        answers, costs = self._ask(conversations, how, compute)
        return [Said(*answer) for answer in answers], costs

    def count_tokens(self, conversations: Sequence[Conversation]) -> npt.NDArray[np.int32]:
        """int32 [n]: the tokens of the prompts."""
        with self._served.in_use() as model:
            return model.count_tokens(conversations)

    def label_tokens(self, labels: Sequence[str]) -> int:
        """How many tokens a prompt must leave room for, so that the labels can be scored."""
        with self._served.in_use() as model:
            return model.label_tokens(labels)

    def rendered(self, conversations: Sequence[Conversation]) -> list[str]:
        """The prompts as the model reads them."""
        with self._served.in_use() as model:
            return [model.chat.render(conversation) for conversation in conversations]

    def foresee_scores(
        self, conversations: Sequence[Conversation], labels: Sequence[str]
    ) -> Counts:
        """What scoring would cost; no model is asked."""
        return self._foresee(conversations, _scored(labels), 0)

    def foresee_answers(
        self, conversations: Sequence[Conversation], sampling: Sampling, form: Constraint | None
    ) -> Counts:
        """What answers would cost, if each were as long as it may be; no model is asked."""
        return self._foresee(conversations, _written(sampling, form), sampling.max_tokens)

    def _foresee(self, conversations: Sequence[Conversation], how: str, answer: int) -> Counts:
        keys = {self._key(how, c): c for c in conversations}
        unknown = [key for key in keys if self._memo.get(self._producer, key) is None]
        if unknown:
            stored = set(self._store.get_many(self._producer, unknown).keys)
            unknown = [key for key in unknown if key not in stored]
        tokens, seconds = 0, 0.0
        if unknown:
            sample = [keys[key] for key in unknown[:: max(1, len(unknown) // SAMPLE)]]
            with self._served.in_use() as model:
                mean, speed = float(model.count_tokens(sample).mean()), model.tokens_per_second()
            tokens = round((mean + answer) * len(unknown))
            seconds = tokens / speed
        inputs = len(conversations)
        cached = inputs - len(unknown)
        return Counts(
            inputs=inputs, evaluated=len(unknown), cached=cached, tokens=tokens, seconds=seconds
        )

    def _ask(
        self, conversations: Sequence[Conversation], how: str, compute: _Compute
    ) -> tuple[list[Any], Costs]:
        keys = [self._key(how, conversation) for conversation in conversations]
        distinct = dict(zip(keys, conversations, strict=True))
        with self._lock:
            known = {
                key: found
                for key in distinct
                if (found := self._memo.get(self._producer, key)) is not None
            }
            missing = self._fetch([key for key in distinct if key not in known], known)
            for first in range(0, len(missing), PIECE):
                self._compute(missing[first : first + PIECE], distinct, compute, known)
        fresh = set(missing)
        costs = Costs(
            np.array([known[key].tokens for key in keys], np.int32),
            np.array([key not in fresh for key in keys], np.bool_),
            sum(known[key].tokens for key in missing),
        )
        return [json.loads(known[key].answer) for key in keys], costs

    def _fetch(self, missing: list[bytes], known: dict[bytes, Replied]) -> list[bytes]:
        """Takes what the store has; returns what is still missing."""
        if not missing:
            return missing
        found = self._store.get_many(self._producer, missing)
        for key, value, tokens in zip(found.keys, found.values, found.tokens, strict=True):
            known[key] = Replied(bytes(value), int(tokens))
            self._memo.put(self._producer, key, known[key])
        return [key for key in missing if key not in known]

    def _compute(
        self,
        keys: list[bytes],
        distinct: dict[bytes, Conversation],
        compute: _Compute,
        known: dict[bytes, Replied],
    ) -> None:
        for key, (answer, tokens) in zip(keys, compute([distinct[k] for k in keys]), strict=True):
            text = json.dumps(answer, ensure_ascii=False)
            known[key] = Replied(text.encode("utf-8", "replace"), int(tokens))
            self._memo.put(self._producer, key, known[key])
        replies = [known[key] for key in keys]
        self._store.put_many(
            self._producer,
            Stored(
                keys,
                [reply.answer for reply in replies],
                [reply.tokens for reply in replies],
                [False] * len(keys),
            ),
        )

    def _key(self, how: str, conversation: Conversation) -> bytes:
        said = [[message.role, message.text] for message in conversation]
        return content_hash(how + json.dumps(said))


def _scored(labels: Sequence[str]) -> str:
    return json.dumps(["score", list(labels)])


def _written(sampling: Sampling, constraint: Constraint | None) -> str:
    # Without a temperature the seed decides nothing.
    options = asdict(sampling)
    if sampling.temperature == 0:
        options = {name: options[name] for name in ("max_tokens", "repetition_penalty", "stop")}
    form = None if constraint is None else [constraint.kind, constraint.text]
    return json.dumps(["generate", options, form])
