"""How results are shown: what the options of the command line and the dot commands change."""

import os
from dataclasses import dataclass, field
from typing import Literal, get_args

Mode = Literal[
    "ascii",
    "box",
    "column",
    "csv",
    "html",
    "insert",
    "json",
    "jsonlines",
    "latex",
    "line",
    "list",
    "markdown",
    "quote",
    "table",
    "tabs",
    "tcl",
    "trash",
]
MODES: tuple[Mode, ...] = get_args(Mode)
SEPARATORS: dict[Mode, str] = {
    "ascii": "\x1f",
    "csv": ",",
    "list": "|",
    "quote": ",",
    "tabs": "\t",
    "tcl": " ",
}
SHOWN_ROWS = 40
PROMPT, CONTINUED = "augur> ", "  ...> "


def _colours_wanted() -> bool:
    """NO_COLOR is how a person tells all programs that no colours are wanted."""
    return not os.environ.get("NO_COLOR")


@dataclass(slots=True)
class Look:
    """Owned by one Script. `rows`: the most that a box shows, 0 for all, None for 40 in a terminal
    and all elsewhere; `width`: of a box, 0 for that of the terminal; `widths`: of the columns in
    mode column, negative to align right; `table`: what mode insert inserts into.
    """

    mode: Mode = "box"
    table: str = "table"
    headers: bool = True
    null: str = "NULL"
    separator: str | None = None
    row_separator: str | None = None
    rows: int | None = None
    width: int = 0
    widths: tuple[int, ...] = ()
    timer: bool = False
    changes: bool = False
    echo: bool = False
    bail: bool = True
    plain_explain: bool = True
    pager: Literal["automatic", "on", "off"] = "automatic"
    pager_command: str | None = None
    prompt: str = PROMPT
    continued: str = CONTINUED
    startup_text: Literal["all", "version", "none"] = "all"
    highlight: bool = field(default_factory=_colours_wanted)
    highlight_errors: bool = field(default_factory=_colours_wanted)
    highlight_results: bool = field(default_factory=_colours_wanted)

    @property
    def column_separator(self) -> str:
        """What stands between two values in the modes of SEPARATORS."""
        return SEPARATORS.get(self.mode, "|") if self.separator is None else self.separator

    @property
    def line_end(self) -> str:
        """What stands behind each row in the modes of SEPARATORS."""
        if self.row_separator is not None:
            return self.row_separator
        return "\x1e" if self.mode == "ascii" else "\n"
