"""The output modes: rows of texts to what is printed, as DuckDB's shell prints it.

Those in this file print each row as it comes; those of `box` and `grids` measure all rows first.
"""

import html
import json
import re
from collections.abc import Callable, Iterator

from augursql.frontends.shell import grids
from augursql.frontends.shell.box import Limits, box, width
from augursql.frontends.shell.cells import Row, Table, is_number
from augursql.frontends.shell.look import Look
from augursql.planner.lexer import literal, quoted

Cell = Callable[[str | None, bool], str]

_CSV_SPECIAL = re.compile(r'["\r\n]')
_FINITE = re.compile(r"-?[\d.]+(?:e[+-]?\d+)?")
_TCL = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "[": "\\[", "$": "\\$"}
)


def written(table: Table, look: Look, limits: Limits) -> Iterator[str]:
    """The table as text, piece by piece, each with the ends of its lines."""
    match look.mode:
        case "box":
            yield box(table.names, table.types, table.rows(), limits, look.null) + "\n"
        case "column" | "latex" | "markdown" | "table":
            yield from grids.written(table, look)
        case "html":
            yield from _html(table, look)
        case "insert":
            yield from _inserts(table, look)
        case "json":
            yield from _json(table)
        case "jsonlines":
            yield from (line + "\n" for line in _objects(table))
        case "line":
            yield from _lines(table, look)
        case "trash":
            for _ in table.chunks:
                yield ""
        case "ascii" | "csv" | "list" | "quote" | "tabs" | "tcl":
            yield from _separated(table, look, _cell(look))


def _separated(table: Table, look: Look, cell: Cell) -> Iterator[str]:
    separator, end = look.column_separator, look.line_end
    bare = [_is_bare(type_) for type_ in table.types]

    def line(row: Row) -> str:
        return separator.join(map(cell, row, bare)) + end

    if look.headers:
        yield separator.join(cell(name, False) for name in table.names) + end
    for chunk in table.chunks:
        yield "".join(map(line, chunk))


def _cell(look: Look) -> Cell:
    """How a mode writes a value; it is told whether the value's type needs no quotes in SQL."""
    match look.mode:
        case "csv":
            return lambda value, bare: _csv(_known(value, look), look.column_separator)
        case "quote":
            return _sql
        case "tcl":
            return lambda value, bare: f'"{_known(value, look).translate(_TCL)}"'
        case _:
            return lambda value, bare: _known(value, look)


def _known(value: str | None, look: Look) -> str:
    return look.null if value is None else value


def _csv(value: str, separator: str) -> str:
    if separator not in value and not _CSV_SPECIAL.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _is_bare(type_: str) -> bool:
    return type_ == "BOOLEAN" or is_number(type_)


def _sql(value: str | None, bare: bool) -> str:
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    if bare and (_FINITE.fullmatch(value) or value in ("true", "false")):
        return value
    return literal(value)


def _inserts(table: Table, look: Look) -> Iterator[str]:
    bare = [_is_bare(type_) for type_ in table.types]
    columns = f"({','.join(map(quoted, table.names))})" if look.headers else ""
    begin = f"INSERT INTO {quoted(look.table)}{columns} VALUES("
    for chunk in table.chunks:
        yield "".join(f"{begin}{','.join(map(_sql, row, bare))});\n" for row in chunk)


def _html(table: Table, look: Look) -> Iterator[str]:
    def line(row: Row, tag: str) -> str:
        cells = (f"<{tag}>{html.escape(_known(value, look))}</{tag}>\n" for value in row)
        return f"<tr>{''.join(cells)}</tr>\n"

    if look.headers:
        yield line(table.names, "th")
    for chunk in table.chunks:
        yield "".join(line(row, "td") for row in chunk)


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
            values = [_known(cell, look) for cell in row]
            lines = [f"{name} = {value}\n" for name, value in zip(names, values, strict=True)]
            yield ("" if first else "\n") + "".join(lines)
            first = False
