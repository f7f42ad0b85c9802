"""A statement's tokens with their brackets paired, and the clause that each stands in."""

from dataclasses import dataclass

from augursql.planner.lexer import Span, Token

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_CLAUSES = frozenset(
    "select from where having window qualify limit offset union intersect values set returning"
    " pivot unpivot".split()
)
_QUERY_STARTS = frozenset(
    "select from with values table pivot unpivot describe desc show summarize insert update delete"
    " explain".split()
)
_NOTHING = Token("symbol", ";", 0, 0)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement's tokens. `partner[i]` is the other end of the bracket at `i`, -1 for none;
    `parent[i]` is the bracket that encloses token `i`, -1 at the top. `lowered[i]` is the word and
    `symbols[i]` the symbol at `i`, '' where there is another kind of token.
    """

    whole: str
    tokens: tuple[Token, ...]
    partner: tuple[int, ...]
    parent: tuple[int, ...]
    lowered: tuple[str, ...]
    symbols: tuple[str, ...]

    def token(self, i: int) -> Token:
        """The token at `i`; a semicolon before the first and after the last."""
        return self.tokens[i] if 0 <= i < len(self.tokens) else _NOTHING

    def word(self, i: int) -> str:
        """The unquoted word at `i` in lower case, '' where there is another kind of token."""
        return self.lowered[i] if 0 <= i < len(self.lowered) else ""

    def words(self, i: int, *expected: str) -> bool:
        """Whether these words stand from `i` on."""
        return all(self.word(i + k) == word for k, word in enumerate(expected))

    def symbol(self, i: int) -> str:
        """The symbol at `i`, '' where there is another kind of token, ';' beyond both ends."""
        return self.symbols[i] if 0 <= i < len(self.symbols) else ";"

    def span(self, first: int, last: int) -> Span:
        """From the beginning of token `first` to the end of token `last`."""
        return (self.tokens[first].start, self.tokens[last].end)

    def text(self, first: int, last: int) -> str:
        """The source of these tokens, verbatim."""
        start, end = self.span(first, last)
        return self.whole[start:end]

    def collapsed(self, first: int, last: int) -> str:
        """The source of these tokens with each gap (spaces, comments) made one space."""
        parts = [self.tokens[first].text]
        for i in range(first + 1, last + 1):
            gap = self.tokens[i].start > self.tokens[i - 1].end
            parts.append((" " if gap else "") + self.tokens[i].text)
        return "".join(parts)

    def clause_word(self, i: int) -> str:
        """The clause that begins at `i` ('select', 'group by', ...), '' where none does.

        The words are reserved in DuckDB, or else are looked at together with their neighbours.
        """
        word = self.word(i)
        if not word or self.symbol(i - 1) == ".":
            return ""
        if word in ("group", "order"):
            return f"{word} by" if self.word(i + 1) == "by" else ""
        if word == "except":  # SELECT * EXCEPT (a) is not the set operation
            return "" if self.symbol(i - 1) == "*" and self.symbol(i + 1) == "(" else word
        if word == "from" and self.word(i - 1) == "distinct" and self.word(i - 2) != "select":
            return ""  # IS DISTINCT FROM
        return word if word in _CLAUSES else ""

    def is_query(self, opening: int) -> bool:
        """Whether the bracket at `opening` holds a query; -1, the statement itself, does."""
        first = opening + 1
        while self.symbol(first) == "(":
            first += 1
        if self.word(first) == "summarize" and self.symbol(first + 1) == "(":
            return opening < 0 or self.is_query(first + 1)  # The function, or the statement.
        return opening < 0 or self.word(first) in _QUERY_STARTS


def sentence(whole: str, tokens: list[Token]) -> Sentence:
    """`tokens` with their brackets paired; a bracket without a partner gets -1."""
    partner, parent, opened = [-1] * len(tokens), [-1] * len(tokens), list[int]()
    for i, token in enumerate(tokens):
        if token.kind == "symbol" and opened and token.text == _CLOSING[tokens[opened[-1]].text]:
            start = opened.pop()
            partner[i], partner[start] = start, i
        parent[i] = opened[-1] if opened else -1
        if token.kind == "symbol" and token.text in _CLOSING:
            opened.append(i)
    lowered = tuple(t.text.lower() if t.kind == "word" else "" for t in tokens)
    symbols = tuple(t.text if t.kind == "symbol" else "" for t in tokens)
    return Sentence(whole, tuple(tokens), tuple(partner), tuple(parent), lowered, symbols)
