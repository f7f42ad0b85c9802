"""Calls that a language model answers: what it is told, and how its answers are had."""

from collections.abc import Mapping

from augursql.database.asking import asking_function
from augursql.database.cache import Cache
from augursql.database.catalog import IndexRow
from augursql.database.indexes import Indexes
from augursql.database.language_models import LanguageModels
from augursql.database.predictors import Predictors
from augursql.database.rungs import Answering, Rungs
from augursql.database.state import State
from augursql.database.validation import check_of
from augursql.engine.generation.prompts import Task, tags
from augursql.engine.generation.sampling import Sampling
from augursql.engine.retrieval.neighbours import Retriever
from augursql.engine.retrieval.random import RandomRetriever
from augursql.errors import InvalidValueError
from augursql.planner.bound import BoundCall
from augursql.planner.kinds import ASKING, JUDGING
from augursql.planner.plan import Call, Value
from augursql.planner.returns import AnswerType, answer_type
from augursql.planner.template import pieces
from augursql.settings import Settings
from augursql.udfs.answered import UnreadableAnswerError, fallback_of, form_of
from augursql.udfs.classify_by_prompt import classify_by_prompt_function
from augursql.udfs.memo import Memo, Replied
from augursql.udfs.predict_by_prompt import Asking, predict_by_prompt_function
from augursql.udfs.prompt import Template, prompt_function
from augursql.udfs.replies import Demand
from augursql.udfs.sending import Manner
from augursql.udfs.shots import Shots
from augursql.udfs.speaker import Speaker

DEFAULT_SHOTS = 5
NUMBER_TOKENS, TEXT_TOKENS = 32, 256
_TEXTS = ("VARCHAR", "STRUCT", "LIST")


class Spoken:
    """One per session: the rungs that language models answer."""

    def __init__(
        self,
        state: State,
        models: LanguageModels,
        memo: Memo[Replied],
        cache: Cache,
        over: tuple[Rungs, Indexes, Predictors],
    ) -> None:
        self._state = state
        self._models = models
        self._memo = memo
        self._cache = cache
        self._rungs, self._indexes, self._predictors = over

    def producer(self, name: str, settings: Settings) -> str:
        """What tells the model's answers from those of others. Raises as `LanguageModels.get`."""
        return self._models.get(name, settings).producer

    def answering(self, bound: BoundCall, row: IndexRow | None, settings: Settings) -> Answering:
        """What answers the call. Raises AugurError."""
        call, name = bound.call, "" if bound.model is None else bound.model.name
        strategy = _strategy(bound)
        version = None if row is None else row.version
        manner = Manner(bound.result_type, call.with_, strategy, version)
        shots = None if row is None else self._shots(bound, row, settings)
        store = self._cache if settings.cache == "on" else None
        served = self._models.get(name, settings)
        speaker = Speaker(served, self._memo, self._state.watch, store)
        if call.kind == "classify":
            options = dict(call.options)
            tag = tags([call.inputs[0].name])[0]
            instruction = str(options.get("instruction") or "Say which label fits the text best.")
            calibrate = options.get("calibrate") is True
            function = classify_by_prompt_function(speaker, instruction, tag, calibrate, manner)
        elif call.kind == "predict":
            asking = self._asking(bound, settings)
            function = predict_by_prompt_function(speaker, asking, shots, manner)
        else:
            type_ = answer_type(str(bound.target_type))
            demand = self._demand(call, type_, settings)
            if call.kind in ASKING:
                function = asking_function(bound, speaker, demand, manner)
                return Answering(function, strategy, name, _why(bound, shots))
            names = [str(argument.name).split(".")[-1] for argument in call.inputs]
            task = Task("", form=form_of(type_, call.matching))
            template = Template(pieces(str(call.template)), tuple(tags(names)), task)
            function = prompt_function(speaker, template, demand, shots, manner)
        return Answering(function, strategy, name, _why(bound, shots))

    def _asking(self, bound: BoundCall, settings: Settings) -> Asking:
        call, type_ = bound.call, answer_type(str(bound.target_type))
        options = dict(call.options)
        chooses = bound.labels is not None
        told = options.get("instruction")
        instruction = str(told) if told else f'Say what the "{call.target}" of the following is.'
        form = "" if chooses else form_of(type_, None)
        task = Task(instruction, tuple((label, "") for label in bound.labels or ()), form)
        name = call.inputs[0].name if len(call.inputs) == 1 else "record"
        demand = self._demand(call, type_, settings)
        calibrate = options.get("calibrate") is True
        return Asking(task, tags([name])[0], demand, bound.labels, calibrate)

    def _demand(self, call: Call, type_: AnswerType, settings: Settings) -> Demand:
        options: Mapping[str, Value] = dict(call.options)
        condition, retries = options.get("validate"), options.get("retries", 2)
        check = None
        if isinstance(condition, str):
            place = call.place("option:validate")
            check = check_of(self._state.connection, condition, type_.sql, place)
        try:
            fallback = fallback_of(type_, options.get("fallback"))
        except UnreadableAnswerError as error:
            raise InvalidValueError(
                f"The fallback cannot be used: {error}", span=call.place("option:fallback")
            ) from error
        return Demand(
            type_,
            _sampling(options, type_, settings),
            call.matching,
            check,
            retries if isinstance(retries, int) else 0,
            fallback,
        )

    def _shots(self, bound: BoundCall, row: IndexRow, settings: Settings) -> Shots:
        loaded, call = self._indexes.load(row, settings), bound.call
        embedder = self._rungs.embedder_of(row, settings)
        retriever: Retriever = loaded.retriever
        if call.order == "random":
            seed = dict(call.options).get("seed", settings.seed)
            retriever = RandomRetriever(row.entries, seed if isinstance(seed, int) else 0)
        k = call.top or DEFAULT_SHOTS
        if call.kind == "prompt":
            documents = loaded.documents(self._state.connection)
            return Shots(embedder, retriever, documents, None, k)
        labelled = self._predictors.labelled(loaded, str(call.target))
        texts = loaded.texts(self._state.connection)
        return Shots(embedder, retriever, texts, labelled, k)


def _sampling(options: Mapping[str, Value], type_: AnswerType, settings: Settings) -> Sampling:
    given = {name: options[name] for name in _SAMPLED if options.get(name) is not None}
    stop = given.get("stop", ())
    given["stop"] = stop if isinstance(stop, tuple) else (stop,)
    given.setdefault("seed", settings.seed)
    given.setdefault("max_tokens", TEXT_TOKENS if type_.kind in _TEXTS else NUMBER_TOKENS)
    return Sampling(**given)  # type: ignore[arg-type]  # checked by the planner


_SAMPLED = (
    *("max_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "stop"),
    "seed",
)


def _strategy(bound: BoundCall) -> str:
    call = bound.call
    if call.kind in ASKING:
        return "zero-shot" if call.kind in JUDGING else "generated"
    if call.kind == "prompt":
        return "generated" if call.index is None else "retrieval-augmented"
    if call.kind == "predict" and bound.labels is None and call.index is None:
        return "generated"
    if call.index is None:
        return "zero-shot"
    return "random few-shot" if call.order == "random" else "few-shot"


def _why(bound: BoundCall, shots: Shots | None) -> str:
    named = "USING MODEL names it" if bound.call.model else "the only language model"
    shown = ""
    if shots is not None:
        kind = "random" if bound.call.order == "random" else "nearest"
        what = "rows" if bound.call.kind == "prompt" else "examples"
        shown = f"; up to {shots.k} {kind} {what} of the index in each prompt"
    if bound.call.kind == "classify":
        return f"{named}; the labels of each row are scored"
    if bound.labels is not None:
        return f"{named}; {len(bound.labels)} labels are scored{shown}"
    return f"{named}; it writes a {bound.target_type}{shown}"
