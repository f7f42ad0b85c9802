"""What may come next in a statement that is being written."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from augursql.frontends.shell.names import OUR_FUNCTIONS, Names
from augursql.planner.lexer import Token, quoted, token_at

MOST = 200
_WORD = re.compile(r'(?:"[^"\n]*|[^\W\d][\w$]*)?$')
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_TABLE_COMES = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "DESCRIBE", "SUMMARIZE"}
_INDEX_COMES = {"USING", "REFRESH", "DROP", "DESCRIBE", "DESC"}
_MODEL_COMES = {"USING", "DROP", "DESCRIBE", "DESC", "ALTER", "EXPORT"}
# The string that begins an argument list, or follows a named argument.
_IN_STRING = re.compile(r"(?i)(?:\b(predict|search)\s*\(|\b(index|model)\s*:=)\s*'(\w*)$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`text` takes the place of the last `replaces` characters; `kind` is shown beside it."""

    text: str
    replaces: int
    kind: str


def candidates(before: str, names: Names) -> list[Candidate]:
    """What fits behind the text `before` the cursor, likeliest first."""
    tokens, open_at = _statement(before)
    if open_at is not None and before[open_at] != '"':
        return _in_string(before[open_at:], before, names)
    word = _word_before(before)
    found = list[Candidate]()
    seen = set[str]()
    for kind, options in _groups(_before_word(tokens, before, word), tokens, names):
        for option in options:
            written = _written(option, kind, word)
            if written is not None and written not in seen and written != word:
                seen.add(written)
                found.append(Candidate(written, len(word), kind))
    return found[:MOST]


def file_begun(before: str) -> str | None:
    """The beginning of a file's name in a string that is open; None where there is no such."""
    tokens, open_at = _statement(before)
    if open_at is None or before[open_at] != "'":
        return None
    said = [token.text.upper() for token in tokens[-2:]]
    reads = said[-1:] in (["FROM"], ["JOIN"], ["COPY"], ["TO"], ["ATTACH"], ["IMPORT"])
    in_reader = said[1:] in (["("], ["["]) and said[0].startswith(("READ_", "(", "LIST_VALUE"))
    return before[open_at + 1 :] if reads or in_reader else None


def _statement(text: str) -> tuple[list[Token], int | None]:
    """The tokens of the statement under way, and where an open string or name begins."""
    tokens, position = list[Token](), 0
    while position < len(text):
        read = token_at(text, position)
        if read is None:
            return tokens, position
        position, token = read
        if token is not None:
            tokens = [] if token.text == ";" else [*tokens, token]
    return tokens, None


def _word_before(before: str) -> str:
    found = _WORD.search(before)
    return found[0] if found is not None else ""


def _before_word(tokens: Sequence[Token], before: str, word: str) -> list[str]:
    """The tokens that are finished, in capitals."""
    begin = len(before) - len(word)
    return [token.text.upper() for token in tokens if token.start < begin]


def _in_string(opened: str, before: str, names: Names) -> list[Candidate]:
    found = _IN_STRING.search(before)
    if found is None or not opened.startswith("'"):
        return []
    function, argument, begun = (found[1] or "").lower(), (found[2] or "").lower(), found[3]
    options: Iterable[str]
    if function == "predict":
        tables = [source.split(".")[-1].strip('"') for source in names.indexes.values()]
        options = dict.fromkeys(c for table in tables for c in names.tables.get(table, ()))
    else:
        options = names.models if argument == "model" else names.indexes
    kind = "column" if function == "predict" else argument or "index"
    return [
        Candidate(option + "'", len(begun), kind)
        for option in options
        if option.lower().startswith(begun.lower())
    ]


def _groups(
    said: Sequence[str], tokens: Sequence[Token], names: Names
) -> Iterator[tuple[str, Iterable[str]]]:
    """Kinds of names that fit behind the tokens `said`, each with all names of the kind."""
    last, last_but_one = ("", "", *said)[-1], ("", "", *said)[-2]
    if last == ".":
        yield from _behind_a_dot(last_but_one, tokens, names)
    elif last == "INDEX" and last_but_one in _INDEX_COMES or last == "OVER":
        yield "index", names.indexes
    elif last == "MODEL" and last_but_one in _MODEL_COMES:
        yield "model", names.models
    elif last == "USING":
        yield "keyword", ("INDEX", "MODEL", "HNSW", "SAMPLE")
    elif last in ("SET", "RESET", "SHOW"):
        words = ("INDEXES", "MODELS", "TABLES", "ALL TABLES", "DATABASES")
        yield "keyword", words if last == "SHOW" else ()
        yield "setting", names.settings
    elif last in ("PREDICT", "EVALUATE"):
        yield "column", _columns(names.tables, names.tables)
    elif last in _TABLE_COMES or (last == "ON" and "INDEX" in said[:4]):
        yield "table", names.tables
        yield "schema", names.schemas
        yield "function", ("search",) if last in ("FROM", "JOIN") else ()
        yield "keyword", names.keywords if last not in ("FROM", "JOIN", "INTO") else ()
    else:
        mentioned = [
            t for t in names.tables if t.upper() in {token.value.upper() for token in tokens}
        ]
        yield "column", _columns(names.tables, mentioned) if said else ()
        yield "function", OUR_FUNCTIONS if said else ()
        yield "keyword", names.keywords
        yield "table", names.tables
        yield "function", names.functions if said else ()
        yield "column", _columns(names.tables, names.tables) if not mentioned else ()


def _behind_a_dot(
    owner: str, tokens: Sequence[Token], names: Names
) -> Iterator[tuple[str, Iterable[str]]]:
    name = owner.strip('"')
    tables = {table.upper(): table for table in names.tables}
    table = tables.get(name) or _table_of_alias(name, tokens, tables)
    yield "column", names.tables[table] if table is not None else ()
    if name.lower() in (schema.lower() for schema in names.schemas):
        yield "table", names.tables


def _table_of_alias(alias: str, tokens: Sequence[Token], tables: Mapping[str, str]) -> str | None:
    """The table that is called `alias` somewhere in the statement."""
    words = [token.value.upper() for token in tokens]
    for place, word in enumerate(words[1:], 1):
        before = words[place - 2] if words[place - 1] == "AS" and place > 1 else words[place - 1]
        if word == alias and before in tables:
            return tables[before]
    return None


def _columns(tables: Mapping[str, Sequence[str]], wanted: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(column for table in wanted for column in tables[table]))


def _written(option: str, kind: str, word: str) -> str | None:
    """A name as it is to be typed after the beginning `word`; None where it does not fit."""
    begun = word.lstrip('"')
    if not option.lower().startswith(begun.lower()):
        return None
    if kind == "keyword":
        return option.lower() if begun and begun.islower() else option
    if kind == "function":
        return option + "("
    if kind == "setting":
        return option
    return option if not word.startswith('"') and _PLAIN.fullmatch(option) else quoted(option)
