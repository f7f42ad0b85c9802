"""Statements with marks in them: one template is a statement of ours and one of plain DuckDB.

`call` puts marks around a call's arguments. `ours` reads them as calls of our language, `plain` as
functions `oracle_<name>`, which look the answer up. `optional` marks what a failing statement may
lose while it is simplified.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

_OPEN, _NEXT, _CLOSE, _NAME_ENDS, _MAY_BEGIN, _MAY_END = "\ue000\ue001\ue002\ue003\ue004\ue005"
_MARK = re.compile(f"([{_OPEN}{_NEXT}{_CLOSE}])(\\w+){_NAME_ENDS}")
_MAY = re.compile(f"[{_MAY_BEGIN}{_MAY_END}]")


@dataclass(frozen=True, slots=True)
class Spec:
    """A call: the text before, between and after its arguments, and the type of its result."""

    before: str
    after: str
    type_: str
    arrow: pa.DataType
    between: str = ", "
    inputs: int = 1


# Its probabilities, unlike those of a head, are the same to the last bit in every batch.
_VOTE = " USING INDEX i OPTIONS (strategy = 'vote')"
_BARE = "STRUCT(prediction VARCHAR, confidence DOUBLE)"
_FOUND = (
    "STRUCT(id INTEGER, text VARCHAR, note VARCHAR, label VARCHAR, score INTEGER, flag BOOLEAN, "
    "similarity DOUBLE, rank BIGINT)[]"
)
_TEXT, _DOUBLE = pa.string(), pa.float64()
_BARE_ARROW = pa.struct([("prediction", _TEXT), ("confidence", _DOUBLE)])
_FOUND_ARROW = pa.list_(
    pa.struct(
        [
            *(("id", pa.int32()), ("text", _TEXT), ("note", _TEXT), ("label", _TEXT)),
            *(("score", pa.int32()), ("flag", pa.bool_())),
            *(("similarity", _DOUBLE), ("rank", pa.int64())),
        ]
    )
)
SPECS = {
    "label": Spec("predict('label', ", " USING INDEX i)", "VARCHAR", _TEXT),
    "named": Spec("predict('label', ", ", index := 'i')", "VARCHAR", _TEXT),
    "vote": Spec("predict('label', ", _VOTE + ")", "VARCHAR", _TEXT),
    "topic": Spec("classify(", ", ['w1', 'w2', 'é'])", "VARCHAR", _TEXT),
    "score": Spec("predict('score', ", " USING INDEX i)", "INTEGER", pa.int32()),
    "flag": Spec("predict('flag', ", " USING INDEX I TOP 3)", "BOOLEAN", pa.bool_()),
    "sure": Spec("predict('label', ", _VOTE + " WITH CONFIDENCE)", _BARE, _BARE_ARROW),
    "both": Spec("predict('label', ", " USING INDEX both_columns)", "VARCHAR", _TEXT, inputs=2),
    "near": Spec("similarity(", ", 'w3')", "DOUBLE", _DOUBLE),
    "pair": Spec("similarity(", " USING MODEL tiny)", "DOUBLE", _DOUBLE, inputs=2),
    "vector": Spec("embed(", ")", "FLOAT[16]", pa.list_(pa.float32(), 16)),
    "found": Spec("search('i', ", ", k := 3)", _FOUND, _FOUND_ARROW),
}


def call(name: str, *arguments: str) -> str:
    """The template of a call."""
    inner = f"{_NEXT}{name}{_NAME_ENDS}".join(arguments)
    return f"{_OPEN}{name}{_NAME_ENDS}{inner}{_CLOSE}{name}{_NAME_ENDS}"


def optional(text: str) -> str:
    """`text`, as a part without which the statement may still be one."""
    return f"{_MAY_BEGIN}{text}{_MAY_END}"


def ours(template: str) -> str:
    """The statement in our language."""

    def text(mark: re.Match[str]) -> str:
        spec = SPECS[mark[2]]
        return {_OPEN: spec.before, _NEXT: spec.between, _CLOSE: spec.after}[mark[1]]

    return _MARK.sub(text, _MAY.sub("", template))


def plain(template: str) -> str:
    """The statement for DuckDB alone, with functions that look answers up."""

    def text(mark: re.Match[str]) -> str:
        head = f"oracle_{mark[2]}(CAST(("
        if mark[2] == "found":
            found = {_OPEN: f"(SELECT unnest({head}", _CLOSE: ") AS VARCHAR)), recursive := true))"}
            return found[mark[1]]
        return {_OPEN: head, _NEXT: ") AS VARCHAR), CAST((", _CLOSE: ") AS VARCHAR))"}[mark[1]]

    return _MARK.sub(text, _MAY.sub("", template))


def calls_in(template: str) -> int:
    """How many calls are written in it."""
    return template.count(_OPEN)


def smaller(template: str) -> Iterator[str]:
    """The template without one of its optional parts, the largest part first."""
    opened, parts = list[int](), list[tuple[int, int]]()
    for mark in _MAY.finditer(template):
        if mark[0] == _MAY_BEGIN:
            opened.append(mark.start())
        else:
            parts.append((opened.pop(), mark.end()))
    for start, end in sorted(parts, key=lambda part: part[0] - part[1]):
        yield template[:start] + template[end:]
