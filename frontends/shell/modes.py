"""The output modes: rows of texts to what is printed, as DuckDB's shell prints it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from augursql.frontends.shell.box import Limits, box, escaped, width
from augursql.frontends.shell.cells import Row, is_number
from augursql.frontends.shell.look import Look

_CSV_SPECIAL = re.compile(r'["\r\n]')


@dataclass(frozen=True, slots=True)
class Table:
    """Rows on their way to the screen: they come in chunks and can be read once."""

    names: Sequence[str]
    types: Sequence[str]
    chunks: Iterator[list[Row]]

    def rows(self) -> list[Row]:
        """All of them."""
        return [row for chunk in self.chunks for row in chunk]


def written(table: Table, look: Look, limits: Limits) -> Iterator[str]:
    """The table as text, piece by piece, each with the ends of its lines."""
    match look.mode:
        case "box":
            yield box(table.names, table.types, table.rows(), limits, look.null) + "\n"
        case "markdown":
            yield from _markdown(table, look)
        case "json":
            yield from _json(table)
        case "jsonlines":
            yield from (line + "\n" for line in _objects(table))
        case "line":
            yield from _lines(table, look)
        case "csv" | "list" | "tabs":
            yield from _separated(table, look)


def _separated(table: Table, look: Look) -> Iterator[str]:
    separator = look.column_separator
    quoted = look.mode == "csv"

    def line(cells: Row) -> str:
        values = [look.null if cell is None else cell for cell in cells]
        if quoted:
            values = [_csv(value, separator) for value in values]
        return separator.join(values) + "\n"

    if look.headers:
        yield line(table.names)
    for chunk in table.chunks:
        yield "".join(map(line, chunk))


def _csv(value: str, separator: str) -> str:
    if separator not in value and not _CSV_SPECIAL.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _objects(table: Table) -> Iterator[str]:
    keys = [json.dumps(name, ensure_ascii=False) for name in table.names]
    for chunk in table.chunks:
        for row in chunk:
            pairs = zip(keys, row, strict=True)
            yield "{" + ",".join(f"{k}:{'null' if v is None else v}" for k, v in pairs) + "}"


def _json(table: Table) -> Iterator[str]:
    before = "["
    for line in _objects(table):
        yield before + line
        before = ",\n"
    yield "]\n" if before != "[" else "[]\n"


def _lines(table: Table, look: Look) -> Iterator[str]:
    room, first = max(5, *map(width, table.names)), True
    names = [" " * (room - width(name)) + name for name in table.names]
    for chunk in table.chunks:
        for row in chunk:
            values = [look.null if cell is None else cell for cell in row]
            lines = [f"{name} = {value}\n" for name, value in zip(names, values, strict=True)]
            yield ("" if first else "\n") + "".join(lines)
            first = False


def _markdown(table: Table, look: Look) -> Iterator[str]:
    rows = [[_marked(look.null if c is None else c) for c in row] for row in table.rows()]
    names = [_marked(name) for name in table.names]
    shown = [names, *rows] if look.headers else rows
    widths = [max([1, *(width(row[i]) for row in shown)]) for i in range(len(names))]
    right = [is_number(type_) for type_ in table.types]

    def line(cells: Sequence[str]) -> str:
        padded = [
            " " * (w - width(c)) + c if r else c + " " * (w - width(c))
            for c, w, r in zip(cells, widths, right, strict=True)
        ]
        return "| " + " | ".join(padded) + " |\n"

    if look.headers:
        yield line(names)
        rules = ("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True))
        yield "|" + "|".join(rules) + "|\n"
    yield from map(line, rows)


def _marked(value: str) -> str:
    return escaped(value.replace("|", "\\|").replace("\n", "<br>"))
