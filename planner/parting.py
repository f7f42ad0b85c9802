"""An expression in two: what a query below computes, and the calls over it in the query above."""

from dataclasses import dataclass, field

from augursql.planner.lexer import Span
from augursql.planner.reading import Reading
from augursql.planner.render import Moved, Part

PREFIX = "__augur_"


@dataclass(slots=True)
class Pieces:
    """The columns that the lower query hands up: each text once, under a name of ours."""

    reading: Reading
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)

    def name(self, tokens: range) -> str:
        """The name for the expression at these tokens."""
        text = self.reading.text(tokens)
        if text not in self.names:
            self.names[text] = f"{PREFIX}{len(self.names) + 1}"
            self.places[text] = self.reading.span(tokens)
        return self.names[text]

    def columns(self) -> list[tuple[Span, str]]:
        """Where each piece stands in the source, and its name."""
        return [(self.places[text], name) for text, name in self.names.items()]


def part(reading: Reading, tokens: range, pieces: Pieces) -> list[Part] | None:
    """The expression over pieces. None where it cannot be taken apart without a change of meaning:
    in aggregates and windows, with volatile functions, in subqueries and lambdas.
    """
    columns = reading.columns(tokens)
    unsafe = reading.outer_kinds(tokens) & {"aggregate", "volatile", "unknown"}
    calls = reading.calls_here(tokens)
    if columns is None or unsafe or len(calls) != len(reading.calls_in(tokens)):
        return None
    places = {p: reading.call_tokens[p] for p in calls}
    outer = [p for p in calls if not any(_inside(places[p], places[q]) for q in calls)]
    moved: list[tuple[Span, Part]] = [(reading.span(c), pieces.name(c)) for c in columns]
    for position in outer:
        call = _moved(reading, position, pieces)
        if call is None:
            return None
        moved.append((reading.call(position).call.span, call))
    parts = list[Part]()
    at, end = reading.span(tokens)
    for (start, stop), replacement in sorted(moved, key=lambda place: place[0]):
        parts += [(at, start), replacement] if start > at else [replacement]
        at = stop
    return [*parts, (at, end)] if end > at else parts


def _inside(inner: range, outer: range) -> bool:
    return inner != outer and outer.start <= inner.start and inner.stop <= outer.stop


def _moved(reading: Reading, position: int, pieces: Pieces) -> Moved | None:
    call = reading.call(position).call
    inputs = [_input(reading, argument.span, pieces) for argument in call.inputs]
    labels = None if call.labels is None else _input(reading, call.labels.span, pieces)
    if None in inputs or (call.labels is not None and labels is None):
        return None
    return Moved(position, tuple(tuple(i) for i in inputs if i is not None), labels)


def _input(reading: Reading, span: Span, pieces: Pieces) -> tuple[Part, ...] | None:
    """A constant stays with the call, and so does a call; the rest is computed below."""
    tokens = reading.tokens(span)
    if reading.calls_in(tokens):
        parts = part(reading, tokens, pieces)
        return None if parts is None else tuple(parts)
    if reading.columns(tokens) == [] and not reading.kinds_in(tokens):
        return (span,)
    return (pieces.name(tokens),)
