"""matches() and rerank(): yes or no to a pair of texts, by how likely a language model finds it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from augursql.engine.generation.drafts import LabelledDraft
from augursql.engine.generation.prompts import Field, Task
from augursql.udfs.chunk import chunk_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.results import Answer, most_probable, shaped
from augursql.udfs.sending import Manner, Sent, explanation_of, metadata_of, prompts_before_labels
from augursql.udfs.speaker import Speaker
from augursql.udfs.tally import Counts, Tally

LABELS = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is asked about a pair of texts, the tags of its two, and whether the answer is the
    probability of yes, or whether that is one half at least.
    """

    instruction: str
    tags: tuple[str, str]
    graded: bool

    def draft(self, pair: Sequence[str]) -> LabelledDraft:
        """The pair's first text stands first: it is often the same for all rows."""
        task = Task(self.instruction, tuple((label, "") for label in LABELS))
        fields = (Field(self.tags[0], pair[0]), Field(self.tags[1], pair[1]))
        return LabelledDraft(task, fields)


def judge_function(speaker: Speaker, judgement: Judgement, manner: Manner) -> VectorFunction:
    """Of pairs as the JSON text of a list; where one of the two is NULL, so is the answer."""
    tally = Tally()
    classes = pa.array([True, False])

    def compute(column: pa.ChunkedArray) -> pa.Array:
        sent, chunk = Sent(tally), chunk_of(column)
        pairs = [_pair(text) for text in chunk.texts]
        known = [i for i, pair in enumerate(pairs) if pair is not None]
        drafts = [judgement.draft(pair) for pair in pairs if pair is not None]
        prompts = prompts_before_labels(drafts, speaker, LABELS)
        conversations = [prompt.conversation for prompt in prompts]
        probabilities, costs = speaker.score(conversations, LABELS)
        answer = most_probable(probabilities, classes)
        labels: pa.Array | None = classes[:0]
        if judgement.graded:
            answer = Answer(pa.array(probabilities[:, 0]), np.empty(0), None, None)
            labels = None
        explanation = None
        if "explanation" in manner.with_:
            explanation = explanation_of(speaker, prompts, [[] for _ in prompts], labels)
        metadata = metadata_of(speaker, manner, prompts, costs)
        shown = shaped(answer, manner.with_, explanation, metadata)
        sent.count(chunk.rows, prompts, costs)
        place = {i: n for n, i in enumerate(known)}
        return chunk.spread(
            shown.take(pa.array([place.get(i) for i in range(len(pairs))], pa.int64()))
        )

    def foresee(texts: Sequence[str]) -> Counts:
        drafts = [judgement.draft(pair) for text in texts if (pair := _pair(text)) is not None]
        return speaker.foresee_scores([draft.written(0, draft.longest) for draft in drafts], LABELS)

    return VectorFunction(("VARCHAR",), manner.returns, compute, tally, foresee)


def _pair(text: str) -> list[str] | None:
    found: list[str | None] = json.loads(text)
    pair = [one for one in found if one is not None]
    return pair if len(pair) == len(found) else None
