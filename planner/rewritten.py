"""A statement of ours written as another one: the text, parsed again, and where it comes from."""

from dataclasses import dataclass

from augursql.planner.lexer import tokenize
from augursql.planner.origin import Origin, Writer
from augursql.planner.parse import parse
from augursql.planner.plan import Explain, Query
from augursql.planner.sentence import sentence


@dataclass(frozen=True, slots=True)
class Desugared:
    """The one statement that a rewritten text is, and where its parts come from."""

    statement: Query | Explain
    origin: Origin


def reparsed(writer: Writer, functions: frozenset[str]) -> Desugared:
    """What was written; `functions` are the names of the user's. Errors have the user's places."""
    origin = writer.origin()
    with origin.restoring():
        (statement,) = parse(origin.text, functions)
    if isinstance(statement, Query | Explain):
        return Desugared(statement, origin)
    # It is not what the user wrote, though it has no calls.
    words = sentence(origin.text, tokenize(origin.text) or [])
    return Desugared(Query(origin.text, 0, origin.text, sentence=words), origin)
