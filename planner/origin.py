"""Where each part of a rewritten text stands in the text that the user wrote.

A rewritten text is put together from pieces: verbatim ones, each of whose characters has its place
in the original, and made ones, which stand for a part of the original as a whole. An error in the
rewritten text is shown where the user can correct it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from augursql.errors import AugurError
from augursql.masking import masked
from augursql.planner.lexer import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """`start` in the rewritten text; `origin` in the user's; `verbatim`: equal to its origin."""

    start: int
    origin: Span
    verbatim: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """`text` is the rewritten one, `written` the user's; `pieces` cover `text` in order."""

    text: str
    written: str
    pieces: tuple[Piece, ...]

    def place(self, span: Span) -> Span:
        """The part of the user's text that a part of the rewritten one comes from."""
        first, last = self._at(span[0]), self._at(max(span[0], span[1] - 1))
        return (first[0], max(first[0], last[1]))

    def _at(self, offset: int) -> Span:
        """The origin of one character."""
        number = bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1
        piece = self.pieces[max(number, 0)]
        if not piece.verbatim:
            return piece.origin
        start = piece.origin[0] + offset - piece.start
        return (start, start + 1)

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Errors with a place in the rewritten text leave with their place in the user's."""
        try:
            yield
        except AugurError as error:
            if error.sql == masked(self.text):
                error.span = None if error.span is None else self.place(error.span)
                error.sql = self.written
            raise


class Writer:
    """Puts a text together and keeps where its pieces come from."""

    def __init__(self, written: str) -> None:
        self._written = written
        self._parts: list[str] = []
        self._pieces: list[Piece] = []
        self._length = 0

    def copy(self, span: Span) -> None:
        """Adds a part of the user's text as it is."""
        self._add(self._written[slice(*span)], span, verbatim=True)

    def make(self, text: str, origin: Span) -> None:
        """Adds a text that stands for a part of the user's."""
        self._add(text, origin, verbatim=False)

    def origin(self) -> Origin:
        return Origin("".join(self._parts), self._written, tuple(self._pieces))

    def _add(self, text: str, origin: Span, verbatim: bool) -> None:
        if text:
            self._parts.append(text)
            self._pieces.append(Piece(self._length, origin, verbatim))
            self._length += len(text)
