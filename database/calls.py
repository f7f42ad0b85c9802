"""Turns each bound call of a query into a function that DuckDB can call."""

import itertools
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from augursql.database.cache import Cache
from augursql.database.catalog import Catalog, IndexRow
from augursql.database.door import Door
from augursql.database.encoders import Encoders
from augursql.database.failures import Failures
from augursql.database.indexes import Indexes
from augursql.database.predictors import FittedTarget, Predictors
from augursql.database.state import State
from augursql.engine.learning.predictor import FitOptions
from augursql.engine.retrieval.neighbours import Retriever
from augursql.engine.retrieval.random import RandomRetriever
from augursql.errors import InvalidValueError
from augursql.masking import masked
from augursql.planner.bind import BoundCall
from augursql.settings import Settings
from augursql.udfs.classify import classify_function
from augursql.udfs.embed import embed_function, similarity_function
from augursql.udfs.embedder import NOTHING_KNOWN, Embedder, KnownTexts
from augursql.udfs.function import VectorFunction, register, register_for_good
from augursql.udfs.memo import Memo
from augursql.udfs.predict import Learned, Shape, predict_function
from augursql.udfs.search import SearchableRows, Wanted, search_function
from augursql.udfs.tally import Counts
from augursql.udfs.tolerance import tolerant

DEFAULT_K = 10


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
class Answering:
    """What answers a call: the function, its rung, the name of the model, and why it is this."""

    function: VectorFunction
    rung: str
    model: str
    why: str


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


class Calls:
    """Prepares and registers the functions of a session's calls; equal calls share one."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        encoders: Encoders,
        memo: Memo,
    ) -> None:
        self._state = state
        self._encoders = encoders
        self._memo = memo
        self.indexes = Indexes(state.connection, catalog, state.watch, state.memory)
        self.predictors = Predictors(state.connection, catalog, state.watch, state.memory)
        self._prepared: dict[tuple[object, ...], Prepared] = {}
        self._unfolded: dict[Prepared, Prepared] = {}
        self._names = itertools.count(1)
        # Functions are shared by all connections to a database, so names need a session's mark.
        self._mark = secrets.token_hex(3)
        self.cache = Cache(state.connection, catalog, state.notice)
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
        self._memo.resize(settings.memo_mb)
        if settings.cache == "off":
            self._memo.clear()
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
        key = (stamp, bound.call.key, bound.result_type, settings)
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
        call = bound.call
        if row is not None:
            return self._over_index(bound, row, settings)
        embedder = self._embedder(self._encoders.encoder(call.model, settings), settings)
        model = call.model or settings.encoder
        why = "USING MODEL names it" if call.model else "the default encoder, augur_encoder"
        if call.kind == "classify":
            function = classify_function(embedder, call.with_, bound.result_type)
            why = f"labels without examples: the nearest by meaning; {why}"
            return Answering(function, "zero-shot", model, why)
        if call.kind == "embed":
            return Answering(embed_function(embedder), "encoder", model, why)
        return Answering(similarity_function(embedder), "encoder", model, why)

    def _embedder(
        self, encoder: Any, settings: Settings, known: KnownTexts = NOTHING_KNOWN
    ) -> Embedder:
        store = self.cache if settings.cache == "on" else None

        def elsewhere() -> list[KnownTexts]:
            loaded = self.indexes.of_encoder(encoder.digest, encoder.dtype)
            return [KnownTexts(index.vectors, index.entry_of) for index in loaded]

        return Embedder(encoder, self._memo, self._state.watch, known, store, elsewhere)

    def _over_index(self, bound: BoundCall, row: IndexRow, settings: Settings) -> Answering:
        loaded = self.indexes.load(row, settings)
        encoder = self._encoders.of_index(row, settings)
        known = KnownTexts(loaded.vectors, loaded.entry_of)
        embedder = self._embedder(encoder, settings, known)
        if bound.call.kind == "search":
            threshold = bound.call.threshold
            k = bound.call.top or (DEFAULT_K if threshold is None else None)
            searchable = self._searchable(bound, row, settings)
            function = search_function(embedder, loaded.retriever, searchable, Wanted(k, threshold))
            choice = self.indexes.choice(row, settings)
            return Answering(function, "search", row.model, f"{choice.method}: {choice.why}")
        options = dict(bound.call.options)
        fit = FitOptions(
            strategy=str(options.get("strategy", "auto")).lower(),
            top=bound.call.top,
            class_weight=str(options.get("class_weight", "auto")).lower(),
            seed=int(options.get("seed", settings.seed) or 0),
        )
        retriever: Retriever = loaded.retriever
        if bound.call.order == "random":
            retriever, fit = RandomRetriever(row.entries, fit.seed), replace(fit, strategy="vote")
        target = str(bound.call.target)
        fitted: FittedTarget = self.predictors.get(loaded, target, fit)
        explain = "explanation" in bound.call.with_
        learned = Learned(
            fitted.predictor,
            retriever,
            fitted.labelled,
            loaded.texts(self._state.connection) if explain else None,
        )
        shape = Shape(bound.result_type, bound.call.with_, bound.call.top, row.version)
        why = f"learned from the index's labelled rows; {fitted.predictor.why}"
        function = predict_function(embedder, learned, shape)
        return Answering(function, fitted.predictor.strategy, row.model, why)

    def _searchable(self, bound: BoundCall, row: IndexRow, settings: Settings) -> SearchableRows:
        loaded = self.indexes.load(row, settings)
        condition = bound.call.filter
        try:
            found = loaded.matching_rows(self._state.connection, condition)
        except duckdb.Error as error:
            lines = str(error).splitlines()
            raise InvalidValueError(
                f"The filter of search() is not a condition over the index's rows: {lines[0]}",
                span=bound.call.place("filter"),
            ) from error
        entries = found.column("entry").to_numpy().astype(np.int64)
        everywhere = condition is None or len(np.unique(entries)) == row.entries
        return SearchableRows(found.column("row").to_numpy(), entries, everywhere)


def _word(target: str | None) -> str:
    """A target's name as part of a function's name, which error messages of DuckDB show."""
    return re.sub(r"\W+", "", target or "", flags=re.ASCII).lower()[:24] + "_" if target else ""
