"""Rules: each rewrites a bound query so that fewer inputs reach a model. The rows stay the same.

A rule is a function from a `Reading` to the edits it would make, each with a reason in words. The
rules run in the order of `RULES`; a later one may wrap what an earlier one wrote. None executes
anything, and none needs to know a table's columns: they move text around that DuckDB checks.

Every rule has a file of fixtures in `tests/rules/fixtures` that shows what it does, and all of them
are proved on random queries: the same rows, never more evaluations.
"""

from dataclasses import dataclass, replace

from augursql.planner.reading import Reading
from augursql.planner.render import Edit
from augursql.planner.rules.defer import defer
from augursql.planner.rules.guard import guard
from augursql.planner.rules.halt import halt
from augursql.planner.rules.short_circuit import short_circuit

RULES = (halt, guard, short_circuit, defer)


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did: its name, the reasons, and all edits up to and including its own."""

    rule: str
    reasons: tuple[str, ...]
    edits: tuple[Edit, ...]


def rewrite(reading: Reading) -> tuple[Step, ...]:
    """The steps of the rules that changed something, in order."""
    steps = list[Step]()
    for rule in RULES:
        changes = rule(reading)
        if changes:
            edits = (*reading.edits, *(change.edit for change in changes))
            reading = replace(reading, edits=edits)
            reasons = tuple(dict.fromkeys(change.reason for change in changes))
            steps.append(Step(rule.__name__, reasons, edits))
    return tuple(steps)
