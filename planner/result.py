"""The types of what calls give back, as DuckDB writes them."""

import re
from collections.abc import Sequence

from augursql.errors import InvalidValueError
from augursql.planner.lexer import Span
from augursql.planner.plan import DETAILS, Detail

_PREDICTABLE = re.compile(
    r"BOOLEAN|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL(?:\(.*\))?"
    r"|VARCHAR|ENUM\(.*\)",
    re.DOTALL,
)
# What the function behind search() finds for a query.
HITS = 'STRUCT("row" BIGINT, similarity DOUBLE, "rank" BIGINT)[]'
_METADATA = (
    "STRUCT(model VARCHAR, version INTEGER, index_version INTEGER, strategy VARCHAR,"
    " cached BOOLEAN, tokens INTEGER, truncated BOOLEAN, examples INTEGER)"
)


def target_type(column: tuple[str, str], place: Span) -> str:
    """The type of a column (name, type) as a target. Raises InvalidValueError for the others."""
    name, type_ = column
    if _PREDICTABLE.fullmatch(type_) is None:
        raise InvalidValueError(
            f'The column "{name}" is of type {type_}, which cannot be predicted.',
            hint="Boolean, whole, decimal and floating-point numbers, VARCHAR and ENUM can.",
            span=place,
        )
    return type_


def result_type(target: str, details: Sequence[Detail]) -> str:
    """`target` itself without details; a STRUCT of the prediction and the details with them.

    Fields come in the language's order: prediction, confidence, probabilities, explanation,
    metadata.
    """
    if not details:
        return target
    types: dict[Detail, str] = {
        "confidence": "DOUBLE",
        "probabilities": f"MAP({target}, DOUBLE)",
        "explanation": (
            f'STRUCT("rows" STRUCT("text" VARCHAR, label {target}, similarity DOUBLE)[],'
            " prompt VARCHAR)"
        ),
        "metadata": _METADATA,
    }
    fields = [f"{detail} {types[detail]}" for detail in DETAILS if detail in details]
    return f"STRUCT(prediction {target}, {', '.join(fields)})"


def prompt_type(returns: str, details: Sequence[Detail]) -> str:
    """As `result_type`, for prompt(): the rows of an explanation have no label."""
    if not details:
        return returns
    rows = 'STRUCT("text" VARCHAR, similarity DOUBLE)[]'
    types: dict[Detail, str] = {
        "confidence": "DOUBLE",
        "explanation": f'STRUCT("rows" {rows}, prompt VARCHAR)',
        "metadata": _METADATA,
    }
    fields = [f"{detail} {types[detail]}" for detail in DETAILS if detail in details]
    return f"STRUCT(prediction {returns}, {', '.join(fields)})"
