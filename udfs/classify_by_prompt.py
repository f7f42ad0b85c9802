"""classify() by a language model: the labels of each row, scored."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from augursql.engine.generation.drafts import LabelledDraft
from augursql.engine.generation.prompts import Field, Label, Task
from augursql.udfs.chunk import chunk_of
from augursql.udfs.classify import rows_by_labels
from augursql.udfs.function import VectorFunction
from augursql.udfs.predict_by_prompt import scores
from augursql.udfs.results import most_probable, shaped
from augursql.udfs.sending import Manner, Sent, explanation_of, metadata_of, prompts_before_labels
from augursql.udfs.speaker import Speaker
from augursql.udfs.tally import Counts, Tally


def classify_by_prompt_function(
    speaker: Speaker, instruction: str, tag: str, calibrate: bool, manner: Manner
) -> VectorFunction:
    """`classify` with a language model, each row with labels of its own; NULL labels give NULL.

    Raises InvalidValueError for an empty list of labels, or a NULL or repeated label.
    """
    tally = Tally()

    def drafts(texts: Sequence[str], labels: tuple[Label, ...]) -> list[LabelledDraft]:
        task = Task(instruction, labels)
        return [LabelledDraft(task, (Field(tag, text),)) for text in texts]

    def compute(texts: pa.ChunkedArray, labels: pa.ChunkedArray) -> pa.Array:
        sent, chunk = Sent(tally), chunk_of(texts)
        text_of_row = chunk.index.fill_null(-1).to_numpy()
        parts, take, answered = [], np.full(chunk.rows, -1, np.int64), 0
        for label_set, rows in rows_by_labels(labels, text_of_row).items():
            used, place = np.unique(text_of_row[rows], return_inverse=True)
            names = [name for name, _ in label_set]
            written = drafts([chunk.texts[i] for i in used], label_set)
            prompts = prompts_before_labels(written, speaker, names)
            conversations = [prompt.conversation for prompt in prompts]
            probabilities, costs = scores(speaker, conversations, names, tag if calibrate else None)
            answer = most_probable(probabilities, pa.array(names, pa.string()))
            explanation = None
            if "explanation" in manner.with_:
                none = pa.array([], pa.string())
                explanation = explanation_of(speaker, prompts, [[] for _ in prompts], none)
            metadata = metadata_of(speaker, manner, prompts, costs)
            parts.append(shaped(answer, manner.with_, explanation, metadata))
            take[rows] = answered + place
            answered += len(used)
            sent.count(len(rows), prompts, costs)
        tally.add(Counts(rows=chunk.rows - int((take >= 0).sum())))
        if not parts:
            return pa.nulls(chunk.rows)
        return pa.concat_arrays(parts).take(pa.array(take, mask=take < 0))

    def foresee(texts: Sequence[str]) -> Counts:
        written = [draft.written(0, draft.longest) for draft in drafts(texts, ())]
        return speaker.foresee_scores(written, ())

    return VectorFunction(("VARCHAR", "VARCHAR"), manner.returns, compute, tally, foresee)
