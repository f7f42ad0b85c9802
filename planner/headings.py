"""The names of what a rewritten query gives back.

DuckDB names an output column after its expression, and a table function's table after the function.
A rewritten call would show our internal names there, so the user's own text is put in as an alias:
behind every select item that holds a call and has no alias, and behind every table of ours.
"""

from collections.abc import Iterable

from augursql.planner.lexer import quoted
from augursql.planner.plan import Insertion
from augursql.planner.scopes import Scopes
from augursql.planner.sentence import Sentence

_OPERATORS = frozenset("and or not like ilike in is between glob when then else from".split())
_AFTER_TABLE = frozenset(
    "select from where group having window qualify order limit offset union except intersect join"
    " inner left right full cross natural asof positional semi anti on using tablesample set"
    " returning pivot unpivot values at when".split()
)


def column_names(scopes: Scopes, calls: Iterable[int]) -> list[Insertion]:
    """Aliases for the select items around the calls whose names are these tokens."""
    sentence = scopes.sentence
    found: dict[int, Insertion] = {}
    for i in calls:
        while i >= 0:
            if scopes.clause[i] == "select":
                first, last = _item(sentence, i)
                if _is_nameless(sentence, first, last):
                    end = sentence.tokens[last].end
                    alias = quoted(sentence.collapsed(first, last))
                    found[end] = Insertion(end, f" AS {alias}")
            i = sentence.parent[i]
    return list(found.values())


def table_name(sentence: Sentence, first: int, last: int, name: str) -> list[Insertion]:
    """An alias for the table between these tokens, unless the user gave one."""
    after, word = sentence.token(last + 1), sentence.word(last + 1)
    named = after.kind in ("word", "name", "string") and word not in _AFTER_TABLE
    if named or sentence.symbol(first - 1) == ":":
        return []
    end = sentence.tokens[last].end
    return [Insertion(end, f" AS {name}")]


def _item(sentence: Sentence, i: int) -> tuple[int, int]:
    """The first and last token of the select item that token `i` stands in."""
    scope = sentence.parent[i]
    stop = sentence.partner[scope] if scope >= 0 else -1
    stop = stop if stop >= 0 else len(sentence.tokens)
    first = last = i
    while sentence.symbol(first - 1) != "," and sentence.word(first - 1) != "select":
        first = _before(sentence, first)
    while last < stop and sentence.symbol(last) != "," and not sentence.clause_word(last):
        last = max(last, sentence.partner[last]) + 1
    if sentence.words(first, "distinct", "on"):
        first = sentence.partner[first + 2] + 1
    elif sentence.word(first) in ("distinct", "all"):
        first += 1
    return first, last - 1


def _before(sentence: Sentence, i: int) -> int:
    partner = sentence.partner[i - 1]
    return partner if 0 <= partner < i - 1 else i - 1


def _is_nameless(sentence: Sentence, first: int, last: int) -> bool:
    """Whether the item is one column and surely has no alias yet."""
    if first > last or sentence.symbol(first + 1) == ":" or is_many(sentence, first, last):
        return False
    token, before = sentence.tokens[last], sentence.token(last - 1)
    if token.text in (")", "]", "}"):
        return True
    if token.kind == "symbol":
        return False
    if sentence.word(last) == "end":
        return sentence.word(last - 1) != "as"
    if before.kind == "symbol":
        return before.text not in (")", "]", "}")
    return sentence.word(last - 1) in _OPERATORS


def is_many(sentence: Sentence, first: int, last: int) -> bool:
    """Whether the item may stand for several columns."""
    i = first
    while i <= last:
        star = sentence.symbol(i) == "*" and (i == first or sentence.symbol(i - 1) == ".")
        if star or sentence.word(i) in ("unnest", "columns"):
            return True
        i = max(i, sentence.partner[i]) + 1
    return False
