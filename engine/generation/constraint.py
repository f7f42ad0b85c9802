"""Answers of a given form: which tokens a JSON schema, a regular expression or a choice allows.

llguidance compiles each constraint once for the model's tokenizer; each row has a matcher of its
own. A matcher also sees to it that an answer ends within its tokens: it knows a way to the end, and
takes it when the model's next token would leave none that is short enough.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.closing import Closing
from augursql.errors import InvalidValueError, ModelError

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from llguidance._lib import JsonCompileOptions

_COMPILED = 64
_LONGEST_STRING = 2000
_COMPACT: "JsonCompileOptions" = {
    "whitespace_flexible": False,
    "item_separator": ",",
    "key_separator": ":",
}
_NOT_FORCED = '%llguidance {"no_forcing": true}\n'
_BOUNDS = ("maxLength", "pattern", "format", "enum", "const")


@dataclass(frozen=True, slots=True)
class Constraint:
    """The form of an answer.

    text: a JSON schema for 'json', a regular expression (RE2's syntax, the whole answer matches)
    for 'regex', a JSON list of texts for 'choice'.
    """

    kind: Literal["json", "regex", "choice"]
    text: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    start: "LLMatcher"
    horizon: int


class Grammar:
    """Compiles constraints for one model. Thread-safe."""

    def __init__(self, chat: Chat, vocabulary: int) -> None:
        """`vocabulary`: how many logits the model has for a token. Raises ModelError."""
        import llguidance

        ends = sorted(chat.end_ids)
        try:
            self._tokenizer = llguidance.LLTokenizer(
                chat.serialized(), n_vocab=vocabulary, eos_token=ends or None
            )
        except ValueError as error:
            raise ModelError(
                f"The model's tokenizer does not serve constrained answers: {error}.",
                hint="Ask for text, and cast it.",
            ) from error
        self.words = (vocabulary + 31) // 32
        self._ends = frozenset(ends)
        self._holds_special = chat.holds_special
        self._closing = Closing(self._tokenizer, self.words)
        self._compiled: OrderedDict[Constraint, _Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def matcher(self, constraint: Constraint) -> "Matcher":
        """A matcher at the beginning of an answer. Raises InvalidValueError."""
        with self._lock:
            compiled = self._compiled.get(constraint)
            if compiled is None:
                compiled = self._compile(constraint)
                self._compiled[constraint] = compiled
                if len(self._compiled) > _COMPILED:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(constraint)
            return Matcher(compiled.start.deep_copy(), self._closing, self._ends, compiled.horizon)

    def masks(self, matchers: Sequence["Matcher | None"]) -> NDArray[np.int32]:
        """A bit for each token allowed next, int32 [n, words]; all where there is no matcher."""
        out = np.full((len(matchers), self.words), -1, np.int32)
        for row, matcher in zip(out, matchers, strict=True):
            if matcher is not None:
                matcher.mask(row)
        return out

    def _compile(self, constraint: Constraint) -> _Compiled:
        import llguidance

        # llguidance forces the letters of a special token as that token, and then refuses it.
        free = self._holds_special(constraint.text)
        start = llguidance.LLMatcher(self._tokenizer, _grammar(constraint, free), log_level=0)
        if start.is_error():
            raise _invalid(constraint, start.get_error())
        shortest = self._closing.path(start, 512) or []
        # An item of a list may need more than the shortest answer: the schema's length bounds it.
        horizon = 32 + 2 * len(shortest) + min(1024, len(constraint.text) // 2)
        return _Compiled(start, horizon)


class Matcher:
    """Where one row's answer stands in its grammar: not shared between threads.

    closed: whether `take` ended the answer for want of tokens; its end is not the model's then.
    """

    def __init__(
        self, state: "LLMatcher", closing: Closing, ends: frozenset[int], horizon: int
    ) -> None:
        self._state = state
        self._closing = closing
        self._ends = ends
        self._horizon = horizon
        self._way: list[int] | None = None
        self._search_at = horizon
        self._ended = False
        self.closed = False

    @property
    def finished(self) -> bool:
        """Whether nothing may follow: an end token was taken, or the grammar allows none else."""
        return self._ended or self._state.is_stopped()

    @property
    def complete(self) -> bool:
        """Whether the answer so far is a whole value."""
        return self._ended or bool(self._state.is_accepting())

    def mask(self, out: NDArray[np.int32]) -> None:
        """Write the tokens allowed next as bits into `out` [words], contiguous.

        The end tokens are among them exactly where the answer may end.
        """
        self._state.unsafe_compute_mask_ptr(out.ctypes.data, out.nbytes)

    def advance(self, token: int) -> None:
        """Go on by a token of the mask. Raises InvalidValueError for another one."""
        if not self._state.consume_token(token):
            raise InvalidValueError(f"Token {token} does not fit the constraint of the answer.")
        self._ended = token in self._ends

    def forced(self) -> list[int]:
        """The tokens that must come next, [] where there is a choice."""
        return [] if self.finished else list(self._state.compute_ff_tokens())

    def close(self, limit: int) -> list[int] | None:
        """A short way to a whole value, at most `limit` tokens and without end token, or None."""
        return self._closing.path(self._state, limit)

    def begin(self, left: int) -> list[int]:
        """The tokens that every answer begins with, at most `left`: the matcher takes them."""
        return self._take_forced(left)

    def take(self, token: int, left: int) -> list[int]:
        """Append the model's `token` and what is forced after it; gives the tokens to append.

        They are at most `left`, which is how many the answer may still get. Where no way to a whole
        value would be left after `token`, the answer is ended instead, by tokens that need no
        model, and is finished. Where there was no such way before either, the answer will be cut:
        see `complete`.
        Raises InvalidValueError for a token that the mask does not allow.
        """
        if left > self._horizon or token in self._ends:
            self.advance(token)
            self._way = None
            return [token, *self._take_forced(left - 1)]
        if self._way is None or len(self._way) > left:
            self._way = self._searched(left)
        before = self._way
        previous = self._state.deep_copy()
        self.advance(token)
        self._way = None if before is None else self._kept(before, token, left - 1)
        if self._way is None and before is not None:
            self._state = previous
            for each in before:
                self.advance(each)
            self._ended = self.closed = True
            return before
        return [token, *self._take_forced(left - 1)]

    def _kept(self, way: list[int], token: int, limit: int) -> list[int] | None:
        """A way from here: the rest of the last one or the same again, if it leads to the end."""
        if way and way[0] == token:
            return way[1:]
        if len(way) <= limit and self._closing.leads(self._state, way):
            return way
        return self._searched(limit)

    def _searched(self, limit: int) -> list[int] | None:
        """A search, unless one failed lately: they fail slowly, and would at each token."""
        if limit > self._search_at:
            return None
        way = self.close(limit)
        self._search_at = self._horizon if way is not None else limit // 2
        return way

    def _take_forced(self, left: int) -> list[int]:
        tokens = self.forced()
        if not tokens or len(tokens) > left:
            return []
        for token in tokens:
            self.advance(token)
        if self._way is not None:
            follows = self._way[: len(tokens)] == tokens
            self._way = self._way[len(tokens) :] if follows else self._searched(left - len(tokens))
        return tokens


def _grammar(constraint: Constraint, free: bool) -> str:
    """What llguidance compiles; with `free`, no tokens are forced."""
    from llguidance import LLMatcher, regex_to_lark

    text, head = constraint.text, _NOT_FORCED if free else ""
    if constraint.kind == "json":
        schema = _bounded(_parsed(constraint, dict))
        if free:
            told = json.dumps({**schema, "x-guidance": _COMPACT}, ensure_ascii=False)
            return LLMatcher.grammar_from_lark(f"{head}start: %json {told}")
        return LLMatcher.grammar_from_json_schema(schema, overrides=_COMPACT)
    if constraint.kind == "choice":
        options = _parsed(constraint, list)
        if not options or not all(isinstance(o, str) and o for o in options):
            raise _invalid(constraint, "it is not a list of texts that are not empty")
        text = "|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", option) for option in options)
        if not free:
            return LLMatcher.grammar_from_regex(text)
    # Classes such as \d are ASCII's, as they are in DuckDB.
    return LLMatcher.grammar_from_lark(f"{head}start: /{regex_to_lark(text, 'dws')}/")


def _parsed(constraint: Constraint, kind: type) -> Any:
    try:
        value = json.loads(constraint.text)
    except ValueError as error:
        raise _invalid(constraint, f"it is not JSON: {error}") from error
    if not isinstance(value, kind):
        raise _invalid(constraint, f"it is JSON of another kind than {kind.__name__}")
    return value


def _bounded(schema: Any) -> Any:
    """`schema` with an end to every string, and no keys beside those that it names."""
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    literal = ("enum", "const", "default", "examples")
    bounded = {k: v if k in literal else _bounded(v) for k, v in schema.items()}
    if bounded.get("type") == "string" and not any(name in bounded for name in _BOUNDS):
        bounded["maxLength"] = _LONGEST_STRING
    if isinstance(bounded.get("properties"), dict):
        bounded.setdefault("additionalProperties", False)
    return bounded


def _invalid(constraint: Constraint, reason: str) -> InvalidValueError:
    names = {"json": "JSON schema", "regex": "regular expression", "choice": "choice"}
    return InvalidValueError(
        f"The {names[constraint.kind]} cannot constrain an answer: {reason.strip()}.",
        hint="Look-around, back-references and word boundaries are not supported."
        if constraint.kind == "regex"
        else "",
    )
