"""Prompts within a model's context: fewer examples first, then less of the longest value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from augursql.engine.generation.conversation import Conversation
from augursql.errors import InvalidValueError

# What a chat template may add to a prompt, and to each of its messages, in tokens. A token has at
# least one byte, so that a prompt with as many bytes surely fits, and need not be counted.
_AROUND, _AROUND_A_MESSAGE = 128, 32

Count = Callable[[Sequence[Conversation]], npt.NDArray[np.int32]]


class Draft(Protocol):
    """A prompt that can be had with fewer `examples`, and with its longest value cut."""

    @property
    def examples(self) -> int: ...

    @property
    def longest(self) -> int:
        """The characters of the longest value."""
        ...

    def written(self, examples: int, longest: int) -> Conversation:
        """With the most similar examples, and no value longer than `longest`."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that fits: how many examples it kept, and whether a value was cut."""

    conversation: Conversation
    examples: int
    truncated: bool


def fitted(
    drafts: Sequence[Draft],
    budget: int,
    count: Count,
    exact: Callable[[], int] | None = None,
) -> list[Prompt]:
    """The drafts within `budget` tokens each, which `count` counts.

    `exact` tells a larger budget; like `count` it is asked only where a prompt may be too long.
    Raises InvalidValueError where not even the task alone fits.
    """
    prompts = [
        Prompt(draft.written(draft.examples, draft.longest), draft.examples, False)
        for draft in drafts
    ]
    doubtful = [i for i, prompt in enumerate(prompts) if most_tokens(prompt.conversation) > budget]
    if not doubtful:
        return prompts
    most = budget if exact is None else exact()
    counted = count([prompts[i].conversation for i in doubtful])
    over = [i for i, tokens in zip(doubtful, counted.tolist(), strict=True) if tokens > most]
    kept = _largest(
        [drafts[i].examples for i in over],
        lambda n, examples: drafts[over[n]].written(examples, drafts[over[n]].longest),
        most,
        count,
    )
    long = [i for i, examples in zip(over, kept, strict=True) if examples < 0]
    lengths = _largest(
        [drafts[i].longest for i in long],
        lambda n, longest: drafts[long[n]].written(0, longest),
        most,
        count,
    )
    if any(length < 0 for length in lengths):
        raise InvalidValueError(
            f"The prompt does not fit into the {most:,} tokens that the model has for it, even "
            "without the row.",
            hint="Write it shorter, retrieve fewer rows, or lower max_tokens.",
        )
    for i, examples in zip(over, kept, strict=True):
        if examples >= 0:
            written = drafts[i].written(examples, drafts[i].longest)
            prompts[i] = Prompt(written, examples, False)
    for i, length in zip(long, lengths, strict=True):
        prompts[i] = Prompt(drafts[i].written(0, length), 0, True)
    return prompts


def _largest(
    upper: Sequence[int],
    written: Callable[[int, int], Conversation],
    budget: int,
    count: Count,
) -> list[int]:
    """Per prompt the largest size up to `upper` that fits, -1 where none does.

    Bisected, all prompts in step, so that each step is one batch for the tokenizer.
    """
    fits, most = [-1] * len(upper), list(upper)
    while True:
        open_ = [n for n in range(len(upper)) if fits[n] < most[n]]
        if not open_:
            return fits
        middles = [(fits[n] + most[n] + 1) // 2 for n in open_]
        counted = count([written(n, m) for n, m in zip(open_, middles, strict=True)])
        for n, middle, tokens in zip(open_, middles, counted.tolist(), strict=True):
            if tokens <= budget:
                fits[n] = middle
            else:
                most[n] = middle - 1


def most_tokens(conversation: Conversation) -> int:
    """A bound of the tokens that a prompt has, found without counting them."""
    texts = sum(len(message.text.encode()) + _AROUND_A_MESSAGE for message in conversation)
    return texts + _AROUND
