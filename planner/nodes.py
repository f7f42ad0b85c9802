"""Our calls as nodes of a sqlglot tree.

`this` is the first input, if there is one, and `expressions` the others; `labels` are those of
classify(); `call` is the `plan.Call` with everything else that the user wrote. `Raw` is an
expression in DuckDB's newest syntax that sqlglot cannot read: its text stands for it.
"""

from sqlglot import exp

from augursql.planner.kinds import ASKING


class CallNode(exp.Expression, exp.Func):
    """Any call of ours."""

    arg_types = {"this": False, "expressions": False, "labels": False, "call": True}


class Predict(CallNode):
    """predict('target', this, *expressions ...)"""


class Classify(CallNode):
    """classify(this, labels ...)"""


class Embed(CallNode):
    """embed(this ...)"""


class Similarity(CallNode):
    """similarity(this, expressions[0] ...)"""


class Search(CallNode):
    """search('index', this ...)"""


class Prompt(CallNode):
    """prompt('template' ...), `this` and `expressions` being the values of its placeholders."""


class Asking(CallNode):
    """extract(), summarize(), matches(), rerank(), and the aggregates over lists."""


class Raw(exp.Expression, exp.Condition):
    """`this` is SQL text."""


NODES: dict[str, type[CallNode]] = {
    "predict": Predict,
    "classify": Classify,
    "embed": Embed,
    "similarity": Similarity,
    "search": Search,
    "prompt": Prompt,
    **dict.fromkeys(ASKING, Asking),
}
