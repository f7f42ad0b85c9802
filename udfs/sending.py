"""What the functions that ask a language model share: prompts that fit, and what they tell."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from augursql.engine.generation.fitting import Draft, Prompt, fitted
from augursql.errors import InvalidValueError
from augursql.udfs.chunk import Chunk
from augursql.udfs.results import ExplainedRow, Metadata, explained
from augursql.udfs.shots import Shot
from augursql.udfs.speaker import Costs, Speaker
from augursql.udfs.tally import Counts, Failure, Tally

SHOWN_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Manner:
    """How a call answers: the DuckDB type, what WITH names, the strategy's name, and the version of
    the index that its examples come from.
    """

    returns: str
    with_: tuple[str, ...]
    strategy: str
    index_version: int | None = None


def prompts_of(drafts: Sequence[Draft], speaker: Speaker, answer: int) -> list[Prompt]:
    """Prompts that leave room for an answer of so many tokens. Raises InvalidValueError."""
    if answer >= speaker.context:
        raise InvalidValueError(
            f"The model takes {speaker.context:,} tokens, prompt and answer together, which leaves "
            f"no room beside an answer of {answer:,}.",
            hint="Lower max_tokens.",
        )
    return fitted(drafts, speaker.context - answer, speaker.count_tokens)


def prompts_before_labels(
    drafts: Sequence[Draft], speaker: Speaker, labels: Sequence[str]
) -> list[Prompt]:
    """Prompts behind which all of the labels can be scored. Raises InvalidValueError."""
    # A token has at least one byte, so the model is asked about the labels only when it matters.
    least = speaker.context - sum(len(label.encode()) for label in labels)
    return fitted(
        drafts, least, speaker.count_tokens, lambda: speaker.context - speaker.label_tokens(labels)
    )


def explanation_of(
    speaker: Speaker,
    prompts: Sequence[Prompt],
    shots: Sequence[Sequence[Shot]],
    labels: pa.Array | None,
) -> pa.Array:
    """The rows that stand in each prompt, and the prompt as the model reads it."""
    rows = [
        [ExplainedRow(shot.text, shot.label, shot.similarity) for shot in found[: prompt.examples]]
        for prompt, found in zip(prompts, shots, strict=True)
    ]
    return explained(rows, labels, speaker.rendered([p.conversation for p in prompts]))


def metadata_of(
    speaker: Speaker, manner: Manner, prompts: Sequence[Prompt], costs: Costs
) -> Metadata:
    """What WITH METADATA tells of prompts and their answers."""
    return Metadata(
        speaker.name,
        manner.index_version,
        manner.strategy,
        costs.cached,
        costs.tokens,
        np.array([prompt.truncated for prompt in prompts], np.bool_),
        np.array([prompt.examples for prompt in prompts], np.int32),
    )


class Sent:
    """Counts a chunk's prompts from when it is made on."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._started = time.perf_counter()

    def count(self, rows: int, prompts: Sequence[Prompt], costs: Costs) -> None:
        """Adds what was asked for these rows, and the time since it was last called."""
        now = time.perf_counter()
        started, self._started = self._started, now
        self._tally.add(
            Counts(
                rows=rows,
                inputs=len(prompts),
                evaluated=int((~costs.cached).sum()),
                cached=int(costs.cached.sum()),
                truncated=sum(prompt.truncated for prompt in prompts),
                tokens=costs.spent,
                seconds=now - started,
            )
        )

    def fail(self, chunk: Chunk, failed: Mapping[int, str]) -> None:
        """Lists the inputs whose answers could not be used, and why. They are counted already."""
        for i, reason in failed.items():
            shown = chunk.texts[i][:SHOWN_CHARACTERS]
            self._tally.fail(Failure(shown, f"No usable answer: {reason}"), 0)
            self._tally.add(Counts(inputs=-1))
