"""What follows the inputs of a call: clauses, or named arguments that say the same.

    [USING MODEL model [VERSION n]] [USING INDEX index [TOP k] [SEMANTIC | RANDOM]]
    [WITH CONFIDENCE | PROBABILITIES | EXPLANATION | METADATA [, ...]] [OPTIONS (name = value, ...)]
    [RETURNS type [MATCHING 'regular expression']] [ON ERROR NULL | FAIL]

come in any order, each once. In DuckDB's own syntax: `index := 'hotels', top := 5, random := true,
model := 'm', version := 2, with := ['confidence'], on_error := 'null'`, any other name being an
option; `=>` is `:=`.
"""

from augursql.errors import StatementError, candidates
from augursql.planner.arguments import Layout
from augursql.planner.cursor import Cursor
from augursql.planner.kinds import CallKind
from augursql.planner.lexer import Span, tokenize
from augursql.planner.options import CHOSEN, GENERATED, WORDED
from augursql.planner.plan import DETAILS, Detail, OnError, Order, Value
from augursql.planner.returns import read_type
from augursql.planner.sentence import Sentence, sentence

_ASKED = ("USING MODEL", "WITH", "OPTIONS", "ON ERROR")
_CLAUSES: dict[CallKind, tuple[str, ...]] = {
    "predict": ("USING MODEL", "USING INDEX", "WITH", "OPTIONS", "ON ERROR"),
    "classify": ("USING MODEL", "WITH", "OPTIONS", "ON ERROR"),
    "embed": ("USING MODEL", "ON ERROR"),
    "similarity": ("USING MODEL", "ON ERROR"),
    "search": (),
    "prompt": ("USING MODEL", "USING INDEX", "RETURNS", "WITH", "OPTIONS", "ON ERROR"),
    "extract": _ASKED,
    "summarize": _ASKED,
    "matches": _ASKED,
    "rerank": _ASKED,
    "summarize_agg": _ASKED,
    "prompt_agg": ("USING MODEL", "RETURNS", "WITH", "OPTIONS", "ON ERROR"),
}
_MODEL = ("model", "version", "with", "on_error")
_NAMED: dict[CallKind, tuple[str, ...]] = {
    "predict": (),  # every other name is an option
    "classify": ("model", "version", "with", *CHOSEN, "on_error"),
    "embed": ("model", "version", "on_error"),
    "similarity": ("model", "version", "on_error"),
    "search": ("k", "filter", "threshold"),
    "prompt": (
        *("model", "version", "index", "top", "random", "with", "returns", "matching"),
        *("on_error", *GENERATED),
    ),
    "extract": (*_MODEL, "returns", *WORDED, *GENERATED),
    "summarize": (*_MODEL, *WORDED, *GENERATED),
    "matches": (*_MODEL, *WORDED),
    "rerank": (*_MODEL, *WORDED),
    "summarize_agg": (*_MODEL, *WORDED, *GENERATED),
    "prompt_agg": (*_MODEL, "returns", "matching", *GENERATED),
}
_SAME = {
    "model": "USING MODEL",
    "index": "USING INDEX",
    "with": "WITH",
    "top": "TOP",
    "returns": "RETURNS",
    "on_error": "ON ERROR",
}
_WRITTEN: tuple[Detail, ...] = ("confidence", "explanation", "metadata")
_DETAILS: dict[CallKind, tuple[Detail, ...]] = {
    "prompt": _WRITTEN,
    "extract": _WRITTEN,
    "summarize": _WRITTEN,
    "summarize_agg": _WRITTEN,
    "prompt_agg": _WRITTEN,
    "rerank": ("explanation", "metadata"),
}
_ON_ERROR: dict[str, OnError] = {"null": "null", "fail": "fail"}


class ClauseReader:
    """Reads the clauses and named arguments of one call, each at most once."""

    def __init__(self, sentence: Sentence, kind: CallKind) -> None:
        self.sentence, self.kind = sentence, kind
        self.places: dict[str, Span] = {}
        self.model: str | None = None
        self.version: int | None = None
        self.index: str | None = None
        self.top: int | None = None
        self.order: Order | None = None
        self.details: list[Detail] = []
        self.options: dict[str, Value] = {}
        self.filter: str | None = None
        self.threshold: float | None = None
        self.returns: str | None = None
        self.matching: str | None = None
        self.on_error: OnError = "fail"
        self._seen: set[str] = set()

    def read_clauses(self, clauses: range) -> None:
        """Reads the tokens of the range to its end, or raises StatementError."""
        cursor = Cursor(self.sentence, clauses.start, clauses.stop)
        while not cursor.done:
            place = cursor.span
            clause = self._clause(cursor)
            self._once(clause, place)
            if clause not in _CLAUSES[self.kind]:
                raise self._fail(f"{self.kind}() has no {clause}.", place, self._allowed())
            if clause == "USING MODEL":
                self.model, self.places["model"] = cursor.name("a model")
                if cursor.take("version"):
                    self.version, self.places["version"] = cursor.integer("VERSION")
            elif clause == "USING INDEX":
                self.index, self.places["index"] = cursor.name("an index")
                self._read_retrieval(cursor)
            elif clause == "WITH":
                self._read_details(cursor)
            elif clause == "RETURNS":
                self.returns, self.places["returns"] = read_type(cursor), place
                if cursor.take("matching"):
                    self._once("MATCHING", cursor.span)
                    self.matching = _string(cursor, "matching", "MATCHING is followed by a string.")
            elif clause == "ON ERROR":
                self._read_on_error(cursor, cursor.word, "ON ERROR is followed by NULL or FAIL.")
            else:
                for name, value, span in cursor.options():
                    self._add_option(name, value, span)

    def names(self, key: str) -> bool:
        """Whether a named argument of this name is a clause or an option of the call."""
        return not _NAMED[self.kind] or key in _NAMED[self.kind]

    def read_named(self, parts: Layout, values: frozenset[str] = frozenset()) -> None:
        """Reads the named arguments but those that are `values`, or raises StatementError."""
        for name, value in parts.named:
            key = self.sentence.token(name).value.lower()
            if key in values:
                continue
            place = self.sentence.span(name, name)
            if any(piece.start > name for piece in parts.positional):
                raise self._fail("A named argument stands after the inputs.", place)
            if not value:
                raise self._fail(f'The argument "{key}" needs a value.', place)
            if not self.names(key):
                message = f'{self.kind}() has no argument "{key}".'
                raise self._fail(message, place, candidates(key, _NAMED[self.kind]))
            cursor = Cursor(self.sentence, value.start, value.stop)
            self._once(_SAME.get(key, key), place)
            self._read_argument(key, cursor, place)
            if not cursor.done:
                raise cursor.error(f'The argument "{key}" takes one plain value.')

    def _clause(self, cursor: Cursor) -> str:
        if cursor.take("using", "model"):
            return "USING MODEL"
        if cursor.take("using", "index"):
            return "USING INDEX"
        if self.kind == "prompt" and cursor.take("over"):
            return "USING INDEX"
        if cursor.take("on", "error"):
            return "ON ERROR"
        for word in ("returns", "with", "options"):
            if cursor.take(word):
                return word.upper()
        if cursor.word == "using":
            raise cursor.error("USING is followed by MODEL or INDEX.")
        if cursor.word == "top":
            raise cursor.error("TOP stands after USING INDEX.")
        start, end = cursor.span
        shown = self.sentence.whole[start:end]
        message = f"{self.kind}() does not understand {shown} here."
        raise self._fail(message, (start, end), self._allowed())

    def _read_argument(self, key: str, cursor: Cursor, place: Span) -> None:
        if key == "model":
            self.model, self.places["model"] = cursor.name("a model")
        elif key == "index":
            self.index, self.places["index"] = cursor.name("an index")
        elif key == "version":
            self.version, self.places["version"] = cursor.integer("version :=")
        elif key in ("top", "k"):
            self.top, self.places["top"] = cursor.integer(f"{key} :=")
        elif key == "random":
            self.order = "random" if cursor.scalar("random") is True else "semantic"
        elif key == "filter":
            self.filter, self.places["filter"] = _string(cursor, "filter"), place
        elif key == "threshold":
            self.threshold = _number(cursor, "threshold")
        elif key == "with":
            self._read_detail_list(cursor)
        elif key == "returns":
            self._read_type(cursor, place)
        elif key == "matching":
            self.matching = _string(cursor, "matching")
        elif key == "on_error":
            token = self.sentence.token(cursor.position)
            value = "" if cursor.done else token.value.lower()
            self._read_on_error(cursor, value, "on_error := takes 'null' or 'fail'.")
        else:
            self._add_option(key, cursor.value(f'the option "{key}"'), place)

    def _read_type(self, cursor: Cursor, place: Span) -> None:
        """The type in a string, which has words of its own."""
        text = _string(cursor, "returns")
        tokens = tokenize(text)
        inner = Cursor(sentence(text, tokens or []), 0, len(tokens or []))
        try:
            self.returns, self.places["returns"] = read_type(inner), place
        except StatementError as error:
            raise self._fail(error.message, place, error.hint) from error
        if not inner.done:
            raise self._fail("returns := takes one type.", place)

    def _read_retrieval(self, cursor: Cursor) -> None:
        while cursor.word in ("top", "semantic", "random"):
            place, word = cursor.span, cursor.word
            cursor.position += 1
            if word == "top":
                self._once("TOP", place)
                self.top, self.places["top"] = cursor.integer("TOP")
            else:
                self._once("SEMANTIC or RANDOM", place)
                self.order = "semantic" if word == "semantic" else "random"

    def _read_on_error(self, cursor: Cursor, word: str, message: str) -> None:
        if word not in _ON_ERROR:
            raise cursor.error(message)
        self.on_error = _ON_ERROR[word]
        cursor.position += 1

    def _read_details(self, cursor: Cursor) -> None:
        while True:
            if cursor.done:
                words = ", ".join(detail.upper() for detail in self._known_details())
                raise cursor.error(f"WITH is followed by one or more of {words}.")
            self._add_detail(cursor.word, cursor.span)
            cursor.position += 1
            if not cursor.take_symbol(","):
                return

    def _read_detail_list(self, cursor: Cursor) -> None:
        listed = cursor.take_symbol("[")
        while True:
            place = cursor.span
            self._add_detail(_string(cursor, "with").lower(), place)
            if not (listed and cursor.take_symbol(",")):
                break
        if listed:
            cursor.expect("]", "with := takes a list: with := ['confidence', 'explanation'].")

    def _add_detail(self, word: str, place: Span) -> None:
        for detail in self._known_details():
            if word == detail:
                self.details.append(detail)
                self.places.setdefault(f"with:{detail}", place)
                return
        shown = self.sentence.whole[place[0] : place[1]]
        words = [detail.upper() for detail in self._known_details()]
        raise self._fail(f"WITH does not know {shown}.", place, candidates(word.upper(), words))

    def _add_option(self, name: str, value: Value, place: Span) -> None:
        if name in self.options:
            raise self._fail(f'The option "{name}" is given twice.', place)
        self.options[name] = value
        self.places[f"option:{name}"] = place

    def _once(self, clause: str, place: Span) -> None:
        if clause in self._seen:
            raise self._fail(f"{clause} is given twice.", place)
        self._seen.add(clause)

    def _known_details(self) -> tuple[Detail, ...]:
        return _DETAILS.get(self.kind, DETAILS)

    def _allowed(self) -> str:
        clauses = _CLAUSES[self.kind]
        return f"It takes {', '.join(clauses)}." if clauses else "It takes no clauses."

    def _fail(self, message: str, place: Span, hint: str = "") -> StatementError:
        return StatementError(message, hint=hint, span=place, sql=self.sentence.whole)


def _string(cursor: Cursor, key: str, message: str = "") -> str:
    token = cursor.sentence.token(cursor.position)
    if cursor.done or token.kind != "string":
        raise cursor.error(message or f"{key} := takes a string.")
    cursor.position += 1
    return token.value


def _number(cursor: Cursor, key: str) -> float:
    value = cursor.scalar(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        cursor.position -= 1
        raise cursor.error(f"{key} := takes a number.")
    return float(value)
