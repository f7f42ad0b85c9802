"""One call of ours, read from its tokens: the inputs here, the clauses in `clauses`.

predict('target', input [, input ...] clauses)     classify(input, ['a', 'b'] clauses)
embed(input [USING MODEL m])                       similarity(a, b [USING MODEL m])
search('index', query [, k := 10] [, filter := 'condition'] [, threshold := 0.5])
prompt('template with {column}' [, column := value ...] clauses)
prompt(name [VERSION n] [, column := value ...] clauses)       a stored template
Others that a language model answers are read by `asking`.
"""

from dataclasses import replace

from augursql.errors import StatementError
from augursql.planner.arguments import Layout, argument_at, layout
from augursql.planner.asking import GIVEN, USAGE, read_asking
from augursql.planner.clauses import ClauseReader
from augursql.planner.cursor import Cursor
from augursql.planner.kinds import AGGREGATES, ASKING, CallKind
from augursql.planner.plan import DETAILS, Argument, Call
from augursql.planner.sentence import Sentence
from augursql.planner.template import placeholders

_USAGE: dict[CallKind, str] = {
    "predict": "predict('rating', review USING INDEX hotels)",
    "classify": "classify(review, ['good', 'bad'])",
    "embed": "embed(review)",
    "similarity": "similarity(review, 'great view')",
    "search": "FROM search('hotels', 'great view', k := 10)",
    "prompt": "prompt('Summarise {review}' USING MODEL m)",
    **USAGE,
}
_FEWEST: dict[CallKind, int] = {
    "predict": 2,
    "classify": 2,
    "embed": 1,
    "similarity": 2,
    "search": 2,
    "prompt": 1,
}


def read_call(sentence: Sentence, i: int, kind: CallKind) -> Call:
    """The call whose name is the token at `i`; its arguments do not know their columns yet.

    Raises StatementError, with its place, where the call breaks the grammar.
    """
    closing = sentence.partner[i + 1]
    if closing < 0:
        raise _wrong(sentence, f"{kind}( is not closed.", (i, i + 1), kind)
    parts = layout(sentence, i + 1)
    call = _inputs(sentence, i, kind, parts)
    reader = ClauseReader(sentence, kind)
    reader.read_clauses(parts.clauses)
    if call.stored is not None:
        call = replace(call, inputs=_named_inputs(sentence, parts, reader))
    values = {str(argument.name).lower() for argument in call.inputs if kind == "prompt"}
    reader.read_named(parts, frozenset(values) | (GIVEN if kind in AGGREGATES else frozenset()))
    if call.returns is not None and reader.returns is not None:
        raise _wrong(sentence, "The fields are given twice.", (i, closing), kind)
    return with_clauses(call, reader)


def with_clauses(call: Call, reader: ClauseReader) -> Call:
    """`call` with what its clauses say. Raises StatementError where they do not fit together."""
    try:
        return replace(
            call,
            places=(*call.places, *reader.places.items()),
            model=reader.model,
            version=reader.version,
            index=reader.index or call.index,
            top=reader.top,
            order=reader.order,
            with_=tuple(detail for detail in DETAILS if detail in reader.details),
            options=tuple(reader.options.items()),
            filter=reader.filter,
            threshold=reader.threshold,
            returns=reader.returns or call.returns,
            matching=reader.matching,
            on_error=reader.on_error,
        )
    except StatementError as error:
        error.located(None, reader.sentence.whole)
        raise


def _inputs(sentence: Sentence, i: int, kind: CallKind, parts: Layout) -> Call:
    """The call with its arguments alone."""
    positional = parts.positional
    tokens = (i, sentence.partner[i + 1])
    if kind in ASKING:
        return read_asking(sentence, tokens, kind, parts)
    _check_count(sentence, tokens, kind, positional)
    arguments = tuple(argument_at(sentence, piece) for piece in positional)
    first, rest = arguments[0], arguments[1:]
    span, sql = sentence.span(*tokens), sentence.collapsed(*tokens)
    if kind == "predict":
        target = _leading_string(sentence, kind, positional[0])
        places = (("target", first.span),)
        return Call(kind, span, sql, rest, target=target, places=places)
    if kind == "search":
        index = _leading_string(sentence, kind, positional[0])
        return Call(kind, span, sql, rest, index=index, places=(("index", first.span),))
    if kind == "classify":
        return Call(kind, span, sql, (first,), labels=rest[0])
    if kind == "prompt":
        return _prompt(sentence, tokens, parts)
    return Call(kind, span, sql, arguments)


def _prompt(sentence: Sentence, tokens: tuple[int, int], parts: Layout) -> Call:
    """prompt() with its template, or with the name of a stored one; `tokens` are its ends.

    `values` is where more values can be written: behind the last argument.
    """
    piece, span, sql = parts.positional[0], sentence.span(*tokens), sentence.collapsed(*tokens)
    last = max(part.stop for part in (piece, *(value for _, value in parts.named)))
    end = sentence.token(last - 1).end
    places = (("template", sentence.span(piece.start, piece.stop - 1)), ("values", (end, end)))
    if sentence.token(piece.start).kind in ("word", "name"):
        cursor = Cursor(sentence, piece.start, piece.stop)
        name, _ = cursor.name("the prompt")
        version = cursor.integer("VERSION")[0] if cursor.take("version") else None
        if cursor.done and "." not in name:
            return Call("prompt", span, sql, (), stored=name, stored_version=version, places=places)
    template = _leading_string(sentence, "prompt", piece)
    inputs = template_inputs(sentence, piece.start, parts.named)
    return Call("prompt", span, sql, inputs, template=template, places=places)


def _named_inputs(sentence: Sentence, parts: Layout, reader: ClauseReader) -> tuple[Argument, ...]:
    """The named arguments that are values: those that are neither clause nor option."""
    return tuple(
        replace(argument_at(sentence, value), name=sentence.token(name).value)
        for name, value in parts.named
        if value and not reader.names(sentence.token(name).value.lower())
    )


def template_inputs(
    sentence: Sentence, i: int, named: tuple[tuple[int, range], ...] = ()
) -> tuple[Argument, ...]:
    """One input per placeholder of the template at `i`: a named value where one is given."""
    given = dict[str, range]()
    for token, piece in named:
        name = sentence.token(token).value
        if name.lower() in given:
            message, span = f'"{name}" is given twice.', sentence.span(token, token)
            raise StatementError(message, span=span, sql=sentence.whole)
        given[name.lower()] = piece
    inputs = list[Argument]()
    for place in placeholders(sentence.token(i), sentence.whole):
        value = given.get(place.name.lower())
        if value:
            inputs.append(replace(argument_at(sentence, value), name=place.name))
        else:
            inputs.append(Argument(place.sql, place.name, place.span))
    return tuple(inputs)


def _check_count(
    sentence: Sentence, tokens: tuple[int, int], kind: CallKind, positional: tuple[range, ...]
) -> None:
    if len(positional) < _FEWEST[kind] or not all(positional):
        raise _wrong(sentence, f"An input of {kind}() is missing.", tokens, kind)
    if kind != "predict" and len(positional) > _FEWEST[kind]:
        raise _wrong(sentence, f"{kind}() has too many inputs.", tokens, kind)


def _leading_string(sentence: Sentence, kind: CallKind, piece: range) -> str:
    token = sentence.token(piece.start)
    if token.kind == "string" and len(piece) == 1:
        return token.value
    what = {"predict": "the target", "prompt": "the template"}.get(kind, "the index")
    named = ", or the name of a stored one" if kind == "prompt" else ""
    message, tokens = f"{kind}() takes {what} as a string{named}.", (piece.start, piece.stop - 1)
    raise _wrong(sentence, message, tokens, kind)


def _wrong(
    sentence: Sentence, message: str, tokens: tuple[int, int], kind: CallKind
) -> StatementError:
    hint = f"Write it as {_USAGE[kind]}."
    return StatementError(message, hint=hint, span=sentence.span(*tokens), sql=sentence.whole)
