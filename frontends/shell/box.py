"""Rows as a box, as DuckDB's shell draws them."""

import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

SHOWN_ROWS = 40
NARROWEST = 8
MOST_COLUMN = 60

_NUMERIC = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "NUMBER")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is drawn: `width` in columns of the terminal, None for no limit, and `rows`."""

    width: int | None
    rows: int | None


def box(
    names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]], limits: Limits
) -> str:
    """A table with a head of names and types, cut to `limits` with an ellipsis where needed."""
    head, tail = _shown(rows, limits.rows)
    cells = [[text(value) for value in row] for row in (*head, *tail)]
    lowered = [t.lower() for t in types]
    wanted = [
        max([width(names[i]), width(_short(lowered[i])), *(width(row[i]) for row in cells)])
        for i in range(len(names))
    ]
    widths = _fitted(wanted, limits.width)
    right = [
        any(n in t.upper() for n in _NUMERIC) and "[" not in t and "(" not in t.split("DEC")[0]
        for t in types
    ]
    lines = [_rule("┌┬┐", widths)]
    lines.append(_line([_centred(names[i], w) for i, w in enumerate(widths)]))
    lines.append(_line([_centred(_short(lowered[i]), w) for i, w in enumerate(widths)]))
    lines.append(_rule("├┼┤", widths))
    for number, row in enumerate(cells):
        if tail and number == len(head):
            lines += [_line([_centred("·", w) for w in widths])] * 3
        lines.append(_line([_aligned(row[i], w, right[i]) for i, w in enumerate(widths)]))
    lines.append(_rule("└┴┘", widths))
    if len(rows) > 10 or tail:
        shown = f", {len(head) + len(tail)} shown" if tail else ""
        lines.append(f"  {len(rows):,} rows{shown}")
    return "\n".join(lines)


def text(value: Any) -> str:
    """A value as DuckDB prints it, on one line."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inner(k)}: {_inner(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    if isinstance(value, bytes):
        return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02X}" for b in value)
    if isinstance(value, datetime.datetime):
        return str(value)
    return str(value).replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def width(string: str) -> int:
    """Columns that a string takes in a terminal."""
    if string.isascii():
        return len(string)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in string
    )


def _inner(value: Any) -> str:
    if isinstance(value, str):
        return "'" + text(value).replace("'", "''") + "'"
    return text(value) if not isinstance(value, Decimal) else str(value)


def _short(type_: str) -> str:
    return type_ if len(type_) <= 24 else type_.split("(", 1)[0] + "(…)"


def _shown(
    rows: Sequence[Sequence[Any]], most: int | None
) -> tuple[Sequence[Sequence[Any]], Sequence[Sequence[Any]]]:
    if most is None or len(rows) <= most + 3:
        return rows, []
    return rows[: most // 2], rows[-(most // 2) :]


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
