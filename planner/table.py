"""What the query around a call reads, where that is one table, or one query in brackets."""

from augursql.planner.blocks import blocks
from augursql.planner.plan import Call
from augursql.planner.scan import speaks_augur
from augursql.planner.sentence import Sentence


def table_of(words: Sentence, call: Call) -> str | None:
    """Its name, or the query with its brackets, as written; None for anything else.

    What is defined by WITH, has parameters or calls of ours is not for another query to read.
    """
    at = next((i for i, token in enumerate(words.tokens) if token.start == call.span[0]), None)
    if at is None:
        return None
    around = [block for block in blocks(words) if at in block.tokens]
    source = around[-1].clause("from") if around else range(0)
    if not source:
        return _updated(words)
    return _plain(words, source)


def _plain(words: Sentence, source: range) -> str | None:
    """The one table of a FROM clause."""
    first = source.start
    if words.symbol(first) == "(":
        last = words.partner[first]
        if not words.is_query(first):
            return None
    else:
        last = first
        while words.symbol(last + 1) == "." and last + 2 < source.stop:
            last += 2
    named = all(words.token(i).kind in ("word", "name") for i in range(first, last + 1, 2))
    if not (words.symbol(first) == "(" or named) or not _alias(words, range(last + 1, source.stop)):
        return None
    text = words.text(first, last)
    inside = range(first, last + 1)
    if words.symbol(first) == "(":
        parameters = any(words.token(i).kind == "parameter" for i in inside)
        return None if parameters or speaks_augur(text) else text
    return None if last == first and _is_cte(words, first) else text


def _alias(words: Sentence, rest: range) -> bool:
    """Whether nothing but an alias follows the table."""
    if words.word(rest.start) == "as":
        rest = range(rest.start + 1, rest.stop)
    return not rest or (len(rest) == 1 and words.token(rest.start).kind in ("word", "name"))


def _is_cte(words: Sentence, i: int) -> bool:
    name = words.token(i).value.lower()
    return any(
        token.value.lower() == name
        and words.word(k + 1) == "as"
        and (words.symbol(k + 2) == "(" or words.word(k + 2) in ("materialized", "not"))
        for k, token in enumerate(words.tokens)
        if token.kind in ("word", "name")
    )


def _updated(words: Sentence) -> str | None:
    """The table of UPDATE table SET ..., whose rows the call sees."""
    if words.word(0) != "update" or any(words.word(i) == "from" for i in range(len(words.tokens))):
        return None
    last = 1
    while words.symbol(last + 1) == ".":
        last += 2
    named = words.token(1).kind in ("word", "name") and words.word(last + 1) == "set"
    return words.text(1, last) if named else None
