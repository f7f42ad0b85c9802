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
    if any(len(reading.calls_in(reading.call_tokens[p])) > 1 for p in calls):
        return None  # A call inside of a call would be made below all the same.
    moved: list[tuple[Span, Part]] = [(reading.span(c), pieces.name(c)) for c in columns]
    moved += [(reading.call(p).call.span, _moved(reading, p, pieces)) for p in calls]
    parts = list[Part]()
    at, end = reading.span(tokens)
    for (start, stop), replacement in sorted(moved, key=lambda place: place[0]):
        parts += [(at, start), replacement] if start > at else [replacement]
        at = stop
    return [*parts, (at, end)] if end > at else parts


def _moved(reading: Reading, position: int, pieces: Pieces) -> Moved:
    call = reading.call(position).call
    inputs = tuple(_input(reading, argument.span, pieces) for argument in call.inputs)
    labels = _input(reading, call.labels.span, pieces) if call.labels is not None else None
    return Moved(position, inputs, labels)


def _input(reading: Reading, span: Span, pieces: Pieces) -> str:
    """A constant stays with the call; everything else is computed below."""
    tokens = reading.tokens(span)
    if reading.columns(tokens) == [] and not reading.kinds_in(tokens):
        return reading.text(tokens)
    return pieces.name(tokens)
