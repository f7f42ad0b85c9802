"""Compares what the two sides answered to one file. This is the one place that forgives.

What is not compared, because it lies in the nature of things:

- PEP 249's class around DuckDB's exception: its cause has DuckDB's class (`sides.told`).
- What EXPLAIN ANALYZE measured, with the widths of its boxes; how much memory was in use when it
  ran out; Python's traceback inside a message, which shows the frames of the caller (`sides`).
- The numbers of transactions: a database that exists is asked once, when it is opened, whether it
  holds something of ours (`sides.ask`).
- Answers that DuckDB itself gives differently when it is asked again: addresses, times, random
  values, rows in the order in which threads finished. Where the sides differ, both are played
  again, four times. What one side answered in any round, and the other in any, is `unstable`, and
  so is what DuckDB answers differently each time if columns and the class of an error agree.
- The order of rows, where the file sorts them, or only asks whether the statement works.
- What comes after a statement that had to be interrupted.
"""

import shutil
import tempfile
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.sqllogic.play import play, transcript_of
from tests.sqllogic.player import Entry
from tests.sqllogic.sides import OURS, THEIRS, Answer, Side

FILE_SECONDS = 120
AGAIN = 4
Rounds = list[list[Entry]]
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.sqllogic.play"])


@dataclass(frozen=True)
class Difference:
    file: str
    line: int
    sql: str
    ours: Answer | str
    theirs: Answer | str


@dataclass
class Report:
    """One file: statements compared, and what was different; `skipped` says why it ended early."""

    file: str
    statements: int = 0
    unstable: int = 0
    skipped: str = ""
    differences: list[Difference] = field(default_factory=list)


def compare(root: Path, file: str) -> Report:
    """Plays a file on both sides and compares; the folder is DuckDB's source."""
    with tempfile.TemporaryDirectory(prefix="sqllogic") as folder:
        theirs, reason = _played(THEIRS, root, file, Path(folder))
        if not theirs and "ended by itself" not in reason:
            return Report(file, skipped=reason)
        ours, our_reason = _played(OURS, root, file, Path(folder))
        report = _compared(file, [ours], [theirs], reason or our_reason)
        if report.differences:
            again = {
                side: [_played(side, root, file, Path(folder))[0] for _ in range(AGAIN)]
                for side in (OURS, THEIRS)
            }
            report = _compared(
                file, [ours, *again[OURS]], [theirs, *again[THEIRS]], reason or our_reason
            )
    return report


def _played(side: Side, root: Path, file: str, folder: Path) -> tuple[list[Entry], str]:
    """A side's statements, and why there are no more. Both sides see the same paths."""
    scratch, transcript = folder / "play", folder / "transcript"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    process = _CONTEXT.Process(target=play, args=(side, root, file, scratch, transcript))
    process.start()
    process.join(FILE_SECONDS)
    reason = ""
    if process.exitcode is None:
        process.kill()
        process.join()
        reason = f"ran longer than {FILE_SECONDS} s"
    elif process.exitcode != 0:
        reason = f"{file}: the process ended by itself"
    items = list(transcript_of(transcript)) if transcript.exists() else []
    reason = next((item for item in items if isinstance(item, str)), reason)
    return [item for item in items if isinstance(item, Entry)], reason


def _compared(file: str, ours: Rounds, theirs: Rounds, reason: str) -> Report:
    report = Report(file, skipped=reason)
    for at in range(max(len(ours[0]), len(theirs[0]))):
        mine, known = _at(ours, at), _at(theirs, at)
        if "ran longer" in reason and not (mine and known and mine[0].answer):
            break
        report.statements += 1
        if mine and known and _same(mine[0], known[0]):
            continue
        if _changes(mine, known):
            report.unstable += 1
            continue
        entry = (mine or known)[0]
        report.differences.append(
            Difference(file, entry.line, entry.sql, _answer(mine), _answer(known))
        )
    return report


def _at(rounds: Rounds, at: int) -> list[Entry]:
    return [entries[at] for entries in rounds if at < len(entries)]


def _changes(mine: list[Entry], known: list[Entry]) -> bool:
    """Whether a difference comes from an answer that is not the same twice."""
    if any(_same(a, b) for a in mine for b in known):
        return True
    stable = all(_same(known[0], other) for other in known[1:])
    return not stable and any(_shape(a) == _shape(b) for a in mine for b in known)


def _answer(rounds: list[Entry]) -> Answer | str:
    if not rounds:
        return "was not reached"
    return rounds[0].answer or "the process ended here"


def _same(a: Entry, b: Entry) -> bool:
    if a.answer is None or b.answer is None:
        return a.answer is b.answer
    if (a.answer.columns, a.answer.error) != (b.answer.columns, b.answer.error):
        return False
    if a.ordered:
        return a.answer.in_order == b.answer.in_order
    return a.answer.sorted == b.answer.sorted


def _shape(entry: Entry) -> object:
    if entry.answer is None:
        return None
    return entry.answer.columns, entry.answer.error and entry.answer.error[0]
