"""The kinds of calls: what the language's functions are called, and how many inputs they have."""

from typing import Literal, get_args

AskingKind = Literal[
    "extract",
    "summarize",
    "matches",
    "rerank",
    "summarize_agg",
    "prompt_agg",
]
CallKind = Literal["predict", "classify", "embed", "similarity", "search", "prompt"] | AskingKind

# None: any number of them.
INPUTS: dict[CallKind, int | None] = {
    "predict": None,
    "classify": 1,
    "embed": 1,
    "similarity": 2,
    "search": 1,
    "prompt": None,
    "extract": 1,
    "summarize": 1,
    "matches": 2,
    "rerank": 2,
    "summarize_agg": 1,
    "prompt_agg": 1,
}
# Always a language model's, and asked in words of our own.
ASKING: tuple[CallKind, ...] = get_args(AskingKind)
JUDGING = ("matches", "rerank")
AGGREGATES = ("summarize_agg", "prompt_agg")
# Those that are told something in a string of their own, which is no input.
TOLD = ("prompt", "prompt_agg")
