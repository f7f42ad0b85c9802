"""Calls that a language model answers in a way of their own, read from their tokens.

extract(text, {name: 'VARCHAR', stars: 'INTEGER'} clauses)       summarize(text clauses)
matches(text, condition clauses)                                 rerank(query, text clauses)
summarize_agg([DISTINCT] text [ORDER BY ...] clauses)
prompt_agg('instruction', [DISTINCT] text [ORDER BY ...] clauses)

The aggregates also take `texts := list`, a list of texts; `gathering` makes this of the others.
"""

from augursql.errors import StatementError
from augursql.planner.arguments import Layout, argument_at
from augursql.planner.cursor import Cursor
from augursql.planner.kinds import AGGREGATES, INPUTS, CallKind
from augursql.planner.lexer import Span, quoted, tokenize
from augursql.planner.plan import Argument, Call
from augursql.planner.returns import read_type
from augursql.planner.sentence import Sentence, sentence

USAGE: dict[CallKind, str] = {
    "extract": "extract(review, {dish: 'VARCHAR', stars: 'INTEGER'})",
    "summarize": "summarize(review)",
    "matches": "matches(review, 'complains of noise')",
    "rerank": "rerank('quiet rooms', review)",
    "summarize_agg": "summarize_agg(review ORDER BY id)",
    "prompt_agg": "prompt_agg('What do guests complain of?', review ORDER BY id)",
}
GIVEN = frozenset(("texts",))


def read_asking(words: Sentence, tokens: tuple[int, int], kind: CallKind, parts: Layout) -> Call:
    """The call between these tokens, its name and its closing bracket, with its inputs alone.

    Raises StatementError, with its place, where they are not what the kind takes.
    """
    span, sql = words.span(*tokens), words.collapsed(*tokens)
    positional = parts.positional
    if not all(positional):
        raise _wrong(words, f"An input of {kind}() is missing.", span, kind)
    if kind in AGGREGATES:
        return _aggregate(words, tokens, kind, parts)
    if kind == "extract" and len(positional) == 2:
        inputs = (argument_at(words, positional[0]),)
        places = (("returns", _span(words, positional[1])),)
        returns = _fields(words, positional[1])
        return Call(kind, span, sql, inputs, returns=returns, places=places)
    wanted = INPUTS[kind] or 0
    if len(positional) != wanted:
        few = len(positional) < wanted
        message = f"An input of {kind}() is missing." if few else f"{kind}() has too many inputs."
        raise _wrong(words, message, span, kind)
    return Call(kind, span, sql, tuple(argument_at(words, piece) for piece in positional))


def _aggregate(words: Sentence, tokens: tuple[int, int], kind: CallKind, parts: Layout) -> Call:
    """An aggregate over rows, or over a list that `texts` names.

    Of rows, `rows` is the place of what is gathered, with DISTINCT before and ORDER BY behind it,
    and `behind` that of FILTER and OVER, which follow the call.
    """
    span, sql, rest = words.span(*tokens), words.collapsed(*tokens), parts.positional
    template, places = None, list[tuple[str, Span]]()
    if kind == "prompt_agg":
        token = words.token(rest[0].start) if rest else None
        if token is None or token.kind != "string" or len(rest[0]) != 1:
            message = "prompt_agg() takes the instruction as a string."
            raise _wrong(words, message, _span(words, rest[0]) if rest else span, kind)
        template, rest = token.value, rest[1:]
        places.append(("template", (token.start, token.end)))
    lists = [value for name, value in parts.named if words.token(name).value.lower() in GIVEN]
    if len(lists) + bool(rest) != 1 or not all(lists):
        raise _wrong(words, f"{kind}() takes the text of the rows.", span, kind)
    if lists:
        inputs = (argument_at(words, lists[0]),)
    else:
        rows = range(rest[0].start, rest[-1].stop)
        inputs = (Argument(words.text(rows.start, rows.stop - 1), None, _span(words, rows)),)
        places += [("rows", inputs[0].span), ("behind", _behind(words, tokens[1]))]
    return Call(kind, span, sql, inputs, template=template, places=tuple(places))


def _behind(words: Sentence, closing: int) -> Span:
    """FILTER (...) and OVER (...) or OVER name, which follow a closing bracket."""
    last = closing
    if words.word(last + 1) == "filter" and words.symbol(last + 2) == "(":
        last = max(words.partner[last + 2], last)
    if words.word(last + 1) == "over" and words.symbol(last + 2) == "(":
        last = max(words.partner[last + 2], last)
    elif words.word(last + 1) == "over" and words.token(last + 2).kind in ("word", "name"):
        last += 0 if words.clause_word(last + 2) else 2
    end = words.token(closing).end
    return (end, words.token(last).end)


def _fields(words: Sentence, piece: range) -> str:
    """The type of `{name: 'VARCHAR', "a name": 'INTEGER[]'}`, a STRUCT."""
    cursor, found = Cursor(words, piece.start, piece.stop), dict[str, str]()
    message = "The fields are written {name: 'VARCHAR', stars: 'INTEGER'}."
    cursor.expect("{", message)
    while not cursor.take_symbol("}"):
        name, place = words.token(cursor.position), cursor.span
        if name.kind not in ("word", "name", "string"):
            raise cursor.error(message)
        if name.value.lower() in found:
            raise cursor.error(f"The field {name.text} is given twice.", place)
        cursor.position += 1
        cursor.expect(":", message)
        found[name.value.lower()] = f"{quoted(name.value)} {_type(cursor)}"
        if not cursor.take_symbol(",") and cursor.sentence.symbol(cursor.position) != "}":
            raise cursor.error(message)
    if not found or not cursor.done:
        raise cursor.error(message, _span(words, piece))
    return f"STRUCT({', '.join(found.values())})"


def _type(cursor: Cursor) -> str:
    """A type in a string, whose words are its own."""
    token = cursor.sentence.token(cursor.position)
    if cursor.done or token.kind != "string":
        raise cursor.error("The type of a field is a string: {stars: 'INTEGER'}.")
    tokens = tokenize(token.value) or []
    inner = Cursor(sentence(token.value, tokens), 0, len(tokens))
    try:
        found = read_type(inner) if tokens else ""
    except StatementError as error:
        raise cursor.error(
            error.message.replace("RETURNS", "extract()"), hint=error.hint
        ) from error
    if not tokens or not inner.done:
        raise cursor.error("A field has one type: {stars: 'INTEGER'}.")
    cursor.position += 1
    return found


def _span(words: Sentence, piece: range) -> Span:
    return words.span(piece.start, piece.stop - 1)


def _wrong(words: Sentence, message: str, span: Span, kind: CallKind) -> StatementError:
    return StatementError(message, hint=f"Write it as {USAGE[kind]}.", span=span, sql=words.whole)
