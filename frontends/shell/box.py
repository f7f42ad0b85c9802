"""Rows as a box, as DuckDB's shell draws them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augursql.frontends.shell.cells import Row, is_number

NARROWEST = 8
BOLD, DIM, RESET = "\x1b[1m", "\x1b[90m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is drawn: `width` in columns of the terminal, None for no limit, and `rows`.

    `colour`: names are bold, types and NULL dim, as in DuckDB's shell.
    """

    width: int | None
    rows: int | None
    colour: bool = False


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    cells: Sequence[str]
    nulls: Sequence[bool]
    right: bool

    @property
    def width(self) -> int:
        return max(map(width, (self.name, self.type, *self.cells)))


def box(
    names: Sequence[str],
    types: Sequence[str],
    rows: Sequence[Row],
    limits: Limits,
    null: str = "NULL",
) -> str:
    """A table with a head of names and types, cut to `limits` with an ellipsis where needed."""
    head, tail = _shown(rows, limits.rows)
    all_columns = [
        _column(names[i], types[i], [row[i] for row in (*head, *tail)], null)
        for i in range(len(names))
    ]
    columns = _fewer(all_columns, limits.width)
    widths = _fitted([column.width for column in columns], limits.width)
    both = list(zip(columns, widths, strict=True))
    lines = [_rule("┌┬┐", widths)]
    lines.append(_line(_styled(_centred(c.name, w), BOLD, limits) for c, w in both))
    lines.append(_line(_styled(_centred(c.type, w), DIM, limits) for c, w in both))
    lines.append(_rule("├┼┤", widths))
    for number in range(len(head) + len(tail)):
        if tail and number == len(head):
            lines += [_line(_centred("·", w) for w in widths)] * 3
        drawn = ((_aligned(c.cells[number], w, c.right), c.nulls[number]) for c, w in both)
        lines.append(_line(_styled(cell, DIM if dim else "", limits) for cell, dim in drawn))
    lines.append(_rule("└┴┘", widths))
    notes = []
    if len(rows) > 10 or tail:
        notes.append(f"{len(rows):,} rows" + (f", {len(head) + len(tail)} shown" if tail else ""))
    if len(columns) < len(names):
        notes.append(f"{len(names)} columns, {len(columns) - 1} shown")
    return "\n".join([*lines, *(["  " + "; ".join(notes)] if notes else [])])


def _column(name: str, type_: str, values: Sequence[str | None], null: str) -> _Column:
    return _Column(
        escaped(name),
        _short(type_.lower()),
        [null if value is None else escaped(value) for value in values],
        [value is None for value in values],
        is_number(type_),
    )


def _fewer(columns: list[_Column], limit: int | None) -> list[_Column]:
    """Without those in the middle for which there is no room at all, and a mark in their place."""
    least = [min(column.width, NARROWEST) + 3 for column in columns]
    if limit is None or sum(least) < limit:
        return columns
    first, last, room = 1, 0, limit - 1 - len(" … │") - least[0]
    while first + last < len(columns):
        takes = least[first] if first <= last else least[-last - 1]
        room -= takes
        if room < 0:
            break
        first, last = (first + 1, last) if first <= last else (first, last + 1)
    some = columns[0].cells
    mark = _Column("…", "", ["…"] * len(some), [False] * len(some), False)
    return [*columns[:first], mark, *columns[len(columns) - last :]]


def escaped(value: str) -> str:
    """A text on one line, without what would move a terminal's cursor."""
    if value.isprintable():
        return value
    value = value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02X}" for c in value)


def width(string: str) -> int:
    """Columns that a string takes in a terminal."""
    if string.isascii():
        return len(string)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in string
    )


def _short(type_: str) -> str:
    if type_ == '"null"':
        return "integer"  # A column of nothing but NULL, as DuckDB's shell calls it.
    return type_ if len(type_) <= 24 else type_.split("(", 1)[0] + "(…)"


def _shown(rows: Sequence[Row], most: int | None) -> tuple[Sequence[Row], Sequence[Row]]:
    if not most or len(rows) <= most + 3:
        return rows, []
    return rows[: most - most // 2], rows[len(rows) - most // 2 :]


def _fitted(wanted: list[int], limit: int | None) -> list[int]:
    """Widths that fit: the widest columns give way first."""
    if limit is None:
        return wanted
    widths = list(wanted)
    room = limit - 3 * len(widths) - 1
    while sum(widths) > room and max(widths) > NARROWEST:
        widest = widths.index(max(widths))
        second = max([w for w in widths if w < widths[widest]], default=NARROWEST)
        over = sum(widths) - room
        equals = [i for i, w in enumerate(widths) if w == widths[widest]]
        give = min(widths[widest] - max(second, NARROWEST), -(-over // len(equals)))
        for i in equals:
            widths[i] -= max(give, 1)
    return widths


def _cut(string: str, room: int) -> str:
    if width(string) <= room:
        return string
    kept = ""
    for char in string:
        if width(kept + char) > room - 1:
            break
        kept += char
    return kept + "…"


def _aligned(string: str, room: int, right: bool) -> str:
    cut = _cut(string, room)
    gap = " " * (room - width(cut))
    return gap + cut if right else cut + gap


def _centred(string: str, room: int) -> str:
    cut = _cut(string, room)
    gap = room - width(cut)
    return " " * (gap // 2) + cut + " " * (gap - gap // 2)


def _styled(cell: str, style: str, limits: Limits) -> str:
    return f"{style}{cell}{RESET}" if style and limits.colour else cell


def _line(cells: Iterable[str]) -> str:
    return "│" + "│".join(f" {cell} " for cell in cells) + "│"


def _rule(corners: str, widths: Sequence[int]) -> str:
    left, middle, right = corners[0], corners[1], corners[2]
    return left + middle.join("─" * (w + 2) for w in widths) + right
