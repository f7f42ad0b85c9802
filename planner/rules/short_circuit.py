"""short_circuit: in `a AND call`, the call is made only where `a` leaves it open.

    SELECT stars > 3 AND predict(...) = 5
    SELECT CASE WHEN NOT (stars > 3) THEN false ELSE stars > 3 AND predict(...) = 5 END

DuckDB evaluates both sides for every row. The CASE has the same value for TRUE, FALSE and NULL.
What WHERE and the like join by AND is for `guard`; conditions of joins stay as they are, because
DuckDB finds the keys of a join in them.
"""

from collections.abc import Iterator

from augursql.planner.lexer import Span
from augursql.planner.reading import Reading, operands
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change

_ENDS = frozenset(
    "when then else end select from where having qualify limit offset on by as"
    " window union intersect except order group asc desc nulls distinct all case join inner"
    " full cross natural asof positional semi anti using set values returning matched".split()
)
_SYMBOLS = frozenset((",", ";", ":=", "=>", ":", "->"))


def short_circuit(reading: Reading) -> list[Change]:
    """An edit for each AND or OR that joins a call with what has none."""
    found = dict[tuple[int, int], Change]()
    for tokens in _expressions(reading):
        for change in _changes(reading, tokens):
            found.setdefault(change.edit.span, change)
    return list(found.values())


def _expressions(reading: Reading) -> Iterator[range]:
    """The widest expressions around each call, in each of the brackets that it stands in."""
    words = reading.sentence
    for call in reading.call_tokens:
        inner, opening = call, words.parent[call.start]
        while True:
            yield _around(reading, inner, opening)
            if opening < 0:
                break
            inner = range(opening, words.partner[opening] + 1)
            opening = words.parent[opening]


def _around(reading: Reading, inner: range, opening: int) -> range:
    """From `inner` as far as an expression goes, within its bracket."""
    words = reading.sentence
    stop = words.partner[opening] if opening >= 0 else len(words.tokens)
    first, last = inner.start, inner.stop
    while first - 1 > opening and not _ends(reading, first - 1):
        partner = words.partner[first - 1]
        first = partner if 0 <= partner < first - 1 else first - 1
    while last < stop and not _ends(reading, last):
        last = max(last, words.partner[last]) + 1
    if last - 1 in reading.aliases:
        last -= 1
    return range(first, last)


def _ends(reading: Reading, i: int) -> bool:
    words = reading.sentence
    if words.word(i) in ("left", "right"):
        return words.symbol(i + 1) != "("
    if words.word(i) == "distinct" or (words.word(i) == "from" and words.word(i - 1) == "distinct"):
        before = words.word(i - 1 - (words.word(i) == "from"))
        return before not in ("is", "not")  # IS [NOT] DISTINCT FROM
    return words.symbol(i) in _SYMBOLS or words.word(i) in _ENDS


def _changes(reading: Reading, tokens: range) -> Iterator[Change]:
    if tokens in reading.join_conditions:
        return
    alternatives = operands(reading.sentence, tokens, "or")
    yield from _change(reading, tokens, alternatives, "or")
    for part in alternatives:
        if part not in reading.conditions:
            yield from _change(reading, part, operands(reading.sentence, part, "and"), "and")


def _where_all_hold(reading: Reading, cheap: list[range], span: Span) -> list[Part]:
    """Where NULL is as good as FALSE, a call is made only where all of `cheap` is TRUE."""
    written = list[Part]()
    for part in cheap:
        written += ["CASE WHEN ", reading.span(part), " THEN "]
    return [*written, span, " END" * len(cheap)]


def _filters(reading: Reading, tokens: range) -> bool:
    """Whether rows are let pass by this expression, alone or joined with others by AND and OR."""
    words = reading.sentence
    while True:
        if tokens in reading.conditions:
            return True
        opening = words.parent[tokens.start]
        if opening < 0 or tokens != range(opening + 1, words.partner[opening]):
            return any(
                tokens in operands(words, c, word)
                for c in reading.conditions
                for word in ("or", "and")
            )
        bracket = range(opening, words.partner[opening] + 1)
        around = _around(reading, bracket, words.parent[opening])
        parts = {p for o in operands(words, around, "or") for p in operands(words, o, "and")}
        if bracket not in parts:
            return False
        tokens = around


def _change(
    reading: Reading, tokens: range, parts: tuple[range, ...], operator: str
) -> Iterator[Change]:
    cheap = [part for part in parts if not reading.calls_in(part)]
    dear = reading.ranked([part for part in parts if reading.calls_in(part)])
    first = [*cheap, *dear[:-1]]
    if not first or not dear or not reading.is_repeatable(tokens):
        return
    if not any(reading.calls_here(part) for part in parts):
        return
    span = reading.span(tokens)
    if operator == "and" and _filters(reading, tokens):
        written = _where_all_hold(reading, first, span)
    else:
        written = ["CASE "]
        before, after = ("NOT (", ") THEN false ") if operator == "and" else ("(", ") THEN true ")
        for part in first:
            written += [f"WHEN {before}", reading.span(part), after]
        written += ["ELSE ", span, " END"]
    reason = f"calls wait for the other side of {operator.upper()}"
    yield Change(Edit(span, tuple(written)), reason)
