"""The seam to a language model: what this room asks of one."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt

from augursql.engine.generation.constraint import Constraint
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.sampling import Sampling
from augursql.types import Monitor


class Scores(Protocol):
    """Of n conversations: `probabilities` float64 [n, labels], rows sum to 1; `tokens` int32 [n] of
    the prompts.
    """

    @property
    def probabilities(self) -> npt.NDArray[np.float64]: ...

    @property
    def tokens(self) -> npt.NDArray[np.int32]: ...


class Completion(Protocol):
    """An answer: its text; `confidence`, exp of the mean log probability of its tokens; `tokens` of
    the prompt; tokens `generated`; `finished`: not cut off by max_tokens.
    """

    @property
    def text(self) -> str: ...

    @property
    def confidence(self) -> float: ...

    @property
    def tokens(self) -> int: ...

    @property
    def generated(self) -> int: ...

    @property
    def finished(self) -> bool: ...


class Chat(Protocol):
    """Writes conversations as the model reads them."""

    def render(self, conversation: Conversation) -> str: ...


class LanguageModel(Protocol):
    """A loaded language model. `adapter` is '' for the model as it is. Thread-safe."""

    @property
    def chat(self) -> Chat: ...

    def score(
        self,
        conversations: Sequence[Conversation],
        labels: Sequence[str],
        monitor: Monitor,
        adapter: str = "",
    ) -> Scores:
        """How likely each label is as the answer to each conversation."""
        ...

    def generate(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        constraint: Constraint | None,
        monitor: Monitor,
        adapter: str = "",
    ) -> Sequence[Completion]:
        """An answer to each conversation."""
        ...

    def count_tokens(self, conversations: Sequence[Conversation]) -> npt.NDArray[np.int32]:
        """int32 [n]: the tokens of the prompts."""
        ...

    def label_tokens(self, labels: Sequence[str]) -> int:
        """How many tokens a prompt must leave room for, so that the labels can be scored."""
        ...

    def tokens_per_second(self) -> float:
        """As measured so far, else as expected of this machine."""
        ...


class Served(Protocol):
    """A language model that is in memory while it is used. `name` is where it came from; `context`
    the most tokens of a prompt with its answer; `producer` tells its answers from those of others;
    `adapter` is what the model is told with each call.
    """

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int: ...

    @property
    def producer(self) -> str: ...

    @property
    def adapter(self) -> str: ...

    def in_use(self) -> AbstractContextManager[LanguageModel]:
        """The loaded model, which stays in memory until the block ends. Raises ModelError."""
        ...
