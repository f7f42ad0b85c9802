"""What the functions of a session do when DuckDB calls them: it depends on the statement."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augursql.database.budget import Budget


class Mode(Enum):
    """What the functions of a session do when DuckDB calls them.

    RUN: they answer. COLLECT: they note what they were asked and answer NULL.
    """

    RUN = "run"
    COLLECT = "collect"


@dataclass(slots=True)
class Desk:
    """What the doors of a session share. `failures` are what functions raised under DuckDB, which
    keeps only the text of an error. `budget` is asked before each batch, where there is one."""

    mode: Mode = Mode.RUN
    failures: list[BaseException] = field(default_factory=list)
    budget: "Budget | None" = None
