"""The WITH clauses that a place of a statement can see."""

from augursql.planner.lexer import Span
from augursql.planner.sentence import Sentence


def ctes_before(words: Sentence, i: int) -> tuple[Span, ...]:
    """Where the WITH clauses stand that the query at `i` can read from, outer ones first.

    Of a clause that `i` stands in, only what was defined before.
    """
    found, place = list[Span](), i
    while place >= 0:
        for k in range(place - 1, words.parent[place], -1):
            if words.word(k) == "with" and words.parent[k] == words.parent[place]:
                bodies = [end for end in _bodies(words, k) if end < place]
                if bodies:
                    found.append(words.span(k, bodies[-1]))
                    break
        place = words.parent[place]
    return tuple(reversed(found))


def _bodies(words: Sentence, i: int) -> list[int]:
    """The closing brackets of the queries that WITH at `i` defines."""
    ends = list[int]()
    i += 2 if words.word(i + 1) == "recursive" else 1
    while words.token(i).kind in ("word", "name"):
        i += 1
        if words.symbol(i) == "(":
            i = words.partner[i] + 1
        if words.words(i, "using", "key"):
            i = words.partner[i + 2] + 1
        if words.word(i) != "as":
            break
        i += 1
        while words.word(i) in ("not", "materialized"):
            i += 1
        if words.symbol(i) != "(" or words.partner[i] < 0:
            break
        ends.append(words.partner[i])
        if words.symbol(ends[-1] + 1) != ",":
            break
        i = ends[-1] + 2
    return ends
