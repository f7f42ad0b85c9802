"""The options of calls: which there are, which call takes them, and which values they have."""

from collections.abc import Callable
from dataclasses import dataclass

from augursql.errors import InvalidValueError, NameNotFoundError, candidates
from augursql.planner.plan import Call, Value

MOST_RETRIES = 10


@dataclass(frozen=True, slots=True)
class Option:
    """What a value has to be, in words, and whether it is that."""

    says: str
    fits: Callable[[Value], bool]


def _one_of(*words: str) -> Option:
    def fits(value: Value) -> bool:
        return isinstance(value, str) and value.lower() in words

    return Option(f"one of {', '.join(words)}", fits)


def _whole(least: int, most: int | None = None) -> Option:
    def fits(value: Value) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and least <= value and (most is None or value <= most)  # type: ignore[operator]

    upto = "" if most is None else f" to {most}"
    return Option(f"a whole number from {least}{upto}", fits)


def _number(says: str, inside: Callable[[float], bool]) -> Option:
    def fits(value: Value) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and inside(float(value))  # type: ignore[arg-type]

    return Option(f"a number {says}", fits)


def _texts(value: Value) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return all(isinstance(text, str) and text for text in texts)


def _labels(value: Value) -> bool:
    if not isinstance(value, tuple) or not value or len(set(value)) < len(value):
        return False
    kinds = {type(label) for label in value}
    return len(kinds) == 1 and kinds <= {str, int, bool}


_TEXT = Option("a text", lambda value: isinstance(value, str) and bool(value.strip()))
_SWITCH = Option("true or false", lambda value: isinstance(value, bool))

OPTIONS: dict[str, Option] = {
    "strategy": _one_of("vote", "head", "auto"),
    "class_weight": _one_of("auto", "none", "balanced"),
    "seed": _whole(0),
    "instruction": _TEXT,
    "labels": Option("a list of different labels of one type: ['good', 'bad']", _labels),
    "calibrate": _SWITCH,
    "max_tokens": _whole(1),
    "temperature": _number("from 0", lambda n: n >= 0),
    "top_k": _whole(0),
    "top_p": _number("above 0, at most 1", lambda n: 0 < n <= 1),
    "min_p": _number("from 0, below 1", lambda n: 0 <= n < 1),
    "repetition_penalty": _number("above 0", lambda n: n > 0),
    "stop": Option("a text or a list of texts", _texts),
    "validate": _TEXT,
    "retries": _whole(0, MOST_RETRIES),
    "fallback": Option("a text, a number, TRUE, FALSE or NULL", lambda v: not isinstance(v, tuple)),
}
FITTED = ("strategy", "class_weight", "seed")
GENERATED = (
    *("max_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "stop"),
    *("seed", "validate", "retries", "fallback"),
)
CHOSEN = ("instruction", "calibrate")
WORDED = ("instruction",)


def taken(call: Call, speaks: bool) -> tuple[str, ...]:
    """The options of a call, which depend on whether a language model answers it."""
    match call.kind, speaks:
        case "predict", False:
            return FITTED
        case "predict", True:
            return (*CHOSEN, "labels", *GENERATED)
        case "classify", True:
            return CHOSEN
        case (("prompt" | "prompt_agg"), _):
            return GENERATED
        case (("extract" | "summarize" | "summarize_agg"), _):
            return (*WORDED, *GENERATED)
        case (("matches" | "rerank"), _):
            return WORDED
    return ()


def check_options(call: Call, speaks: bool) -> None:
    """Raises NameNotFoundError for an option that the call does not take, and InvalidValueError
    for a value that is none of its values.
    """
    known = taken(call, speaks)
    for name, value in call.options:
        place = call.place(f"option:{name}")
        if name not in known:
            who = "a language model" if speaks else "an encoder"
            depends = name in OPTIONS and call.kind in ("predict", "classify")
            by = f" when {who} answers" if depends else ""
            raise NameNotFoundError(
                f'{call.kind}() has no option "{name}"{by}.',
                hint=candidates(name, known) if known else "It takes none.",
                span=place,
            )
        option = OPTIONS[name]
        if not option.fits(value):
            raise InvalidValueError(f"{name} is {option.says}.", span=place)
