"""The query blocks of a statement: which tokens are its select list, its joins, its conditions.

A block is one SELECT ... FROM ... WHERE ... LIMIT, wherever it stands. Only its skeleton is read:
what lies inside of a clause stays a range of tokens. A block whose skeleton is not fully understood
is `plain = False`, and no rule touches it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from augursql.planner.sentence import Sentence

NOWHERE = range(0)
_CLAUSES = (
    "select",
    "from",
    "where",
    "group by",
    "having",
    "window",
    "qualify",
    "order by",
    "limit",
    "offset",
)
_SET_OPERATIONS = ("union", "intersect", "except")
_CHANGES = ("update", "delete", "merge")
_SIDES = ("left", "right", "full", "semi", "anti", "cross", "positional", "asof", "natural")


@dataclass(frozen=True, slots=True)
class Join:
    """One JOIN of a FROM clause: `kind` is 'inner' or the word that says otherwise; `on` its
    condition, `using` the columns of USING; `table` the name by which the query knows what is
    joined, '' where that is not plain to see; `tokens` the table itself, with its alias.
    """

    kind: str
    on: range
    using: tuple[str, ...] = ()
    table: str = ""
    tokens: range = NOWHERE


@dataclass(frozen=True, slots=True)
class Block:
    """One query block. Ranges are numbers of tokens, empty where a clause is missing.

    `opening` is the bracket that holds it, -1 at the top of the statement; `tokens` is the block
    without WITH before it. `alone`: it is not a branch of UNION and the like, so its ORDER BY and
    LIMIT are its own. `distinct_on` holds the expressions of DISTINCT ON. `clauses` is empty where
    a clause is there twice.
    """

    opening: int
    tokens: range
    plain: bool
    alone: bool
    distinct: bool = False
    distinct_on: range = NOWHERE
    items: tuple[range, ...] = ()
    joins: tuple[Join, ...] = ()
    clauses: dict[str, range] = field(default_factory=dict)

    def clause(self, name: str) -> range:
        """The tokens after the clause's word, 'where' or 'group by'."""
        return self.clauses.get(name, NOWHERE)


def blocks(sentence: Sentence) -> list[Block]:
    """All blocks, outer ones first."""
    openings = [-1]
    openings += [
        i for i, end in enumerate(sentence.partner) if end > i and sentence.symbol(i) == "("
    ]
    return [block for opening in openings for block in _in_bracket(sentence, opening)]


def level(sentence: Sentence, tokens: range) -> Iterator[int]:
    """The tokens of a range that are not inside of brackets that open in it."""
    i = tokens.start
    while i < tokens.stop:
        yield i
        inner = sentence.partner[i]
        i = inner if inner > i else i + 1


def split(sentence: Sentence, tokens: range, symbol: str) -> tuple[range, ...]:
    """The pieces between separators that stand outside of brackets."""
    pieces, first = list[range](), tokens.start
    for i in level(sentence, tokens):
        if sentence.symbol(i) == symbol:
            pieces.append(range(first, i))
            first = i + 1
    return (*pieces, range(first, tokens.stop))


def _in_bracket(sentence: Sentence, opening: int) -> Iterator[Block]:
    stop = sentence.partner[opening] if opening >= 0 else len(sentence.tokens)
    inside = range(opening + 1, stop)
    if opening >= 0 and not sentence.is_query(opening):
        return
    changes = any(sentence.word(i) in _CHANGES for i in level(sentence, inside))
    branches = _branches(sentence, inside)
    for parts in branches:
        if parts:
            yield _block(sentence, opening, parts, len(branches) == 1 and not changes)


_Part = tuple[str, range]


def _branches(sentence: Sentence, inside: range) -> list[list[_Part]]:
    """The clauses, with their words and tokens, of each branch of a set operation."""
    marks = [
        (i, word)
        for i in level(sentence, inside)
        if sentence.parent[i] == inside.start - 1 and (word := sentence.clause_word(i))
    ]
    found: list[list[_Part]] = [[]]
    for (i, word), (end, _) in zip(marks, [*marks[1:], (inside.stop, "")], strict=False):
        if word in _SET_OPERATIONS:
            found.append([])
        else:
            first = i + (2 if word in ("group by", "order by") else 1)
            found[-1].append((word, range(first, end)))
    return found


def _block(sentence: Sentence, opening: int, parts: list[_Part], alone: bool) -> Block:
    clauses = dict(parts)
    first = parts[0][1].start - 1
    known = all(word in _CLAUSES for word in clauses)
    selects = "select" in clauses
    starts = parts[0][0] in ("select", "from")
    items, distinct, distinct_on = clauses.get("select", NOWHERE), False, NOWHERE
    if sentence.words(items.start, "distinct", "on") and selects:
        closing = sentence.partner[items.start + 2]
        distinct_on = range(items.start + 3, closing)
        items = range(closing + 1, items.stop)
    elif sentence.word(items.start) in ("distinct", "all") and selects:
        distinct = sentence.word(items.start) == "distinct"
        items = range(items.start + 1, items.stop)
    return Block(
        opening,
        range(first, parts[-1][1].stop),
        plain=known and starts and selects and distinct_on.stop >= 0,
        alone=alone,
        distinct=distinct,
        distinct_on=distinct_on,
        items=_items(sentence, items),
        joins=_joins(sentence, clauses.get("from", NOWHERE)),
        clauses=clauses if len(clauses) == len(parts) else {},
    )


def _items(sentence: Sentence, items: range) -> tuple[range, ...]:
    """The select items; DuckDB allows a comma after the last."""
    found = split(sentence, items, ",") if items else ()
    return found[:-1] if len(found) > 1 and not found[-1] else found


def _joins(sentence: Sentence, tables: range) -> tuple[Join, ...]:
    places = [i for i in level(sentence, tables) if sentence.word(i) == "join"]
    found = []
    for i, end in zip(places, [*places[1:], tables.stop], strict=False):
        kinds = [word for k in range(1, 4) if (word := sentence.word(i - k)) in _SIDES]
        inside = range(i + 1, end)
        here = {sentence.word(k): k for k in reversed(list(level(sentence, inside)))}
        on, using = here.get("on", end), here.get("using", end)
        found.append(
            Join(
                kinds[0] if kinds else "inner",
                _condition(sentence, range(on + 1, end)),
                _columns(sentence, using + 1) if using < end else (),
                _name(sentence, range(i + 1, min(on, using))),
                range(i + 1, min(on, using)),
            )
        )
    return tuple(found)


def _columns(sentence: Sentence, opening: int) -> tuple[str, ...]:
    """The names in the brackets of USING (a, b)."""
    inside = range(opening + 1, max(sentence.partner[opening], opening + 1))
    return tuple(sentence.token(k).value for k in inside if sentence.symbol(k) != ",")


def _name(sentence: Sentence, tokens: range) -> str:
    """The alias of a table, or the last part of its name; '' for anything else."""
    if not tokens:
        return ""
    last = sentence.token(tokens.stop - 1)
    plain = all(sentence.symbol(k) in ("", ".") for k in tokens)
    named = len(tokens) > 1 and sentence.symbol(tokens.stop - 2) in (")", "")
    return last.value if last.kind in ("word", "name") and (plain or named) else ""


def _condition(sentence: Sentence, tokens: range) -> range:
    """A join's condition, without the words of the next join and a table after a comma."""
    stop = tokens.stop
    for i in level(sentence, tokens):
        if sentence.symbol(i) == ",":
            stop = i
            break
    while stop > tokens.start and sentence.word(stop - 1) in (*_SIDES, "inner", "outer"):
        stop -= 1
    return range(tokens.start, max(stop, tokens.start))
