"""Answers of a type: asked for, read, checked by a condition, and asked for again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.fitting import most_tokens
from augursql.engine.generation.prompts import again
from augursql.engine.generation.sampling import Sampling
from augursql.planner.returns import AnswerType
from augursql.udfs.answered import UnreadableAnswerError, column_of, constraint_of, value_of
from augursql.udfs.speaker import Costs, Said, Speaker
from augursql.udfs.tally import Counts

NOT_FINISHED = "it was cut off at max_tokens."


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that values satisfy; `holds` answers for a column of them, one bool each."""

    condition: str
    holds: Callable[[pa.Array], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Demand:
    """What answers have to be: their type, a `pattern` they match, a `check` they pass. Those that
    are not are asked for again, `retries` times, and then are the `fallback`, a Python value.
    """

    type: AnswerType
    sampling: Sampling
    pattern: str | None = None
    check: Check | None = None
    retries: int = 2
    fallback: Any = None

    @property
    def scored(self) -> bool:
        """Whether the answer is one of a few that are scored, not written."""
        return self.type.labels is not None and self.sampling.temperature == 0

    @property
    def longest_answer(self) -> int:
        """In tokens, at most: of labels all are scored, and none has more tokens than bytes."""
        if self.scored:
            return sum(len(label.encode()) for label in self.type.labels or ())
        return self.sampling.max_tokens


@dataclass(frozen=True, slots=True)
class Replies:
    """Of n conversations: `values` [n] in the type's column; `confidence` float64 [n], NaN where
    the answer is the fallback; what they cost; and which failed, with the reason.
    """

    values: pa.Array
    confidence: npt.NDArray[np.float64]
    costs: Costs
    failed: dict[int, str]


def replies(speaker: Speaker, conversations: Sequence[Conversation], demand: Demand) -> Replies:
    """Asks, and asks again where an answer cannot be used and there is room to say so.

    Raises ModelError.
    """
    asked, failed = list(conversations), dict.fromkeys(range(len(conversations)), "")
    values: list[Any] = [demand.fallback] * len(asked)
    confidence = np.full(len(asked), np.nan)
    tokens, cached = np.zeros(len(asked), np.int32), np.ones(len(asked), np.bool_)
    spent = 0
    for attempt in range(demand.retries + 1):
        places = list(failed) if not attempt else _that_fit(speaker, asked, list(failed), demand)
        if not places:
            break
        said, costs = _said(speaker, [asked[i] for i in places], demand, attempt)
        tokens[places] += costs.tokens
        cached[places] &= costs.cached
        spent += costs.spent
        for i, answer, reading in zip(places, said, _read(said, demand), strict=True):
            if reading.reason:
                failed[i] = reading.reason
                asked[i] = again(conversations[i], answer.text, reading.reason)
            else:
                values[i], confidence[i] = reading.value, answer.confidence
                del failed[i]
    return Replies(column_of(demand.type, values), confidence, Costs(tokens, cached, spent), failed)


def foreseen(speaker: Speaker, conversations: Sequence[Conversation], demand: Demand) -> Counts:
    """What asking once would cost."""
    if demand.scored:
        return speaker.foresee_scores(conversations, demand.type.labels or ())
    form = constraint_of(demand.type, demand.pattern)
    return speaker.foresee_answers(conversations, demand.sampling, form)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The value of an answer, or the reason why it cannot be used."""

    value: Any = None
    reason: str = ""


def _that_fit(
    speaker: Speaker, asked: Sequence[Conversation], places: list[int], demand: Demand
) -> list[int]:
    """Those that still leave room for an answer, now that they tell of an earlier one."""
    room = speaker.context - demand.longest_answer
    doubtful = [i for i in places if most_tokens(asked[i]) > room]
    if not doubtful:
        return places
    counted = speaker.count_tokens([asked[i] for i in doubtful])
    over = {i for i, tokens in zip(doubtful, counted.tolist(), strict=True) if tokens > room}
    return [i for i in places if i not in over]


def _said(
    speaker: Speaker, conversations: list[Conversation], demand: Demand, attempt: int
) -> tuple[list[Said], Costs]:
    if demand.scored:
        labels = demand.type.labels or ()
        probabilities, costs = speaker.score(conversations, labels)
        best = probabilities.argmax(axis=1)
        sure = probabilities[np.arange(len(best)), best]
        pairs = zip(best.tolist(), sure.tolist(), strict=True)
        return [Said(labels[label], confidence, True) for label, confidence in pairs], costs
    sampling = replace(demand.sampling, seed=demand.sampling.seed + attempt)
    form = constraint_of(demand.type, demand.pattern)
    return speaker.generate(conversations, sampling, form)


def _read(said: Sequence[Said], demand: Demand) -> list[_Reading]:
    """All answers of one attempt, checked in one batch."""
    found = list[_Reading]()
    for answer in said:
        if demand.pattern is not None and not answer.finished:
            found.append(_Reading(reason=NOT_FINISHED))
            continue
        free = demand.type.is_text and demand.pattern is None
        try:
            found.append(
                _Reading(value_of(demand.type, answer.text.strip() if free else answer.text))
            )
        except UnreadableAnswerError as error:
            found.append(_Reading(reason=str(error) if answer.finished else NOT_FINISHED))
    check, readable = demand.check, [i for i, one in enumerate(found) if not one.reason]
    if check is not None and readable:
        holds = check.holds(column_of(demand.type, [found[i].value for i in readable]))
        for i, held in zip(readable, holds, strict=True):
            if not held:
                found[i] = _Reading(reason=f"it does not satisfy the condition {check.condition}.")
    return found
