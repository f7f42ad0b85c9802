"""Rules: each rewrites a bound query so that fewer inputs reach a model. The rows stay the same.

A rule is a function from a `Reading` to the edits it would make, each with a reason in words. The
rules run in the order of `RULES`; a later one may wrap what an earlier one wrote. None executes
anything, and none needs to know a table's columns: they move text around that DuckDB checks.

Every rule has a file of fixtures in `tests/rules/fixtures` that shows what it does, and all of them
are proved on random queries: the same rows, never more evaluations.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from augursql.planner.emit import as_written
from augursql.planner.reading import Reading
from augursql.planner.rules.change import Change
from augursql.planner.rules.defer import defer
from augursql.planner.rules.guard import guard
from augursql.planner.rules.halt import halt
from augursql.planner.rules.hold import hold
from augursql.planner.rules.match import match
from augursql.planner.rules.retrieve import retrieve
from augursql.planner.rules.short_circuit import short_circuit

RULES = (halt, hold, guard, short_circuit, defer)


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did: its name, the reasons, and all edits up to and including its own."""

    rule: str
    reasons: tuple[str, ...]
    reading: Reading

    @property
    def text(self) -> str:
        """The statement after the step, in our own language."""
        return as_written(self.reading.bound, self.reading.edits).text()


def search(reading: Reading) -> Step | None:
    """The step that makes index searches of what can be one: its text has new calls, so it is to
    be parsed and bound before the other rules see it. None where there is no such place."""
    return _step(reading, retrieve) or _step(reading, match)


def rewrite(reading: Reading) -> tuple[Step, ...]:
    """The steps of the rules that changed something, in order."""
    steps = list[Step]()
    for rule in RULES:
        step = _step(reading, rule)
        if step is not None:
            reading = step.reading
            steps.append(step)
    return tuple(steps)


def _step(reading: Reading, rule: Callable[[Reading], list[Change]]) -> Step | None:
    changes = [
        change
        for change in rule(reading)
        if all(edit.keeps(change.edit.span) for edit in reading.edits)
    ]
    if not changes:
        return None
    edits = (*reading.edits, *(change.edit for change in changes))
    reasons = tuple(dict.fromkeys(change.reason for change in changes))
    return Step(rule.__name__, reasons, replace(reading, edits=edits))
