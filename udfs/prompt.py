"""prompt(template): what a language model writes, as a value of the type that is wanted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from augursql.engine.generation.drafts import AskedDraft
from augursql.engine.generation.prompts import Field, Task
from augursql.udfs.chunk import chunk_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.replies import Demand, foreseen, replies
from augursql.udfs.results import Answer, shaped
from augursql.udfs.sending import (
    Manner,
    Sent,
    explanation_of,
    metadata_of,
    prompts_before_labels,
    prompts_of,
)
from augursql.udfs.shots import Shot, Shots
from augursql.udfs.speaker import Speaker
from augursql.udfs.tally import Counts, Tally


@dataclass(frozen=True, slots=True)
class Template:
    """`pieces`: texts, and the numbers of values; `tags`: one for each value, between which it
    stands in the prompt; `task`: what is said before all rows.
    """

    pieces: tuple[str | int, ...]
    tags: tuple[str, ...]
    task: Task

    def fields(self, values: Sequence[str | None]) -> tuple[Field, ...]:
        """The values of a row; NULL is an empty one."""
        pairs = zip(self.tags, values, strict=True)
        return tuple(Field(tag, value or "") for tag, value in pairs)

    def plain(self, values: Sequence[str | None]) -> str:
        """The template with its values, without tags: what is searched for."""
        texts = [p if isinstance(p, str) else values[p] or "" for p in self.pieces]
        return "".join(texts).strip()


def prompt_function(
    speaker: Speaker, template: Template, demand: Demand, shots: Shots | None, manner: Manner
) -> VectorFunction:
    """`prompt` for values that come as the JSON text of a list; `shots` are the rows that are put
    before them.
    """
    tally = Tally()

    def drafts(
        rows: Sequence[list[str | None]], near: Sequence[Sequence[Shot]]
    ) -> list[AskedDraft]:
        return [
            AskedDraft(
                template.task,
                template.pieces,
                template.fields(values),
                tuple(shot.text for shot in found),
            )
            for values, found in zip(rows, near, strict=True)
        ]

    def compute(documents: pa.ChunkedArray) -> pa.Array:
        sent, chunk = Sent(tally), chunk_of(documents)
        rows: list[list[str | None]] = [json.loads(text) for text in chunk.texts]
        near: list[list[Shot]] = [[] for _ in rows]
        if shots is not None:
            own = [[value for value in values if value] for values in rows]
            near = shots.nearest([template.plain(values) for values in rows], own)
        written = drafts(rows, near)
        if demand.scored:
            prompts = prompts_before_labels(written, speaker, demand.type.labels or ())
        else:
            prompts = prompts_of(written, speaker, demand.sampling.max_tokens)
        found = replies(speaker, [prompt.conversation for prompt in prompts], demand)
        answer = Answer(found.values, found.confidence, None, None)
        explanation = None
        if "explanation" in manner.with_:
            explanation = explanation_of(speaker, prompts, near, None)
        metadata = metadata_of(speaker, manner, prompts, found.costs)
        column = shaped(answer, manner.with_, explanation, metadata)
        sent.count(chunk.rows, prompts, found.costs)
        sent.fail(chunk, found.failed)
        return chunk.spread(column)

    def foresee(texts: Sequence[str]) -> Counts:
        rows: list[list[str | None]] = [json.loads(text) for text in texts]
        near: list[list[Shot]] = [[] for _ in rows]
        if shots is not None:
            near = shots.foreseen([template.plain(values) for values in rows])
        written = [draft.written(draft.examples, draft.longest) for draft in drafts(rows, near)]
        return foreseen(speaker, written, demand)

    return VectorFunction(("VARCHAR",), manner.returns, compute, tally, foresee)
