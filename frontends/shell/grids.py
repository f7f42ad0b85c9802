"""The modes column, latex, markdown and table: every column has one width."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from augursql.frontends.shell.box import escaped, width
from augursql.frontends.shell.cells import Table, is_number
from augursql.frontends.shell.look import Look

_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Texts ready to print. `head` is empty where it is not to be shown; `right`: aligned so."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]
    right: Sequence[bool]

    def line(self, row: Sequence[str], edges: tuple[str, str, str]) -> str:
        """A row between its edges: what stands before it, between its cells, and behind it."""
        cells = [
            " " * (room - width(cell)) + cell if right else cell + " " * (room - width(cell))
            for cell, room, right in zip(row, self.widths, self.right, strict=True)
        ]
        return edges[0] + edges[1].join(cells) + edges[2] + "\n"


def written(table: Table, look: Look) -> Iterator[str]:
    """The table in the mode of `look`, line by line."""
    match look.mode:
        case "column":
            return _column(_grid(table, look, escaped), look)
        case "latex":
            return _latex(_grid(table, look, _latex_text))
        case "markdown":
            return _markdown(_grid(table, look, _markdown_text))
        case _:
            return _table(_grid(table, look, escaped))


def _grid(table: Table, look: Look, text: Callable[[str], str]) -> Grid:
    rows = [[text(look.null if c is None else c) for c in row] for row in table.rows()]
    # As in DuckDB's shell, the others would be no tables without their heads.
    shows_head = look.headers or look.mode != "column"
    head = [text(name) for name in table.names] if shows_head else []
    shown = [head, *rows] if head else rows
    widths = [max([1, *(width(row[i]) for row in shown)]) for i in range(len(table.names))]
    return Grid(head, rows, widths, [is_number(type_) for type_ in table.types])


def _column(grid: Grid, look: Look) -> Iterator[str]:
    asked = [*look.widths, *([0] * len(grid.widths))][: len(grid.widths)]
    widths = [max(room, abs(least)) for room, least in zip(grid.widths, asked, strict=True)]
    grid = Grid(grid.head, grid.rows, widths, [least < 0 for least in asked])
    edges = ("", "  ", "")
    if grid.head:
        yield grid.line(grid.head, edges)
        yield "  ".join("-" * room for room in widths) + "\n"
    yield from (grid.line(row, edges) for row in grid.rows)


def _table(grid: Grid) -> Iterator[str]:
    rule = "+" + "".join("-" * (room + 2) + "+" for room in grid.widths) + "\n"
    edges = ("| ", " | ", " |")
    yield rule
    yield grid.line(grid.head, edges)
    yield rule
    yield from (grid.line(row, edges) for row in grid.rows)
    yield rule


def _latex(grid: Grid) -> Iterator[str]:
    edges = ("", " & ", " \\\\")
    yield f"\\begin{{tabular}}{{|{''.join('r' if right else 'l' for right in grid.right)}|}}\n"
    yield "\\hline\n"
    yield grid.line(grid.head, edges)
    yield "\\hline\n"
    yield from (grid.line(row, edges) for row in grid.rows)
    yield "\\hline\n\\end{tabular}\n"


def _markdown(grid: Grid) -> Iterator[str]:
    edges = ("| ", " | ", " |")
    yield grid.line(grid.head, edges)
    rules = zip(grid.widths, grid.right, strict=True)
    yield "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in rules) + "|\n"
    yield from (grid.line(row, edges) for row in grid.rows)


def _latex_text(value: str) -> str:
    return "".join(_LATEX.get(char, char) for char in escaped(value))


def _markdown_text(value: str) -> str:
    return escaped(value.replace("|", "\\|").replace("\n", "<br>"))
