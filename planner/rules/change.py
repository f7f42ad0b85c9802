"""What a rule answers: an edit and, in words for EXPLAIN, what it is good for."""

from dataclasses import dataclass

from augursql.planner.render import Edit


@dataclass(frozen=True, slots=True)
class Change:
    edit: Edit
    reason: str
