"""predict() by a language model: labels are scored, numbers and free texts written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from augursql.engine.generation.contextual import EMPTY_ROWS, Probabilities, calibrated
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.drafts import LabelledDraft
from augursql.engine.generation.fitting import Prompt
from augursql.engine.generation.prompts import Example, Field, Task, emptied
from augursql.udfs.answered import labels_of
from augursql.udfs.chunk import chunk_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.replies import Demand, foreseen, replies
from augursql.udfs.results import Answer, most_probable, shaped
from augursql.udfs.sending import (
    Manner,
    Sent,
    explanation_of,
    metadata_of,
    prompts_before_labels,
    prompts_of,
)
from augursql.udfs.shots import Shot, Shots
from augursql.udfs.speaker import Costs, Speaker
from augursql.udfs.tally import Counts, Tally


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked about a row: the task, the tag of the row's text; `labels` to choose from, or
    None where the answer is written as `demand` says; `calibrate`: without the model's bias.
    """

    task: Task
    tag: str
    demand: Demand
    labels: tuple[str, ...] | None
    calibrate: bool = False

    def prompts(self, drafts: Sequence[LabelledDraft], speaker: Speaker) -> list[Prompt]:
        """Prompts that leave room for the answer. Raises InvalidValueError."""
        if self.labels is None:
            return prompts_of(drafts, speaker, self.demand.sampling.max_tokens)
        return prompts_before_labels(drafts, speaker, self.labels)


def predict_by_prompt_function(
    speaker: Speaker, asking: Asking, shots: Shots | None, manner: Manner
) -> VectorFunction:
    """`predict` with a language model; `shots` give each row examples, never the row itself."""
    tally = Tally()
    answers = [] if shots is None else shots.answers

    def drafts(texts: Sequence[str], found: Sequence[Sequence[Shot]]) -> list[LabelledDraft]:
        return [
            LabelledDraft(
                asking.task,
                (Field(asking.tag, text),),
                tuple(
                    Example((Field(asking.tag, shot.text),), answers[shot.label]) for shot in near
                ),
            )
            for text, near in zip(texts, found, strict=True)
        ]

    def compute(documents: pa.ChunkedArray) -> pa.Array:
        sent, chunk = Sent(tally), chunk_of(documents)
        none: list[list[Shot]] = [[] for _ in chunk.texts]
        near = none if shots is None else shots.nearest(chunk.texts)
        prompts = asking.prompts(drafts(chunk.texts, near), speaker)
        answer, costs, failed = _answered(speaker, asking, prompts)
        explanation = None
        if "explanation" in manner.with_:
            known = None if shots is None else shots.labelled
            labels = answer.prediction[:0] if known is None else known.labels
            explanation = explanation_of(speaker, prompts, near, labels)
        metadata = metadata_of(speaker, manner, prompts, costs)
        column = shaped(answer, manner.with_, explanation, metadata)
        sent.count(chunk.rows, prompts, costs)
        sent.fail(chunk, failed)
        return chunk.spread(column)

    def foresee(texts: Sequence[str]) -> Counts:
        near = [[] for _ in texts] if shots is None else shots.foreseen(texts)
        written = [draft.written(draft.examples, draft.longest) for draft in drafts(texts, near)]
        if asking.labels is not None:
            return speaker.foresee_scores(written, asking.labels)
        return foreseen(speaker, written, asking.demand)

    return VectorFunction(("VARCHAR",), manner.returns, compute, tally, foresee)


def _answered(
    speaker: Speaker, asking: Asking, prompts: Sequence[Prompt]
) -> tuple[Answer, Costs, dict[int, str]]:
    conversations = [prompt.conversation for prompt in prompts]
    if asking.labels is None:
        found = replies(speaker, conversations, asking.demand)
        return Answer(found.values, found.confidence, None, None), found.costs, found.failed
    tag = asking.tag if asking.calibrate else None
    probabilities, costs = scores(speaker, conversations, asking.labels, tag)
    classes = labels_of(asking.demand.type, asking.labels)
    return most_probable(probabilities, classes), costs, {}


def scores(
    speaker: Speaker, conversations: Sequence[Conversation], labels: Sequence[str], tag: str | None
) -> tuple[Probabilities, Costs]:
    """Probabilities [n, labels]; with the rows' `tag`, calibrated by prompts without a row."""
    if tag is None:
        return speaker.score(conversations, labels)
    empty = [emptied(said, tag, text) for said in conversations for text in EMPTY_ROWS]
    both, costs = speaker.score([*conversations, *empty], labels)
    count = len(conversations)
    of_nothing = both[count:].reshape(count, len(EMPTY_ROWS), len(labels)).mean(axis=1)
    own = Costs(costs.tokens[:count], costs.cached[:count], costs.spent)
    return calibrated(both[:count], np.asarray(of_nothing)), own
