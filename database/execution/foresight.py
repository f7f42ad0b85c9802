"""What a statement would ask of its models, found out by running it without them."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from augursql.database.calls import Prepared
from augursql.database.desk import Mode
from augursql.database.state import Parameters, State
from augursql.database.transactions import in_transaction
from augursql.udfs.tally import Counts

PATIENCE_S = 2.0
PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Foresight:
    """What each call would be asked and would cost; `complete` unless counting took too long."""

    calls: tuple[Counts, ...]
    complete: bool

    @property
    def total(self) -> Counts:
        """Of all calls; an input that several calls send to one model costs once."""
        return sum(self.calls, Counts())


def foresee(
    state: State, sql: str, parameters: Parameters, prepared: Sequence[Prepared], patient: bool
) -> Foresight:
    """Runs `sql`, a query, with functions that only note what they are asked.

    Unless `patient`, it stops counting after 2 s. The doors keep what they were asked.
    """
    for call in prepared:
        call.door.forget()
    complete = _collect(state, sql, parameters, patient or in_transaction(state.connection))
    counted, seen = list[Counts](), dict[str, set[str]]()
    for number, call in enumerate(prepared):
        if any(other is call for other in prepared[:number]):
            counted.append(Counts())  # An equal call, which shares the function.
            continue
        width = 1 if call.kind == "classify" else None
        texts = {t for row in call.door.asked.inputs for t in row[:width] if t is not None}
        others = seen.setdefault(call.shared, set())
        costs = call.function.foresee(sorted(texts - others))
        again = len(texts & others)
        others |= texts
        costs = replace(costs, inputs=len(texts), cached=costs.cached + again)
        counted.append(replace(costs, rows=call.door.asked.rows))
    return Foresight(tuple(counted), complete)


def _collect(state: State, sql: str, parameters: Parameters, patient: bool) -> bool:
    connection, started = state.connection, time.monotonic()
    with _mode(state, Mode.COLLECT), _alarm(connection, patient):
        try:
            state.execute(sql, parameters)
            while connection.fetchmany(PIECE):
                if not patient and time.monotonic() - started > PATIENCE_S:
                    return False
        except duckdb.Error as error:
            if "INTERRUPT" not in str(error):
                raise  # DuckDB 1.5 tells of an interrupt in another class, too.
            if state.watch.cancelled or time.monotonic() - started < PATIENCE_S:
                raise
            return False
    return True


@contextmanager
def _mode(state: State, mode: Mode) -> Iterator[None]:
    before, state.desk.mode = state.desk.mode, mode
    try:
        yield
    finally:
        state.desk.mode = before


@contextmanager
def _alarm(connection: duckdb.DuckDBPyConnection, patient: bool) -> Iterator[None]:
    """Interrupts the query when patience ends: a join may run long before it asks anything."""
    if patient:
        yield
        return
    timer = threading.Timer(PATIENCE_S, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
