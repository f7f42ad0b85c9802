"""A text to statements: `parse`.

Splits at semicolons, tells ours from DuckDB's, and finds the calls inside of DuckDB's own. A text
in which nothing of ours is found comes back as it was, also where it is wrong: DuckDB says what
is.
"""

from augursql.errors import UnsupportedError
from augursql.planner.calls import read_call
from augursql.planner.explaining import explaining
from augursql.planner.headings import column_names, table_name
from augursql.planner.heads import read_blocks
from augursql.planner.lexer import statements, tokenize
from augursql.planner.plan import (
    Call,
    Explain,
    Given,
    GivenQuery,
    Insertion,
    Listing,
    ListingKind,
    Query,
    Statement,
    Verbatim,
)
from augursql.planner.scopes import Scopes, scopes
from augursql.planner.sentence import Sentence, sentence
from augursql.planner.sites import defines_macro, kind_at
from augursql.planner.source_statements import read_head, read_source_statement
from augursql.planner.sources import Sources, WriteSource
from augursql.planner.statements import read_listing, read_statement

_TABLES: dict[str, ListingKind] = {
    "augur_calls": "calls",
    "augur_errors": "errors",
    "augur_settings": "settings",
    "augur_running": "running",
}


_NONE = Sources()


def parse(
    text: str, user_functions: frozenset[str] = frozenset(), sources: Sources = _NONE
) -> list[Statement]:
    """The statements of `text`, in order, empty ones left out.

    `user_functions`: the lower-case names of functions and macros that the user made, which win
    over ours of the same name wherever no clause of ours is used. Raises StatementError where our
    grammar is broken, with its place in `text`. A statement with PREDICT, PROMPT or EVALUATE comes
    back as a `GivenQuery`, which `given.desugared` makes a text of calls.
    """
    tokens = tokenize(text)
    if tokens is None:
        return [Verbatim(text, whole=text)]
    return [
        _of_source(
            sentence(text, part), Verbatim(text[start:end], start, text), user_functions, sources
        )
        for start, end, part in statements(text, tokens)
    ]


def _of_source(
    words: Sentence, plain: Verbatim, user_functions: frozenset[str], sources: Sources
) -> Statement:
    """A statement about a source that is attached by ADBC, or any other."""
    own = read_source_statement(words, plain, sources)
    if own is not None:
        return own
    head = read_head(words, sources)
    if head is None or head.query >= len(words.tokens):
        return _statement(words, plain, user_functions)
    rest = list(words.tokens[head.query :])
    inner = Verbatim(plain.whole[rest[0].start : plain.span[1]], rest[0].start, plain.whole)
    return WriteSource(
        plain.text,
        plain.start,
        plain.whole,
        parts=head.parts,
        query=_statement(sentence(words.whole, rest), inner, user_functions),
        creates=head.creates,
        columns=head.columns,
        by_name=head.by_name,
        or_replace=head.or_replace,
        if_not_exists=head.if_not_exists,
        place=head.place,
    )


def _statement(words: Sentence, plain: Verbatim, user_functions: frozenset[str]) -> Statement:
    explained = _explained(words, plain, user_functions)
    if explained is not None:
        return explained
    own = read_statement(words, plain)
    if own is not None:
        return own
    blocks = read_blocks(words)
    if blocks:
        return _given_query(words, plain, blocks)
    scoped = scopes(words)
    calls, names = _calls(scoped, user_functions)
    listings, more = _listings(scoped)
    if not calls and not listings:
        return plain
    return Query(
        plain.text,
        plain.start,
        plain.whole,
        calls=calls,
        listings=listings,
        insertions=_once((*names, *more)),
        definition=bool(calls) and _defines(words),
        sentence=words,
    )


def _once(insertions: tuple[Insertion, ...]) -> tuple[Insertion, ...]:
    """In the order of their places; a select item with two things of ours has one name."""
    found = {insertion.offset: insertion for insertion in insertions}
    return tuple(found[offset] for offset in sorted(found))


def _given_query(words: Sentence, plain: Verbatim, blocks: tuple[Given, ...]) -> GivenQuery:
    measures = next((block for block in blocks if block.verb == "evaluate"), None)
    if measures is not None and (words.word(0) in ("explain", "prepare") or _defines(words)):
        raise UnsupportedError(
            "EVALUATE runs at once: it cannot be explained, prepared or stored in a view.",
            hint="CREATE TABLE ... AS EVALUATE keeps its rows.",
            span=measures.span,
            sql=words.whole,
        )
    parameters = tuple(
        words.span(i, i) for i, token in enumerate(words.tokens) if token.kind == "parameter"
    )
    return GivenQuery(plain.text, plain.start, plain.whole, blocks=blocks, parameters=parameters)


def _explained(words: Sentence, plain: Verbatim, user_functions: frozenset[str]) -> Explain | None:
    """EXPLAIN of what holds calls of ours; every other EXPLAIN is a statement like any other."""
    how = explaining(words)
    if how is None or how.tokens >= len(words.tokens):
        return None
    rest = list(words.tokens[how.tokens :])
    start = rest[0].start
    inner = Verbatim(plain.whole[start : plain.span[1]], start, plain.whole)
    query = _statement(sentence(words.whole, rest), inner, user_functions)
    if not isinstance(query, Query) or not query.calls:
        return None
    return Explain(
        plain.text,
        plain.start,
        plain.whole,
        query=query,
        analyze=how.analyze,
        format=how.format,
        sql=how.sql,
    )


def _calls(
    scoped: Scopes, user_functions: frozenset[str]
) -> tuple[tuple[Call, ...], list[Insertion]]:
    words = scoped.sentence
    places, calls, insertions = list[int](), list[Call](), list[Insertion]()
    searches: dict[int, int] = {}
    for i in range(len(words.tokens)):
        kind = kind_at(scoped, i, user_functions)
        if kind is not None:
            calls.append(read_call(words, i, kind))
            if kind == "search":
                number = searches.get(words.parent[i], 0) + 1
                name = "search" if number == 1 else f"search_{number}"
                named = table_name(words, i, words.partner[i + 1], name)
                searches[words.parent[i]] = number if named else number - 1
                insertions += named
            else:
                places.append(i)
        elif words.clause_word(i) == "select":  # another FROM begins on this level
            searches.pop(words.parent[i], None)
    if not calls:
        return (), []
    if all(argument.name is not None for call in calls for argument in call.inputs):
        return tuple(calls), insertions + column_names(scoped, places)
    # Only now: sqlglot takes 0.1 s to load, and not every statement has to pay for that.
    from augursql.planner.dialect import with_columns

    return with_columns(calls, words.whole), insertions + column_names(scoped, places)


def _listings(scoped: Scopes) -> tuple[tuple[Listing, ...], list[Insertion]]:
    words = scoped.sentence
    listings, insertions = list[Listing](), list[Insertion]()
    for i in range(len(words.tokens)):
        last = words.partner[i]
        if words.symbol(i) == "(" and last > i:
            listed = read_listing(words, i + 1, last)
            if listed is not None:
                listings.append(Listing(*listed, span=words.span(i, last)))
        if _reads_setting(words, i):
            name = words.token(i + 2).value.lower()
            listings.append(Listing("value", name, words.span(i, i + 3)))
            insertions += column_names(scoped, [i])
        table = _TABLES.get(words.word(i))
        if table and words.symbol(i + 1) == "(" and words.symbol(i + 2) == ")":
            if scoped.in_table_place(i):
                listings.append(Listing(table, None, words.span(i, i + 2)))
                insertions += table_name(words, i, i + 2, words.word(i))
    return tuple(listings), insertions


def _reads_setting(words: Sentence, i: int) -> bool:
    """Whether `current_setting('augur_name')` stands at `i`."""
    if words.word(i) != "current_setting" or words.symbol(i - 1) == ".":
        return False
    argument = words.token(i + 2)
    in_brackets = words.symbol(i + 1) == "(" and words.symbol(i + 3) == ")"
    return in_brackets and argument.kind == "string" and argument.value.lower().startswith("augur_")


def _defines(words: Sentence) -> bool:
    """Whether the statement keeps its expressions: a view, a macro, a column of a new table."""
    head = [words.word(k) for k in range(5)]
    top = {words.word(i) for i in range(len(words.tokens)) if words.parent[i] < 0}
    if head[0] == "alter":
        return "using" not in top
    if head[0] != "create":
        return False
    if defines_macro(words) or "view" in head or "trigger" in head:
        return True
    return "index" in head or ("table" in head and "as" not in top)
