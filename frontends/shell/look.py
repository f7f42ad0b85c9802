"""How results are shown: what the options of the command line and the dot commands change."""

from dataclasses import dataclass
from typing import Literal, get_args

Mode = Literal["box", "csv", "json", "jsonlines", "line", "list", "markdown", "tabs"]
MODES: tuple[Mode, ...] = get_args(Mode)
SEPARATORS: dict[Mode, str] = {"csv": ",", "list": "|", "tabs": "\t"}
SHOWN_ROWS = 40


@dataclass(slots=True)
class Look:
    """Owned by one Script. `rows`: the most that a box shows, 0 for all, None for 40 in a terminal
    and all elsewhere; `width`: of a box, 0 for that of the terminal.
    """

    mode: Mode = "box"
    headers: bool = True
    null: str = "NULL"
    separator: str | None = None
    rows: int | None = None
    width: int = 0
    timer: bool = False
    changes: bool = False
    echo: bool = False
    bail: bool = True
    plain_explain: bool = True
    pager: Literal["automatic", "on", "off"] = "automatic"

    @property
    def column_separator(self) -> str:
        """What stands between two values in the modes csv, list and tabs."""
        return SEPARATORS.get(self.mode, "|") if self.separator is None else self.separator
