"""Turns each bound call of a query into a function that DuckDB can call."""

import itertools
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from augursql.database.cache import Cache
from augursql.database.catalog import Catalog, IndexRow
from augursql.database.door import Door
from augursql.database.encoders import Encoders
from augursql.database.failures import Failures
from augursql.database.indexes import Indexes
from augursql.database.language_models import LanguageModels
from augursql.database.predictors import Predictors
from augursql.database.rungs import Answering, Rungs
from augursql.database.spoken import Spoken
from augursql.database.state import State
from augursql.masking import masked
from augursql.planner.bound import BoundCall
from augursql.settings import Settings
from augursql.udfs.function import VectorFunction, register, register_for_good
from augursql.udfs.tally import Counts
from augursql.udfs.tolerance import tolerant


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of one statement: what it was, and its counts once they are final."""

    statement: int
    call: str
    rung: str
    model: str
    function: VectorFunction
    before: Counts
    final: Counts | None = None

    @property
    def counts(self) -> Counts:
        return self.final if self.final is not None else self.function.tally.counts - self.before


@dataclass(frozen=True, slots=True)
class Prepared:
    """A registered function, the kind of its call, and what answers it."""

    kind: str
    name: str
    function: VectorFunction
    door: Door
    answering: Answering

    @property
    def rung(self) -> str:
        return self.answering.rung

    @property
    def model(self) -> str:
        return self.answering.model

    @property
    def shared(self) -> str:
        """Calls with the same answer equal inputs with one evaluation; its own name else."""
        return self.answering.shared or self.name


class Calls:
    """Prepares and registers the functions of a session's calls; equal calls share one."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        encoders: Encoders,
        languages: LanguageModels,
    ) -> None:
        self._state = state
        settings = state.settings
        self._memos = state.memory.memo(settings.memo_mb), state.memory.replies(settings.memo_mb)
        self.indexes = Indexes(state.connection, catalog, state.watch, state.memory)
        self.predictors = Predictors(state.connection, catalog, state.watch, state.memory)
        self._prepared: dict[tuple[object, ...], Prepared] = {}
        self._unfolded: dict[Prepared, Prepared] = {}
        self._names = itertools.count(1)
        # Functions are shared by all connections to a database, so names need a session's mark.
        self._mark = secrets.token_hex(3)
        self.cache = Cache(state.connection, catalog, state.notice)
        vectors, replies = self._memos
        self._rungs = Rungs(state, encoders, vectors, self.cache, self.indexes, self.predictors)
        over = (self._rungs, self.indexes, self.predictors)
        self._spoken = Spoken(state, languages, replies, self.cache, over)
        self.failures = Failures(state)

    @property
    def records(self) -> list[CallRecord]:
        """The calls of the session's last statements, whichever connection they ran on."""
        return self._state.records

    def close(self) -> None:
        """Writes what the cache has not written yet, and frees what functions hold."""
        for prepared in self._prepared.values():
            prepared.door.close()
        self.cache.close()

    def begin(self, settings: Settings) -> None:
        """Gets ready for a statement. Without the cache it remembers nothing of earlier ones."""
        for memo in self._memos:
            memo.resize(settings.memo_mb)
            if settings.cache == "off":
                memo.clear()
        self.cache.begin(settings)

    def forget(self) -> None:
        """Starts anew: a ROLLBACK takes functions, indexes, predictors and their numbers back."""
        self._prepared.clear()
        self._unfolded.clear()
        self.indexes.forget()
        self.predictors.forget()

    def prepare(
        self,
        bound: BoundCall,
        row: IndexRow | None,
        settings: Settings,
        *,
        registered: bool = True,
    ) -> Prepared:
        """The function of a call. Loads, and fits, what it needs; raises AugurError.

        `registered`: DuckDB gets to know it by its name, too.
        """
        stamp = (row.schema, row.id, row.version) if row is not None else None
        more = self._stamp(bound, settings)
        key = (stamp, bound.call.key, bound.result_type, settings, more)
        found = self._prepared.get(key)
        if found is None:
            name = f"{bound.call.kind}_{_word(bound.call.target)}{self._mark}{next(self._names)}"
            answering = self._answering(bound, row, settings)
            function = answering.function
            if bound.call.on_error == "null":
                function = tolerant(function, self._state.watch)
            door = Door(function, self._state.desk)
            if registered:
                self._register(name, replace(function, compute=door.call))
            found = self._prepared[key] = Prepared(bound.call.kind, name, function, door, answering)
        return found

    def _register(self, name: str, function: VectorFunction, *, folded: bool = True) -> None:
        make = register_for_good if self._state.shared else register
        make(self._state.connection, name, function, folded=folded)

    def unfolded(self, prepared: Prepared) -> Prepared:
        """The same, by a name under which DuckDB does not compute it when it only plans."""
        if prepared not in self._unfolded:
            name = f"{prepared.name}_unfolded"
            function = replace(prepared.function, compute=prepared.door.call)
            self._register(name, function, folded=False)
            self._unfolded[prepared] = replace(prepared, name=name)
        return self._unfolded[prepared]

    def release(self, row: IndexRow) -> None:
        """Lets go of an index's older versions, which its functions keep in memory."""
        for key, prepared in list(self._prepared.items()):
            stamp = key[0]
            if isinstance(stamp, tuple) and stamp[:2] == (row.schema, row.id):
                del self._prepared[key]
                prepared.door.close()

    def record(self, statement: int, call: str, prepared: Prepared) -> None:
        """Starts counting for a statement's call."""
        function = prepared.function
        self._state.records.append(
            CallRecord(
                statement,
                masked(call),
                prepared.rung,
                prepared.model,
                function,
                function.tally.counts,
            )
        )

    def counted(self, calls: Sequence[Prepared]) -> list[Counts]:
        """What each of these calls of the running statement has cost so far."""
        latest = {id(record.function): record.counts for record in self.records}
        return [latest.get(id(call.function), Counts()) for call in calls]

    def settle(self) -> None:
        """Fixes the counts of the statements so far, before a next one uses the same functions."""
        self.failures.settle(self.records)
        kept = self.records[-1_000:]
        self.records[:] = [r if r.final is not None else replace(r, final=r.counts) for r in kept]

    def finish(self) -> None:
        """After a statement, and after each read of its rows."""
        self.cache.flush()
        self.failures.tell(self.records)

    def _answering(self, bound: BoundCall, row: IndexRow | None, settings: Settings) -> Answering:
        if bound.speaks:
            return self._spoken.answering(bound, row, settings)
        return self._rungs.answering(bound, row, settings)

    def _stamp(self, bound: BoundCall, settings: Settings) -> object:
        """What the answers depend on beside the call itself."""
        model = None
        if bound.model is not None and bound.speaks:
            model = self._spoken.producer(bound.model.name, settings)
        return (bound.labels, bound.target_type, model)


def _word(target: str | None) -> str:
    """A target's name as part of a function's name, which error messages of DuckDB show."""
    return re.sub(r"\W+", "", target or "", flags=re.ASCII).lower()[:24] + "_" if target else ""
