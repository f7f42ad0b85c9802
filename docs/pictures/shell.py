"""Draws docs/pictures/shell.svg: the shell's own screen, after these lines were typed into it.

Run from the top of the source: python -m docs.pictures.shell
"""

import html
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pyte.screens import Char

from tests.frontends.screen import ROOT, Screen

REVIEWS = ROOT / "sql_examples" / "hotel_reviews.csv"
SIZE = (27, 104)
TYPED = (
    "CREATE INDEX hotels ON reviews USING HNSW (review);",
    "SELECT hotel, review, predict('rating', review USING INDEX hotels) AS predicted\n"
    "FROM reviews WHERE rating IS NULL LIMIT 6;",
    "SELECT predict('rating', review USING INDEX hotel) FROM reviews;",
)
FONT, WIDTH, HEIGHT, EDGE, BAR = 14, 8.43, 16.3, 18, 34
GROUND, INK = "#1e1f29", "#e6e6e6"
COLOURS = {
    "default": INK,
    "black": "#21222c",
    "red": "#ff6b6b",
    "green": "#8fd98f",
    "brown": "#e8c872",  # pyte's word for yellow
    "blue": "#7aa2f7",
    "magenta": "#e58fe5",
    "cyan": "#6fd3d3",
    "white": "#f8f8f2",
    "brightblack": "#8b90a8",
    "brightmagenta": "#ff92f5",
}


def typed(folder: Path) -> Screen:
    """A shell in which all lines have been typed and answered."""
    database = folder / "hotels.duckdb"
    sql = f"CREATE TABLE reviews AS FROM '{REVIEWS}'"
    subprocess.run([sys.executable, "-m", "augursql", database, "-c", sql], check=True)
    (folder / ".augurrc").write_text(".startup_text none\n")
    screen = Screen([str(database)], folder, SIZE)
    for number, text in enumerate(TYPED, 2):
        prompts = screen.until(lambda shown: shown.endswith("augur>")).count("augur>")
        assert prompts == number - 1
        for line in text.split("\n"):
            screen.send(line + "\r")
        screen.until(lambda shown, wanted=number: shown.count("augur>") == wanted)
    return screen


def spans(line: dict[int, Char], columns: int) -> Iterator[tuple[int, str, Char]]:
    """The pieces of a line of one colour each: the column where it begins, its text, its look."""
    cells = [(column, line[column]) for column in range(columns)]
    for _, group in groupby(cells, lambda cell: (cell[1].fg, cell[1].bold, cell[1].italics)):
        piece = list(group)
        text = "".join(char.data for _, char in piece)
        if text.strip():
            yield piece[0][0], text, piece[0][1]


def drawn(screen: Screen) -> str:
    """The screen as SVG, in a window, without the empty lines at its end."""
    columns, lines = screen.screen.columns, len(screen.text.split("\n"))
    width, height = columns * WIDTH + 2 * EDGE, lines * HEIGHT + 2 * EDGE + BAR
    written = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" '
        'aria-label="The shell predicts ratings of hotel reviews, and points at a mistake">',
        f'<rect width="100%" height="100%" rx="10" fill="{GROUND}"/>',
        *(
            f'<circle cx="{22 + 20 * number}" cy="20" r="6" fill="{colour}"/>'
            for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}">',
    ]
    for number in range(lines):
        for column, text, look in spans(screen.screen.buffer[number], columns):
            bare = text.rstrip()
            x, y = EDGE + column * WIDTH, BAR + EDGE + number * HEIGHT + FONT
            weight = ' font-weight="bold"' if look.bold else ""
            written.append(
                f'<text x="{x:.1f}" y="{y:.1f}" textLength="{len(bare) * WIDTH:.1f}" '
                f'fill="{COLOURS.get(look.fg, INK)}"{weight} xml:space="preserve">'
                f"{html.escape(bare, quote=False)}</text>"
            )
    return "\n".join([*written, "</g>", "</svg>"]) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        screen = typed(Path(folder))
        Path(__file__).with_suffix(".svg").write_text(drawn(screen), encoding="utf-8")
        screen.send("\x04")
        screen.leave()
