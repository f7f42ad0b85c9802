"""The inputs for which calls with ON ERROR NULL gave NULL: for augur_errors(), and in a notice."""

from collections.abc import Iterable
from typing import Protocol

from augursql.database.state import Notice, State
from augursql.udfs.function import VectorFunction
from augursql.udfs.tally import KEPT_FAILURES, Counts, Failure


class Record(Protocol):
    """One call of one statement; `before` are its function's counts when the statement began."""

    @property
    def statement(self) -> int: ...

    @property
    def call(self) -> str: ...

    @property
    def function(self) -> VectorFunction: ...

    @property
    def before(self) -> Counts: ...

    @property
    def final(self) -> Counts | None: ...

    @property
    def counts(self) -> Counts: ...


class Failures:
    """Those of a session, the first ones."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._settled: list[tuple[int, str, Failure]] = []
        self._told: Notice | None = None

    def settle(self, records: Iterable[Record]) -> None:
        """Keeps what failed in the statement that is over."""
        self._settled = self.listed(records)
        self._told = None

    def listed(self, records: Iterable[Record]) -> list[tuple[int, str, Failure]]:
        """Statement, call and failure, in the order of the statements."""
        found = list(self._settled)
        for record in _running(records):
            first = record.before.errors
            failures = record.function.tally.failures[first : first + record.counts.errors]
            found += [(record.statement, record.call, failure) for failure in failures]
        return found[:KEPT_FAILURES]

    def tell(self, records: Iterable[Record]) -> None:
        """One notice for the statement, brought up to date while its rows are read."""
        failed = sum(record.counts.errors for record in _running(records))
        if not failed:
            return
        inputs = "1 input" if failed == 1 else f"{failed:,} inputs"
        notice = Notice(f"{inputs} failed and gave NULL; FROM augur_errors() says why.")
        notices = self._state.notices
        if self._told in notices:
            notices[notices.index(self._told)] = notice
        else:
            notices.append(notice)
        self._told = notice


def _running(records: Iterable[Record]) -> list[Record]:
    """The records of the statement that runs; equal calls of it share a function, and one row."""
    return list({id(r.function): r for r in records if r.final is None}.values())
