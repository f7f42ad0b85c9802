"""Which places of a statement are calls of ours, and which only look like one.

`predict` and the others are ordinary words: a column, a table, an alias, a macro of the user's may
have such a name. Two kinds of evidence are told apart. *Strong*: a clause of ours, or predict()
or prompt() with a string as its first argument, which are always ours unless the place defines or
names something. *Weak*: embed(), similarity() and classify() with nothing but arguments, which are
ours where an expression can begin and no function of the user's has the name; and so are matches(),
rerank() and the aggregates. `extract(` and `summarize` are DuckDB's grammar, and are ours only
where DuckDB could read nothing.
"""

from augursql.planner.arguments import Layout, layout
from augursql.planner.kinds import ASKING, INPUTS, CallKind
from augursql.planner.options import GENERATED, WORDED
from augursql.planner.scopes import Scopes
from augursql.planner.sentence import Sentence

_NAMED: dict[str, frozenset[str]] = {
    "predict": frozenset({"index", "model", "top", "version", "with", "random", "on_error"}),
    "classify": frozenset({"model", "version", "with", "instruction", "calibrate", "on_error"}),
    "embed": frozenset({"model", "version", "on_error"}),
    "similarity": frozenset({"model", "version", "on_error"}),
}
_ASKING = frozenset(
    ("texts", "model", "version", "with", "on_error", "returns", "matching", *WORDED, *GENERATED)
)
_GRAMMAR = ("extract", "summarize")
_DEFINES = frozenset("macro function table view into exists update references trigger type".split())
_BEFORE_EXPRESSION = frozenset(
    "select distinct all where and or not on having qualify when then else case by in like ilike"
    " glob between to limit offset returning from is any some".split()
)


def kind_at(scopes: Scopes, i: int, user_functions: frozenset[str]) -> CallKind | None:
    """The kind of call whose name is the token at `i`, or None: not ours.

    `user_functions` are the names, in lower case, of functions that the user made: those are the
    user's wherever no clause of ours says otherwise.
    """
    sentence = scopes.sentence
    name = sentence.word(i)
    for kind in INPUTS:
        if name == kind:
            break
    else:
        return None
    if not _can_be_called(sentence, i):
        return None
    if sentence.partner[i + 1] < 0:
        return "predict" if kind == "predict" and _starts_with_string(sentence, i) else None
    parts = layout(sentence, i + 1)
    if kind == "search":
        ours = _searches(scopes, i, parts) and name not in user_functions
    elif kind in _GRAMMAR and not _is_free(sentence, i, kind, parts):
        ours = False
    else:
        ours = bool(parts.clauses) or (
            (name not in user_functions or kind in _GRAMMAR)
            and not _names_a_table(scopes, i)
            and _calls_plainly(sentence, i, kind, parts)
        )
    return kind if ours else None


def _can_be_called(sentence: Sentence, i: int) -> bool:
    if sentence.symbol(i + 1) != "(" or sentence.symbol(i - 1) == ".":
        return False
    if sentence.word(i - 1) in _DEFINES or _ranks_a_join(sentence, i):
        return False
    after = sentence.partner[i + 1] + 1
    if after and sentence.word(after) == "as":  # WITH predict(a, b) AS [NOT] [MATERIALIZED] (
        materialized = sentence.word(after + 1) in ("materialized", "not")
        return not materialized and sentence.symbol(after + 1) != "("
    return not (after and sentence.words(after, "using", "key"))


def _starts_with_string(sentence: Sentence, i: int) -> bool:
    return sentence.token(i + 2).kind == "string"


def _starts_with_name(sentence: Sentence, parts: Layout) -> bool:
    """Whether the first argument is a bare name, perhaps with VERSION n: a stored prompt's."""
    piece = parts.positional[0] if len(parts.positional) == 1 else range(0)
    named = bool(piece) and sentence.token(piece.start).kind in ("word", "name")
    return named and (len(piece) == 1 or sentence.word(piece.start + 1) == "version")


def _calls_plainly(sentence: Sentence, i: int, kind: CallKind, parts: Layout) -> bool:
    names = {sentence.token(name).value.lower() for name, _ in parts.named}
    if kind == "predict":
        return _starts_with_string(sentence, i) or bool(names & {"index", "model"})
    if kind == "prompt":
        return _starts_with_string(sentence, i) or (
            _starts_with_name(sentence, parts) and _expression_begins(sentence, i)
        )
    known = _ASKING if kind in ASKING else _NAMED[kind]
    return names <= known and _expression_begins(sentence, i)


def _is_free(sentence: Sentence, i: int, kind: CallKind, parts: Layout) -> bool:
    """Whether a call of extract() or summarize() is none of DuckDB's own: `extract(year FROM day)`,
    `SUMMARIZE (SELECT ...)`."""
    names = {sentence.token(name).value.lower() for name, _ in parts.named}
    if kind == "summarize":
        return i > 0 and len(parts.positional) == 1 and not sentence.is_query(i + 1)
    if len(parts.positional) == 2:
        return sentence.symbol(parts.positional[1].start) == "{"
    return "returns" in names


def _searches(scopes: Scopes, i: int, parts: Layout) -> bool:
    two = len(parts.positional) == 2 and all(parts.positional) and not parts.clauses
    return two and _starts_with_string(scopes.sentence, i) and scopes.in_table_place(i)


def _names_a_table(scopes: Scopes, i: int) -> bool:
    """A table's alias with its columns, a table function, or what CREATE INDEX stands on."""
    sentence = scopes.sentence
    before = sentence.token(i - 1)
    if before.kind in ("name", "string", "number", "parameter"):
        return True
    if before.text == ")":
        opening = sentence.partner[i - 1]
        return not sentence.words(opening - 2, "distinct", "on")
    if sentence.word(i - 1) == "as":
        return not defines_macro(sentence)
    if sentence.word(i - 1) == "on" and sentence.word(0) == "create":
        return "index" in (sentence.word(k) for k in range(1, 5))
    return scopes.in_table_place(i)


def _expression_begins(sentence: Sentence, i: int) -> bool:
    before = sentence.token(i - 1)
    if before.kind == "word":
        named = sentence.word(i - 1)
        begins = named in _BEFORE_EXPRESSION or _ranks_a_join(sentence, i - 1)
        return begins or (named == "as" and defines_macro(sentence))
    return i > 0


def _ranks_a_join(sentence: Sentence, i: int) -> bool:
    """Whether the word at `i` belongs to JOIN t NEAREST [k] BY SIMILARITY | DISTANCE expression."""
    if sentence.word(i) not in ("similarity", "distance") or sentence.word(i - 1) != "by":
        return False
    count = 1 if sentence.token(i - 2).kind == "number" else 0
    return sentence.word(i - 2 - count) == "nearest"


def defines_macro(sentence: Sentence) -> bool:
    """Whether the statement is CREATE MACRO or CREATE FUNCTION."""
    head = [sentence.word(k) for k in range(6)]
    return head[0] == "create" and ("macro" in head[1:] or "function" in head[1:])
