"""What answers a call: the encoder, index, predictor or language model behind its function."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from augursql.database.cache import Cache
from augursql.database.catalog import IndexRow
from augursql.database.encoders import Encoders
from augursql.database.indexes import Indexes
from augursql.database.predictors import FittedTarget, Predictors
from augursql.database.state import State
from augursql.engine.learning.predictor import FitOptions
from augursql.engine.retrieval.neighbours import Retriever
from augursql.engine.retrieval.random import RandomRetriever
from augursql.errors import InvalidValueError
from augursql.planner.bound import BoundCall
from augursql.settings import Settings
from augursql.udfs.classify import classify_function
from augursql.udfs.embed import embed_function, similarity_function
from augursql.udfs.embedder import NOTHING_KNOWN, Embedder, KnownTexts
from augursql.udfs.function import VectorFunction
from augursql.udfs.memo import Memo, Remembered
from augursql.udfs.predict import Learned, Shape, predict_function
from augursql.udfs.search import SearchableRows, Wanted, search_function

DEFAULT_K = 10


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers a call: the function, its rung, the name of the model, and why it is this.

    `shared`: calls with the same know each other's answers, if they are asked the same.
    """

    function: VectorFunction
    rung: str
    model: str
    why: str
    shared: str = ""


class Rungs:
    """One per session: the rungs that encoders and fitted predictors answer."""

    def __init__(
        self,
        state: State,
        encoders: Encoders,
        memo: Memo[Remembered],
        cache: Cache,
        indexes: Indexes,
        predictors: Predictors,
    ) -> None:
        self._state = state
        self._encoders = encoders
        self._memo = memo
        self._cache = cache
        self._indexes = indexes
        self._predictors = predictors

    def answering(self, bound: BoundCall, row: IndexRow | None, settings: Settings) -> Answering:
        """Loads, and fits, what the call needs. Raises AugurError."""
        call = bound.call
        if row is not None:
            return self._over_index(bound, row, settings)
        embedder = self._embedder(self._encoders.encoder(call.model, settings), settings)
        model = call.model or settings.encoder
        why = "USING MODEL names it" if call.model else "the default encoder, augur_encoder"
        if call.kind == "classify":
            function = classify_function(embedder, call.with_, bound.result_type)
            why = f"labels without examples: the nearest by meaning; {why}"
            return Answering(function, "zero-shot", model, why, model)
        if call.kind == "embed":
            return Answering(embed_function(embedder), "encoder", model, why, model)
        return Answering(similarity_function(embedder), "encoder", model, why, model)

    def embedder_of(self, row: IndexRow, settings: Settings) -> Embedder:
        """The encoder of an index, which knows the index's texts."""
        loaded = self._indexes.load(row, settings)
        known = KnownTexts(loaded.vectors, loaded.entry_of)
        return self._embedder(self._encoders.of_index(row, settings), settings, known)

    def _embedder(
        self, encoder: Any, settings: Settings, known: KnownTexts = NOTHING_KNOWN
    ) -> Embedder:
        store = self._cache if settings.cache == "on" else None

        def elsewhere() -> list[KnownTexts]:
            loaded = self._indexes.of_encoder(encoder.digest, encoder.dtype)
            return [KnownTexts(index.vectors, index.entry_of) for index in loaded]

        return Embedder(encoder, self._memo, self._state.watch, known, store, elsewhere)

    def _over_index(self, bound: BoundCall, row: IndexRow, settings: Settings) -> Answering:
        loaded = self._indexes.load(row, settings)
        embedder = self.embedder_of(row, settings)
        if bound.call.kind == "search":
            threshold = bound.call.threshold
            k = bound.call.top or (DEFAULT_K if threshold is None else None)
            searchable = self._searchable(bound, row, settings)
            function = search_function(embedder, loaded.retriever, searchable, Wanted(k, threshold))
            choice = self._indexes.choice(row, settings)
            why = f"{choice.method}: {choice.why}"
            return Answering(function, "search", row.model, why, row.model)
        options = dict(bound.call.options)
        seed = options.get("seed", settings.seed)
        fit = FitOptions(
            strategy=str(options.get("strategy", "auto")).lower(),
            top=bound.call.top,
            class_weight=str(options.get("class_weight", "auto")).lower(),
            seed=seed if isinstance(seed, int) else 0,
        )
        retriever: Retriever = loaded.retriever
        if bound.call.order == "random":
            retriever, fit = RandomRetriever(row.entries, fit.seed), replace(fit, strategy="vote")
        target = str(bound.call.target)
        fitted: FittedTarget = self._predictors.get(loaded, target, fit)
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
        return Answering(function, fitted.predictor.strategy, row.model, why, row.model)

    def _searchable(self, bound: BoundCall, row: IndexRow, settings: Settings) -> SearchableRows:
        loaded = self._indexes.load(row, settings)
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
