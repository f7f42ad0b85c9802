"""prompt() with every value written out: what is left of a template are its named arguments.

    prompt('Is {guest} happy? {review}', guest := upper(name))
    prompt('Is {guest} happy? {review}', guest := upper(name), "review" := "review")
    prompt(greeting VERSION 2)
    prompt('Welcome {guest}', "guest" := "guest")

So that each input of a call is an expression with a place in the text, which rules can move, and
stored templates need no room in what comes after. Aggregates become functions over lists by the
same way, see `gathering`.
"""

from dataclasses import replace

from augursql.errors import AugurError
from augursql.planner.catalog import Catalog
from augursql.planner.gathering import Replaced, gathering, is_gathered
from augursql.planner.lexer import Token, literal, quoted
from augursql.planner.origin import Writer
from augursql.planner.plan import Argument, Call, Explain, Insertion, Query, Statement
from augursql.planner.rewritten import Desugared, reparsed
from augursql.planner.speaking import stored_template
from augursql.planner.template import placeholders


def unfilled(statement: Statement) -> bool:
    """Whether a prompt() in the statement has values that are not written out."""
    calls = _calls(statement)
    return any(c.stored is not None or _missing(c) or not is_gathered(c) for c in calls)


def filled(statement: Query | Explain, catalog: Catalog, functions: frozenset[str]) -> Desugared:
    """The statement with all values of its prompts; `functions` are the names of the user's.

    Calls inside of the FILTER of an aggregate are left for another time.

    Raises NameNotFoundError for a stored prompt that does not exist.
    """
    edits: list[Replaced] = [
        ((name.offset, name.offset), (name.sql,)) for name in _names(statement)
    ]
    for call in _calls(statement):
        try:
            edits += _edits(call, catalog)
        except AugurError as error:
            raise error.located(call.span, statement.whole) from error.__cause__
    writer, position = Writer(statement.whole), statement.span[0]
    for span, parts in sorted(edits, key=lambda edit: edit[0]):
        if span[0] < position:
            continue
        writer.copy((position, span[0]))
        for part in parts:
            if isinstance(part, str):
                writer.make(part, span if span[1] > span[0] else (span[0] - 1, span[0]))
            else:
                writer.copy(part)
        position = span[1]
    writer.copy((position, statement.span[1]))
    made = reparsed(writer, functions)
    return replace(made, statement=_shown_as(made.statement, _calls(statement)))


def _shown_as(statement: Query | Explain, written: tuple[Call, ...]) -> Query | Explain:
    """The statement, whose calls are told of as they were written."""
    if isinstance(statement, Explain):
        return replace(statement, query=_with_texts(statement.query, written))
    return _with_texts(statement, written)


def _with_texts(query: Query, written: tuple[Call, ...]) -> Query:
    pairs = zip(query.calls, written, strict=True)
    return replace(query, calls=tuple(replace(call, sql=as_.sql) for call, as_ in pairs))


def _calls(statement: Statement) -> tuple[Call, ...]:
    if isinstance(statement, Explain):
        statement = statement.query
    return statement.calls if isinstance(statement, Query) else ()


def _names(statement: Statement) -> tuple[Insertion, ...]:
    """What columns and tables are called, after the user's text."""
    if isinstance(statement, Explain):
        statement = statement.query
    return statement.insertions if isinstance(statement, Query) else ()


def _missing(call: Call) -> list[Argument]:
    """The inputs that stand in the template alone."""
    if call.kind != "prompt" or call.template is None:
        return []
    first, last = call.place("template")
    return [argument for argument in call.inputs if first <= argument.span[0] < last]


def _edits(call: Call, catalog: Catalog) -> list[Replaced]:
    if not is_gathered(call):
        return gathering(call)
    if call.stored is not None:
        template = stored_template(call, catalog)
        given = {str(argument.name).lower() for argument in call.inputs}
        token = Token("string", literal(template), 0, 0)
        wanted = [
            (place.name, place.sql)
            for place in placeholders(token, token.text)
            if place.name.lower() not in given
        ]
        edits: list[Replaced] = [(call.place("template"), (literal(template),))]
    else:
        wanted = [(str(argument.name), argument.sql) for argument in _missing(call)]
        edits = []
    values = "".join(f", {quoted(name)} := {sql}" for name, sql in wanted)
    return [*edits, (call.place("values"), (values,))] if values else edits
