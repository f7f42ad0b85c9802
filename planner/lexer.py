"""Text to tokens, by DuckDB's lexical rules.

Only what is needed to know where strings, comments, names and brackets begin and end: a call is
found by its tokens, and the text between the tokens is never touched. sqlglot's tokenizer is not
used for whole statements, because it swallows the rest of those that it calls commands (EXECUTE,
COPY, ...) and knows words that DuckDB does not.
"""

import re
from typing import Literal, NamedTuple

Span = tuple[int, int]
Kind = Literal["word", "name", "string", "number", "parameter", "symbol"]

_TOKEN = re.compile(
    r"""
    (?P<space>      \s+ | --[^\r\n]* )
  | (?P<comment>    /\* )
  | (?P<escaped>    [eE]'(?: [^'\\]+ | \\. | '' )*+' )
  | (?P<string>     '(?: [^']+ | '' )*+' )
  | (?P<name>       "(?: [^"]+ | "" )*+" )
  | (?P<dollar>     (?P<tag> \$ (?: (?:[^\W\d]|[^\x00-\x7f\s]) (?:\w|[^\x00-\x7f\s])* )? \$ )
                    (?: .*? (?P=tag) | (?P<endless>) ) )
  | (?P<parameter>  \$\w+ | \?\d* )
  | (?P<word>       (?! [eE]' ) (?: [^\W\d] | [^\x00-\x7f\s] ) (?: [\w$] | [^\x00-\x7f\s] )* )
  | (?P<number>     0[xXbBoO][\da-fA-F_]+
                  | (?: \d[\d_]* (?:\.[\d_]*)? | \.\d[\d_]* ) (?:[eE][+-]?\d+)? )
  | (?P<symbol>     ->> | -> | >= | <= | <> | != | == | \|\| | :=  | :: | => | // | \*\*
                  | (?! [eE]' ) [^'"] )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(x[\da-fA-F]{1,2}|u[\da-fA-F]{4}|[0-7]{1,3}|.)|''", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_KINDS: dict[str, Kind] = {
    "escaped": "string",
    "string": "string",
    "name": "name",
    "dollar": "string",
    "parameter": "parameter",
    "word": "word",
    "number": "number",
    "symbol": "symbol",
}


class Token(NamedTuple):
    """`start` and `end` are offsets in characters; `text` is the source between them."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """A string's or quoted name's content; the text of any other token."""
        first = self.text[0]
        if self.kind == "name" or (self.kind == "string" and first == "'"):
            return self.text[1:-1].replace(first * 2, first)
        if self.kind == "string" and first == "$":
            tag = self.text.index("$", 1) + 1
            return self.text[tag:-tag]
        if self.kind == "string":
            return _ESCAPE.sub(_unescaped, self.text[2:-1])
        return self.text


def tokenize(text: str) -> list[Token] | None:
    """The tokens of `text`, without spaces and comments.

    None where a string, quoted name or comment does not end: then only DuckDB can say what is
    wrong.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = token_at(text, position)
        if found is None:
            return None
        position, token = found
        if token is not None:
            tokens.append(token)
    return tokens


def token_at(text: str, position: int) -> tuple[int, Token | None] | None:
    """Where what stands at `position` ends, and its token; no token for spaces and comments.

    None where it does not end.
    """
    match = _TOKEN.match(text, position)
    if match is None or match["endless"] is not None:
        return None
    end = match.end()
    if match.lastgroup == "space":
        return end, None
    if match.lastgroup == "comment":
        closed = _comment_end(text, end)
        return None if closed is None else (closed, None)
    kind = _KINDS["dollar" if match["dollar"] is not None else str(match.lastgroup)]
    return end, Token(kind, match.group(), match.start(), end)


def statements(text: str, tokens: list[Token]) -> list[tuple[int, int, list[Token]]]:
    """Each statement's start and end in `text` and its tokens, without the semicolon.

    What stands between two semicolons belongs to the statement, spaces and comments included; where
    there is nothing else, there is no statement.
    """
    found, start, part = list[tuple[int, int, list[Token]]](), 0, list[Token]()
    for token in tokens:
        if token.text != ";":
            part.append(token)
            continue
        if part:
            found.append((start, token.start, part))
        start, part = token.end, []
    if part:
        found.append((start, len(text), part))
    return found


def quoted(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _comment_end(text: str, position: int) -> int | None:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return None
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _unescaped(match: re.Match[str]) -> str:
    """The character that one escape of an E'...' string means."""
    code: str | None = match[1]
    if code is None:
        return "'"
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code.isdecimal() else _ESCAPED.get(code, code)
