"""Answers from many texts: in one prompt where they fit; else from the answers of parts of them.

Parts that fit are answered one by one, and their answers are the texts of the next level, until
these fit. A single text that is too long is cut into parts of its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from augursql.engine.generation.drafts import NumberedDraft
from augursql.engine.generation.fitting import Prompt
from augursql.engine.generation.prompts import Task, numbered
from augursql.udfs.chunk import chunk_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.packing import Packing
from augursql.udfs.replies import Demand, Replies, foreseen, replies
from augursql.udfs.results import Answer, shaped
from augursql.udfs.sending import Manner, Sent, explanation_of, metadata_of, prompts_of
from augursql.udfs.speaker import Costs, Speaker
from augursql.udfs.tally import Counts, Tally


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is asked: `whole` about texts that all fit; else `part` about parts of them, `parts`
    about answers that do not fit yet, and `last` about those that do. `demand` is what answers have
    to be, `partial` what those to parts have to be.
    """

    whole: Task
    part: Task
    parts: Task
    last: Task
    demand: Demand
    partial: Demand

    @property
    def longest_answer(self) -> int:
        """In tokens, at most."""
        return max(demand.longest_answer for demand in (self.demand, self.partial))

    def packing(self, speaker: Speaker) -> Packing:
        """What makes parts of texts that fit into each of the prompts."""
        tasks = (self.whole, self.part, self.parts, self.last)
        return Packing(speaker, tasks, self.longest_answer)


def gather_function(speaker: Speaker, gathering: Gathering, manner: Manner) -> VectorFunction:
    """Of lists of texts that come as JSON text. NULLs in them are nothing; without texts the answer
    is NULL.
    """
    tally = Tally()

    def compute(lists: pa.ChunkedArray) -> pa.Array:
        sent, chunk = Sent(tally), chunk_of(lists)
        given = {i: texts for i, text in enumerate(chunk.texts) if (texts := _texts(text))}
        levels = _Levels(speaker, gathering, sent)
        prompts, found = levels.answered(list(given.values()))
        explanation = None
        if "explanation" in manner.with_:
            explanation = explanation_of(speaker, prompts, [[] for _ in prompts], None)
        metadata = metadata_of(speaker, manner, prompts, found.costs)
        answer = Answer(found.values, found.confidence, None, None)
        column = shaped(answer, manner.with_, explanation, metadata)
        sent.count(chunk.rows, prompts, levels.last)
        order, place = list(given), {i: n for n, i in enumerate(given)}
        sent.fail(chunk, {order[n]: reason for n, reason in found.failed.items()})
        places = pa.array([place.get(i) for i in range(len(chunk.texts))], pa.int64())
        return chunk.spread(column.take(places))

    def foresee(texts: Sequence[str]) -> Counts:
        """The first level alone: what comes of it is not known yet."""
        given = [found for text in texts if (found := _texts(text))]
        packed = gathering.packing(speaker).packed(given)
        whole = [numbered(gathering.whole, parts[0]) for parts in packed if len(parts) == 1]
        part = [numbered(gathering.part, p) for parts in packed if len(parts) > 1 for p in parts]
        return foreseen(speaker, whole, gathering.demand) + foreseen(
            speaker, part, gathering.partial
        )

    return VectorFunction(("VARCHAR",), manner.returns, compute, tally, foresee)


class _Levels:
    """The levels of one chunk's lists, all lists in step; `last` is what the last prompts cost."""

    def __init__(self, speaker: Speaker, gathering: Gathering, sent: Sent) -> None:
        self._speaker = speaker
        self._gathering = gathering
        self._sent = sent
        self._packing = gathering.packing(speaker)
        self.last = _costs(0)

    def answered(self, lists: Sequence[list[str]]) -> tuple[list[Prompt], Replies]:
        """Per list, its last prompt, the answer, and what all of its prompts cost."""
        gathering, costs = self._gathering, _costs(len(lists))
        drafts: dict[int, NumberedDraft] = {}
        open_, answers = list(range(len(lists))), False
        texts = list(lists)
        while open_:
            packed = self._packing.packed([texts[n] for n in open_], cut=answers)
            pairs = list(zip(open_, packed, strict=True))
            task = gathering.last if answers else gathering.whole
            drafts |= {n: _written(task, parts[0]) for n, parts in pairs if len(parts) == 1}
            asked = [(n, part) for n, parts in pairs if len(parts) > 1 for part in parts]
            open_ = list(dict.fromkeys(n for n, _ in asked))
            for n in open_:
                texts[n] = []
            task = gathering.parts if answers else gathering.part
            found = self._ask([_written(task, part) for _, part in asked])
            for (n, _), answer in zip(asked, found.values.to_pylist(), strict=True):
                texts[n].append(answer)
            costs = _added(costs, [n for n, _ in asked], found.costs)
            answers = True
        prompts = self._prompts([drafts[n] for n in range(len(lists))])
        said = replies(self._speaker, [p.conversation for p in prompts], gathering.demand)
        self.last = said.costs
        costs = _added(costs, list(range(len(lists))), said.costs)
        return prompts, Replies(said.values, said.confidence, costs, said.failed)

    def _ask(self, drafts: Sequence[NumberedDraft]) -> Replies:
        prompts = self._prompts(drafts)
        conversations = [prompt.conversation for prompt in prompts]
        found = replies(self._speaker, conversations, self._gathering.partial)
        self._sent.count(0, prompts, found.costs)
        return found

    def _prompts(self, drafts: Sequence[NumberedDraft]) -> list[Prompt]:
        return prompts_of(drafts, self._speaker, self._gathering.longest_answer)


def _written(task: Task, texts: Sequence[str]) -> NumberedDraft:
    return NumberedDraft(task, tuple(texts))


def _costs(count: int) -> Costs:
    return Costs(np.zeros(count, np.int32), np.ones(count, np.bool_), 0)


def _added(costs: Costs, places: Sequence[int], more: Costs) -> Costs:
    """`costs` and `more`, whose n-th belongs to the place that `places` tells."""
    tokens, cached = costs.tokens.copy(), costs.cached.copy()
    np.add.at(tokens, places, more.tokens)
    np.logical_and.at(cached, places, more.cached)
    return Costs(tokens, cached, costs.spent + more.spent)


def _texts(text: str) -> list[str]:
    return [one for one in json.loads(text) or () if one is not None]
