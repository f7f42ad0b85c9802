"""The colours of a statement that is being written."""

from collections.abc import Callable

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from augursql.frontends.shell.names import OUR_FUNCTIONS, OUR_WORDS
from augursql.frontends.shell.parts import tokens_of
from augursql.planner.lexer import Token

STYLES = {
    "ours": "bold ansibrightmagenta",
    "keyword": "bold ansiblue",
    "string": "ansigreen",
    "number": "ansicyan",
    "parameter": "ansicyan",
    "comment": "italic ansibrightblack",
    "command": "bold ansiyellow",
}
_OURS = frozenset(word.upper() for word in (*OUR_FUNCTIONS, *OUR_WORDS))


class SqlLexer(Lexer):
    """Colours for prompt_toolkit. `keywords` gives DuckDB's, in capitals."""

    def __init__(self, keywords: Callable[[], frozenset[str]]) -> None:
        self._keywords = keywords

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines: list[StyleAndTextTuples] = [[]]
        for style, text in coloured(document.text, self._keywords()):
            for number, piece in enumerate(text.split("\n")):
                if number:
                    lines.append([])
                lines[-1].append((STYLES.get(style, ""), piece))
        return lambda number: lines[number] if number < len(lines) else []


def coloured(text: str, keywords: frozenset[str]) -> list[tuple[str, str]]:
    """The pieces of a text with the names of their styles, '' for none."""
    if text.startswith("."):
        command, space, rest = text.partition(" ")
        return [("command", command), ("", space + rest)]
    spans, end = tokens_of(text)
    pieces = [
        (_style(token, text[start:stop], text[stop : stop + 1], keywords), text[start:stop])
        for start, stop, token in spans
    ]
    # What does not end yet is a string or a comment that is being written.
    unfinished = "comment" if text.startswith("/*", end) else "string"
    return [*pieces, (unfinished, text[end:])] if end < len(text) else pieces


def _style(token: Token | None, text: str, follows: str, keywords: frozenset[str]) -> str:
    if token is None:
        return "comment" if text.strip() else ""
    if token.kind != "word":
        return token.kind
    word = token.text.upper()
    if word in _OURS and (follows == "(" or word not in ("SEARCH", "EMBED", "TOP")):
        return "ours"
    return "keyword" if word in keywords else ""
