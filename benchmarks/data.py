"""Where the benchmarks' data lie, and how a table of results is printed."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def path(name: str) -> str:
    """The path of a data file; ends the benchmark with a reason where it is missing."""
    default = Path(__file__).parents[2] / "shared" / "data"
    file = Path(os.environ.get("AUGUR_TEST_DATA", default)) / name
    if not file.is_file():
        print(f"skipped: {file} is missing; set AUGUR_TEST_DATA to the folder of test data")
        sys.exit(0)
    return str(file)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a Markdown table."""
    cells = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    for number, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")


def verdict(missed: Sequence[str]) -> None:
    """Says which targets were missed and ends the benchmark."""
    for target in missed:
        print(f"missed: {target}")
    sys.exit(1 if missed else 0)
