"""Functions that ask in words of their own: extract(), summarize(), matches() and the others."""

from dataclasses import replace

from augursql.engine.generation.prompts import TEXT, Task
from augursql.planner.bound import BoundCall
from augursql.planner.kinds import JUDGING
from augursql.planner.returns import answer_type
from augursql.udfs.answered import form_of
from augursql.udfs.function import VectorFunction
from augursql.udfs.gather import Gathering, gather_function
from augursql.udfs.judge import Judgement, judge_function
from augursql.udfs.prompt import Template, prompt_function
from augursql.udfs.replies import Demand
from augursql.udfs.sending import Manner
from augursql.udfs.speaker import Speaker

_EXTRACT = "Say what the text says of each field. Add nothing that it does not say."
_SUMMARIZE = "Summarize the text in a few sentences. Write the summary and nothing else."
_SUMMARIZE_AGG = (
    "Summarize all of the texts together in a few sentences. Write the summary and nothing else."
)
_MATCHES = "Say whether the text satisfies the condition."
_RERANK = "Say whether the text answers the query."
_PARTS = (
    "The texts below are answers to this, each about a part of the whole. "
    "Combine them into one answer about the whole."
)
PART_TOKENS = 256


def asking_function(
    bound: BoundCall, speaker: Speaker, demand: Demand, manner: Manner
) -> VectorFunction:
    """What answers a call of one of `kinds.ASKING`. `demand`: what an answer has to be."""
    call, told = bound.call, dict(bound.call.options).get("instruction")
    if call.kind in JUDGING:
        graded = call.kind == "rerank"
        words, tags = (_RERANK, ("query", TEXT)) if graded else (_MATCHES, ("condition", TEXT))
        return judge_function(speaker, Judgement(str(told or words), tags, graded), manner)
    type_ = demand.type
    if call.kind == "extract":
        task = Task(str(told or _EXTRACT), form=form_of(type_, None))
        return prompt_function(speaker, Template((0,), (TEXT,), task), demand, None, manner)
    words = _SUMMARIZE if call.kind == "summarize" else _SUMMARIZE_AGG
    instruction = call.template if call.template is not None else str(told or words)
    return gather_function(
        speaker, _gathering(instruction, demand, call.matching, speaker.context), manner
    )


def _gathering(instruction: str, demand: Demand, pattern: str | None, context: int) -> Gathering:
    form, text = form_of(demand.type, pattern), answer_type("VARCHAR")
    longest = demand.sampling.max_tokens if demand.type.is_text else PART_TOKENS
    sampling = replace(demand.sampling, max_tokens=min(longest, max(context // 4, 1)))
    combining = f"{instruction}\n{_PARTS}"
    return Gathering(
        Task(instruction, form=form),
        Task(instruction),
        Task(combining),
        Task(combining, form=form),
        demand,
        Demand(text, sampling),
    )
