"""Rows as a box, as DuckDB's shell draws them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from augursql.frontends.shell.cells import Row, is_number

NARROWEST = 8
DIM, RESET = "\x1b[90m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is drawn: `width` in columns of the terminal, None for no limit, and `rows`.

    `colour`: NULL is drawn dim, as DuckDB's shell does.
    """

    width: int | None
    rows: int | None
    colour: bool = False


def box(
    names: Sequence[str],
    types: Sequence[str],
    rows: Sequence[Row],
    limits: Limits,
    null: str = "NULL",
) -> str:
    """A table with a head of names and types, cut to `limits` with an ellipsis where needed."""
    head, tail = _shown(rows, limits.rows)
    cells = [[null if v is None else escaped(v) for v in row] for row in (*head, *tail)]
    lowered = [t.lower() for t in types]
    wanted = [
        max([width(names[i]), width(_short(lowered[i])), *(width(row[i]) for row in cells)])
        for i in range(len(names))
    ]
    widths = _fitted(wanted, limits.width)
    right = [is_number(t) for t in types]
    lines = [_rule("┌┬┐", widths)]
    lines.append(_line([_centred(names[i], w) for i, w in enumerate(widths)]))
    lines.append(_line([_centred(_short(lowered[i]), w) for i, w in enumerate(widths)]))
    lines.append(_rule("├┼┤", widths))
    for number, (row, values) in enumerate(zip(cells, (*head, *tail), strict=True)):
        if tail and number == len(head):
            lines += [_line([_centred("·", w) for w in widths])] * 3
        drawn = [_aligned(row[i], w, right[i]) for i, w in enumerate(widths)]
        if limits.colour:
            drawn = [
                f"{DIM}{cell}{RESET}" if value is None else cell
                for cell, value in zip(drawn, values, strict=True)
            ]
        lines.append(_line(drawn))
    lines.append(_rule("└┴┘", widths))
    if len(rows) > 10 or tail:
        shown = f", {len(head) + len(tail)} shown" if tail else ""
        lines.append(f"  {len(rows):,} rows{shown}")
    return "\n".join(lines)


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


def _line(cells: Sequence[str]) -> str:
    return "│" + "│".join(f" {cell} " for cell in cells) + "│"


def _rule(corners: str, widths: Sequence[int]) -> str:
    left, middle, right = corners[0], corners[1], corners[2]
    return left + middle.join("─" * (w + 2) for w in widths) + right
