"""A query back to text, with some of its places rewritten.

An `Edit` says what stands in the place of some tokens: text of its own, and pieces of the source,
which are rendered in turn, so that edits nest. Everything else stays as the user wrote it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from augursql.planner.bound import BoundQuery
from augursql.planner.lexer import Span
from augursql.planner.plan import Insertion

Write = Callable[[int, Sequence[str], str | None], str]


@dataclass(frozen=True, slots=True)
class Moved:
    """The call at `position` of the query, with other inputs (and labels) than it was written."""

    position: int
    inputs: tuple[tuple["Part", ...], ...]
    labels: tuple["Part", ...] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A query in FROM that is read in small batches, under a name of its own."""

    parts: tuple["Part", ...]


Part = str | Span | Moved | Stream


@dataclass(frozen=True, slots=True)
class Edit:
    """`parts` in the place of a span. The span itself may be one of the parts: then it is wrapped.

    A later edit of the same span wraps an earlier one.
    """

    span: Span
    parts: tuple[Part, ...]

    def keeps(self, span: Span) -> bool:
        """Whether what stands at `span` is still there after the edit, as a whole."""
        outside = span[1] <= self.span[0] or self.span[1] <= span[0]
        around = span[0] <= self.span[0] and self.span[1] <= span[1]
        places = _places(self.parts)
        return outside or around or any(a <= span[0] and span[1] <= b for a, b in places)


def _places(parts: Iterable[Part]) -> Iterator[Span]:
    """The pieces of the source among parts, and in them."""
    for part in parts:
        if isinstance(part, Stream):
            yield from _places(part.parts)
        elif isinstance(part, Moved):
            for inner in (*part.inputs, part.labels or ()):
                yield from _places(inner)
        elif not isinstance(part, str):
            yield part


class Renderer:
    """Renders a query. `write` gives the text of a call: position, inputs, labels.

    Where `stream` is given, it stands in the place of the query that is streamed.
    """

    stream: str = ""

    def __init__(
        self,
        bound: BoundQuery,
        edits: Iterable[Edit],
        write: Write,
        insertions: Iterable[Insertion] = (),
        listings: Sequence[str] = (),
    ) -> None:
        self._query = bound.query
        self._source = bound.query.whole or bound.query.text
        self._write = write
        self._calls = {c.call.span: i for i, c in enumerate(bound.calls)}
        written = [Edit(c.call.span, ()) for c in bound.calls]
        spans = [listing.span for listing in bound.query.listings]
        written += [Edit(span, (sql,)) for span, sql in zip(spans, listings, strict=False)]
        written += [Edit((i.offset, i.offset), (i.sql,)) for i in insertions]
        # Outer before inner; of equal spans, the later edit is the outer one.
        ranked = enumerate([*written, *edits])
        self._edits = sorted(ranked, key=lambda e: (e[1].span[0], -e[1].span[1], -e[0]))
        self._starts = [edit.span[0] for _, edit in self._edits]

    def text(self) -> str:
        """The whole statement."""
        start, end = self._query.span
        return self._render((start, end + 1), len(self._edits), end)

    def part(self, part: Part, rank: int | None = None) -> str:
        """One part of an edit of this rank; without a rank, with all edits."""
        if isinstance(part, str):
            return part
        if isinstance(part, Moved):
            labels = None if part.labels is None else self._joined(part.labels)
            return self._write(part.position, [self._joined(p) for p in part.inputs], labels)
        if isinstance(part, Stream):
            return self.stream or f"({self.streamed(part)})"
        return self._render(part, len(self._edits) if rank is None else rank, part[1])

    def streamed(self, stream: Stream) -> str:
        """The query of a stream."""
        return self._joined(stream.parts)

    def _joined(self, parts: Iterable["Part"]) -> str:
        return "".join(self.part(part) for part in parts)

    def _render(self, span: Span, below: int, end: int) -> str:
        start, parts, position = span[0], list[str](), span[0]
        for i in range(bisect_left(self._starts, start), len(self._edits)):
            rank, edit = self._edits[i]
            first, last = edit.span
            if first >= span[1]:
                break
            if first < position or last > span[1] or (edit.span == span and rank >= below):
                continue
            if first == last and first == start:
                continue  # A name that belongs to what stands before.
            parts.append(self._source[position:first])
            parts.append(self._replacement(edit, rank))
            position = last
        parts.append(self._source[position:end])
        return "".join(parts)

    def _replacement(self, edit: Edit, rank: int) -> str:
        position = self._calls.get(edit.span) if not edit.parts else None
        if position is None:
            return "".join(self.part(part, rank) for part in edit.parts)
        call = self._query.calls[position]
        labels = self.part(call.labels.span) if call.labels is not None else None
        return self._write(position, [self.part(a.span) for a in call.inputs], labels)
