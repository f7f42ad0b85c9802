"""PREDICT, PROMPT and EVALUATE ... GIVEN query: where they stand, and what their heads say.

    PREDICT target [AS a] [clauses] [, target ...] GIVEN query
    PROMPT 'template' [AS a] USING MODEL m [OVER index [TOP k]] [clauses] GIVEN query
    EVALUATE target [clauses] [, target ...] GIVEN query

These words are ordinary names too. A head is told by three things together: it stands where a query
can begin, a name or a string follows its verb, and GIVEN, followed by a query, stands on the same
level of brackets. GIVEN's query reaches to the end of that level, or up to a set operation with
another such block, or to what INSERT allows behind its query.
"""

from typing import cast

from augursql.errors import StatementError
from augursql.planner.calls import template_inputs, with_clauses
from augursql.planner.clauses import ClauseReader
from augursql.planner.ctes import ctes_before
from augursql.planner.cursor import Cursor
from augursql.planner.lexer import Span
from augursql.planner.plan import DETAILS, Argument, Call, Given, Item, Verb
from augursql.planner.sentence import Sentence
from augursql.planner.sites import defines_macro

VERBS = ("predict", "prompt", "evaluate")
_QUERIES = frozenset(
    "select from with values table pivot unpivot describe desc show summarize".split()
) | frozenset(VERBS)
_SET_OPERATIONS = frozenset("union except intersect".split())
_CLAUSES = frozenset("using with options on returns".split())
_BEFORE_QUERY = frozenset("explain analyze describe desc summarize given".split())
_NO_TARGET = frozenset(
    "and or not like ilike in is between glob when then else collate as from join where group"
    " having window qualify order limit offset union except intersect inner left right full cross"
    " natural asof positional semi anti on using set returning end desc asc nulls".split()
)
_EXAMPLES: dict[str, str] = {
    "predict": "PREDICT rating USING INDEX hotels GIVEN SELECT * FROM reviews",
    "prompt": "PROMPT 'Summarise {review}' USING MODEL m GIVEN SELECT * FROM reviews",
    "evaluate": "EVALUATE rating USING INDEX hotels GIVEN SELECT * FROM reviews",
}


def read_blocks(words: Sentence) -> tuple[Given, ...]:
    """All blocks of a statement, in the order of their places: outer ones before inner ones.

    Raises StatementError where a head breaks the grammar.
    """
    found = list[Given]()
    for i in range(len(words.tokens)):
        if words.word(i) not in VERBS or not _has_target(words, i) or not _query_begins(words, i):
            continue
        given = _given(words, i)
        if given is not None:
            found.append(_read(words, i, given))
        elif words.parent[i] < 0 and _is_statement(words, i):
            raise _without_given(words, i)
    return tuple(found)


def _has_target(words: Sentence, i: int) -> bool:
    following = words.token(i + 1)
    if words.word(i) == "prompt":
        return following.kind == "string"
    named = following.kind in ("word", "name", "string")
    return named and words.word(i + 1) not in _NO_TARGET


def _is_statement(words: Sentence, i: int) -> bool:
    return i == 0 or words.word(i - 1) in ("explain", "analyze")


def _query_begins(words: Sentence, i: int) -> bool:
    """Whether a query, and so no column or alias, can begin at `i`."""
    before, second = words.word(i - 1), words.word(i - 2)
    if i == words.parent[i] + 1 or before in _BEFORE_QUERY or before in _SET_OPERATIONS:
        return True
    if before in ("all", "distinct"):
        return second in _SET_OPERATIONS
    if before == "name" and second == "by" and words.word(i - 3) in (*_SET_OPERATIONS, "all"):
        return True
    if before == "as":
        return _defined_as(words, i - 1)
    if before == "table" and second == "as" and defines_macro(words):
        return True
    opener = _opener(words, i)
    if words.symbol(i - 1) == ")":
        opening = words.partner[i - 1]
        if opener == "with":
            return words.word(opening - 1) in ("as", "materialized")
        if words.word(0) == "explain" and opening in (1, 2):
            return True
    return opener == "insert" and before != "into" and words.symbol(i - 1) != "."


def _defined_as(words: Sentence, i: int) -> bool:
    """Whether AS at `i` stands before what CREATE or PREPARE defines, not before an alias."""
    head = [words.word(k) for k in range(4)]
    if words.parent[i] >= 0 or not ("create" in head or "prepare" in head):
        return False
    return all(words.word(k) != "as" for k in range(i) if words.parent[k] < 0)


def _opener(words: Sentence, i: int) -> str:
    """The word before `i` on its level that says what kind of query it stands in."""
    for k in range(i - 1, words.parent[i], -1):
        if words.parent[k] == words.parent[i]:
            if words.word(k) in ("with", "insert") and words.word(k + 1) != "time":
                return words.word(k)
            if words.clause_word(k):
                return words.clause_word(k)
    return ""


def _given(words: Sentence, i: int) -> int | None:
    """The GIVEN of the head that begins at `i`: the first one with a query behind it."""
    for k in _level(words, i, i + 2):
        if words.word(k) == "given":
            if words.word(k + 1) in _QUERIES or words.symbol(k + 1) == "(":
                return k
    return None


def _level(words: Sentence, i: int, first: int) -> list[int]:
    """The tokens from `first` on that stand on the same level of brackets as `i`."""
    opening = words.parent[i]
    end = words.partner[opening] if opening >= 0 else len(words.tokens)
    end = end if end >= 0 else len(words.tokens)
    return [k for k in range(first, end) if words.parent[k] == opening]


def _read(words: Sentence, i: int, given: int) -> Given:
    verb = cast(Verb, words.word(i))
    last = _query_end(words, i, given)
    query = words.span(given + 1, last)
    ranges = [range(i + 1, given)] if verb == "prompt" else _ranges(words, i + 1, given)
    items = tuple(_item(words, verb, piece, query) for piece in ranges)
    return Given(verb, words.span(i, last), items, query, ctes_before(words, i))


def _query_end(words: Sentence, i: int, given: int) -> int:
    """The last token of GIVEN's query."""
    inserts = _opener(words, i) == "insert"
    last = given
    for k in _level(words, i, given + 1):
        word, following = words.word(k), words.word(k + 1)
        if inserts and (word == "returning" or (word == "on" and following == "conflict")):
            return last
        if word in _SET_OPERATIONS and _unites_blocks(words, k):
            return last
        last = max(k, words.partner[k])
    return last


def _unites_blocks(words: Sentence, k: int) -> bool:
    k += 1
    while words.word(k) in ("all", "distinct", "by", "name"):
        k += 1
    return words.word(k) in VERBS and _has_target(words, k)


def _ranges(words: Sentence, first: int, stop: int) -> list[range]:
    """One range of tokens per target; the commas in a WITH clause part no targets."""
    found, begin, clause = list[range](), first, ""
    for k in range(first, stop):
        if words.parent[k] != words.parent[first]:
            continue
        word = words.word(k)
        if word in _CLAUSES and k > begin:
            clause = word
        elif words.symbol(k) == "," and not (clause == "with" and words.word(k + 1) in DETAILS):
            found.append(range(begin, k))
            begin, clause = k + 1, ""
    return [*found, range(begin, stop)]


def _item(words: Sentence, verb: Verb, piece: range, query: Span) -> Item:
    cursor = Cursor(words, piece.start, piece.stop)
    if verb == "prompt":
        target, place = words.token(piece.start).value, words.span(piece.start, piece.start)
        cursor.position += 1
    else:
        target, place = cursor.name("a target")
    alias = None
    if cursor.word == "as" and verb == "evaluate":
        raise cursor.error("EVALUATE gives metrics, which have names of their own: leave out AS.")
    if cursor.take("as"):
        alias, _ = cursor.name("the column")
    if not cursor.done and cursor.word not in (*_CLAUSES, "over", "top"):
        hint = f"{verb.upper()} takes a name, AS, clauses, a comma, or GIVEN here."
        raise cursor.error(f"{verb.upper()} does not understand this.", hint=hint)
    after = cursor.position
    reader = ClauseReader(words, "prompt" if verb == "prompt" else "predict")
    reader.read_clauses(range(after, piece.stop))
    if verb == "evaluate" and reader.details:
        at = reader.places[f"with:{reader.details[0]}"]
        raise cursor.error("EVALUATE asks for what it needs itself: leave out WITH.", at)
    clauses = None if cursor.done else words.span(after, piece.stop - 1)
    call = with_clauses(_call(words, verb, piece, (target, place), query), reader)
    over = [k for k in range(after, piece.stop) if words.word(k) == "over"]
    return Item(call, alias, clauses, words.span(over[0], over[0]) if over else None)


def _call(words: Sentence, verb: Verb, piece: range, named: tuple[str, Span], query: Span) -> Call:
    """The call of an item without its clauses; its input is the query."""
    span = words.span(piece.start, piece.stop - 1)
    sql = words.collapsed(piece.start, piece.stop - 1)
    if verb == "prompt":
        inputs, places = template_inputs(words, piece.start), (("template", named[1]),)
        return Call("prompt", span, sql, inputs, template=named[0], places=places)
    inputs = (Argument("given", None, query),)
    return Call("predict", span, sql, inputs, target=named[0], places=(("target", named[1]),))


def _without_given(words: Sentence, i: int) -> StatementError:
    verb = words.word(i)
    at = next((k for k in _level(words, i, i + 2) if words.word(k) == "given"), i)
    message = "GIVEN is followed by a query." if at > i else f"{verb.upper()} needs GIVEN."
    hint = f"Write it as {_EXAMPLES[verb]}."
    return StatementError(message, hint=hint, span=words.span(at, at), sql=words.whole)
