"""short_circuit: in `a AND call`, the call is made only where `a` leaves it open.

    SELECT stars > 3 AND predict(...) = 5
    SELECT CASE WHEN NOT (stars > 3) THEN false ELSE stars > 3 AND predict(...) = 5 END

DuckDB evaluates both sides for every row. The CASE has the same value for TRUE, FALSE and NULL.
What WHERE and the like join by AND is for `guard`; conditions of joins stay as they are, because
DuckDB finds the keys of a join in them.
"""

from collections.abc import Iterator

from augursql.planner.reading import Reading, operands
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change

_ENDS = frozenset(
    "when then else end select from where having qualify limit offset on by as over filter"
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
    return words.symbol(i) in _SYMBOLS or words.word(i) in _ENDS


def _changes(reading: Reading, tokens: range) -> Iterator[Change]:
    if tokens in reading.join_conditions:
        return
    alternatives = operands(reading.sentence, tokens, "or")
    yield from _change(reading, tokens, alternatives, "or")
    for part in alternatives:
        if part not in reading.conditions:
            yield from _change(reading, part, operands(reading.sentence, part, "and"), "and")


def _change(
    reading: Reading, tokens: range, parts: tuple[range, ...], operator: str
) -> Iterator[Change]:
    cheap = [part for part in parts if not reading.calls_in(part)]
    if not cheap or len(cheap) == len(parts):
        return
    if not any(reading.calls_here(part) for part in parts) or not reading.is_repeatable(tokens):
        return
    before, after = ("NOT (", ") THEN false ") if operator == "and" else ("(", ") THEN true ")
    written: list[Part] = ["CASE "]
    for part in cheap:
        written += [f"WHEN {before}", reading.span(part), after]
    span = reading.span(tokens)
    written += ["ELSE ", span, " END"]
    reason = f"calls wait for the other side of {operator.upper()}"
    yield Change(Edit(span, tuple(written)), reason)
