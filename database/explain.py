"""EXPLAIN: what a query's calls are, what they would cost, and what the rules made of the query."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from augursql.database.execution.foresight import Foresight
from augursql.database.queries import Planned
from augursql.masking import masked
from augursql.planner.source import stageable
from augursql.udfs.tally import Counts

WIDTH = 100


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call: what answers it, what was `expected` (None: not known before), what happened."""

    call: str
    returns: str
    rung: str
    why: str
    model: str
    index: str | None
    expected: Counts | None
    actual: Counts | None


@dataclass(frozen=True, slots=True)
class Report:
    """What EXPLAIN tells. `steps` are (rule, reasons, statement after it); `complete`: all rows
    were counted; `stops`: the query may stop before it has asked for all of them; `sql` what DuckDB
    gets, where it was asked for."""

    statement: str
    calls: tuple[CallReport, ...]
    steps: tuple[tuple[str, tuple[str, ...], str], ...]
    complete: bool
    stops: bool
    sql: str | None

    def text(self) -> str:
        """For a terminal."""
        lines = [" ".join(self.statement.split())]
        bound = "at most " if self.stops else "" if self.complete else "at least "
        for number, call in enumerate(self.calls, start=1):
            lines += ["", *_call_lines(number, call, bound)]
        lines += ["", *self._rule_lines()]
        if self.sql is not None:
            lines += ["", "sql", *_wrapped(self.sql)]
        return "\n".join(line for part in lines for line in _folded(part))

    def json(self) -> str:
        """For programs."""
        return json.dumps(
            {
                "statement": self.statement,
                "calls": [asdict(call) for call in self.calls],
                "rules": [
                    {"rule": rule, "reasons": reasons, "statement": text}
                    for rule, reasons, text in self.steps
                ],
                "complete": self.complete,
                "stops": self.stops,
                "sql": self.sql,
            },
            ensure_ascii=False,
            indent=2,
        )

    def _rule_lines(self) -> list[str]:
        if not self.steps:
            return ["rules       none changes this statement"]
        lines = ["rules"]
        for rule, reasons, text in self.steps:
            lines += [f"  {rule:10}{'; '.join(reasons)}", *_wrapped(text)]
        return lines


def report(
    planned: Planned,
    indexes: Sequence[str | None],
    foreseen: Foresight | None,
    actual: Sequence[Counts] | None,
    sql: bool,
) -> Report:
    """The report of a query; `indexes` and `actual` go with its calls. A call that is written
    several times is told once."""
    bound, calls = planned.reading.bound, list[CallReport]()
    expected = _expected(planned, foreseen)
    for number, (call, ready) in enumerate(zip(bound.calls, planned.calls, strict=True)):
        if ready in planned.calls[:number]:
            continue
        times = planned.calls.count(ready)
        written = masked(call.call.sql) + (f"   ({times} times)" if times > 1 else "")
        calls.append(
            CallReport(
                written,
                call.result_type,
                ready.rung,
                ready.answering.why,
                ready.model,
                indexes[number],
                expected[number],
                actual[number] if actual is not None else None,
            )
        )
    steps = tuple((step.rule, step.reasons, masked(step.text)) for step in planned.steps)
    text = masked(planned.renderer().text()) if sql else None
    complete = foreseen is None or foreseen.complete
    return Report(
        masked(planned.query.text), tuple(calls), steps, complete, planned.stream is not None, text
    )


def _expected(planned: Planned, foreseen: Foresight | None) -> list[Counts | None]:
    """Per call. What a call is asked may depend on another's answers: that is not foreseen."""
    if foreseen is None:
        return [None] * len(planned.calls)
    certain = stageable(planned.reading)
    return [counts if certain or counts.rows else None for counts in foreseen.calls]


def _call_lines(number: int, call: CallReport, bound: str) -> list[str]:
    lines = [
        f"call {number}      {call.call} -> {call.returns}",
        f"  rung      {call.rung}: {call.why}",
        f"  model     {call.model}",
    ]
    if call.index is not None:
        lines.append(f"  index     {call.index}")
    if call.expected is None:
        lines.append("  expected  known only while the statement runs")
    else:
        lines += _expected_lines(call.expected, bound)
    if call.actual is not None:
        lines.append(f"  actual    {_actual(call.actual)}")
    return lines


def _expected_lines(counts: Counts, bound: str) -> list[str]:
    cost = f"{counts.tokens:,} tokens, {counts.seconds:,.1f} s"
    if counts.tokens and counts.seconds:
        cost += f" (at {counts.tokens / counts.seconds:,.0f} tokens/s)"
    return [
        f"  inputs    {bound}{counts.rows:,} rows, {counts.inputs:,} distinct, "
        f"{counts.cached:,} known, {counts.evaluated:,} to evaluate",
        f"  expected  {bound}{cost}",
    ]


def _actual(counts: Counts) -> str:
    told = (
        f"{counts.rows:,} rows asked, {counts.evaluated:,} evaluated, {counts.cached:,} known, "
        f"{counts.tokens:,} tokens, {counts.seconds:,.2f} s"
    )
    for count, what in ((counts.truncated, "truncated"), (counts.errors, "errors")):
        told += f", {count:,} {what}" if count else ""
    return told


def _wrapped(text: str) -> list[str]:
    """A statement, on lines of their own below what it belongs to."""
    return ["    " + " ".join(text.split())]


def _folded(line: str) -> list[str]:
    """A long line folded; what follows is indented below its text."""
    indent = " " * (4 if line.startswith("    ") else 12)
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
