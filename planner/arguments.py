"""Where the arguments of a call begin and end, and where its clauses begin.

An argument is any expression of DuckDB's, so its end is found by brackets, commas and the words
that begin a clause of ours; none of these words can stand bare inside an expression.
"""

from dataclasses import dataclass

from augursql.planner.plan import Argument
from augursql.planner.sentence import Sentence

_NAMING = (":=", "=>")
_NOT_COLUMNS = frozenset(
    "null true false current_date current_time current_timestamp localtime localtimestamp"
    " default".split()
)


@dataclass(frozen=True, slots=True)
class Layout:
    """A call's parts as ranges of token numbers.

    `positional`: one range per argument, an empty one where an argument is missing. `named`: the
    token of the name, and the range of its value. `clauses`: from the first word of our clauses to
    the closing bracket; empty where there is none.
    """

    positional: tuple[range, ...]
    named: tuple[tuple[int, range], ...]
    clauses: range


def layout(sentence: Sentence, opening: int) -> Layout:
    """The parts between the bracket at `opening` and its partner, which must exist."""
    closing = sentence.partner[opening]
    pieces, stop = _pieces(sentence, opening, closing)
    positional, named = list[range](), list[tuple[int, range]]()
    for piece in pieces:
        if len(piece) > 1 and sentence.symbol(piece.start + 1) in _NAMING:
            named.append((piece.start, range(piece.start + 2, piece.stop)))
        else:
            positional.append(piece)
    return Layout(tuple(positional), tuple(named), range(stop, closing))


def argument_at(sentence: Sentence, piece: range) -> Argument:
    """The expression at these tokens, with its name where it is a plain column."""
    first, last = piece.start, piece.stop - 1
    plain = all(
        sentence.token(i).kind in ("word", "name")
        if (i - first) % 2 == 0
        else sentence.symbol(i) == "."
        for i in piece
    )
    named = plain and len(piece) % 2 and sentence.word(first) not in _NOT_COLUMNS
    name = sentence.token(last).value if named else None
    return Argument(sentence.text(first, last), name, sentence.span(first, last))


def _pieces(sentence: Sentence, opening: int, closing: int) -> tuple[list[range], int]:
    pieces, begin, i = list[range](), opening + 1, opening + 1
    while i < closing and not _begins_clause(sentence, i, begin):
        if sentence.symbol(i) == ",":
            pieces.append(range(begin, i))
            begin = i + 1
        inner = sentence.partner[i]
        i = inner + 1 if inner > i else i + 1
    if pieces or i > begin or i < closing:
        pieces.append(range(begin, i))
    return pieces, i


def _begins_clause(sentence: Sentence, i: int, begin: int) -> bool:
    word = sentence.word(i)
    words = ("using", "with", "options", "on", "returns")
    if word not in words or sentence.symbol(i + 1) in _NAMING:
        return False
    if word == "using":
        return True
    if word == "on":  # joins stand in brackets of their own
        return sentence.word(i + 1) == "error"
    if word == "top" and sentence.token(i + 1).kind == "number":
        return True  # in the wrong place, which the clauses' reader says
    if word == "with":  # x::TIMESTAMP WITH TIME ZONE is a type
        return sentence.word(i + 1) != "time"
    before = sentence.token(i - 1)
    ends_expression = before.kind != "symbol" or before.text in (")", "]", "}")
    if word == "returns":
        return sentence.word(i + 1) != "" and i > begin and ends_expression
    return sentence.symbol(i + 1) == "(" and i > begin and ends_expression
