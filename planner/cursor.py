"""Reads a sentence word by word: what is expected and not there is an error with its place.

The grammar of our sentences is read with it by hand, in `clauses` and `statements`, because most of
what surrounds them is DuckDB's own and must not be parsed at all.
"""

from augursql.errors import StatementError
from augursql.planner.lexer import Span
from augursql.planner.plan import Scalar, Value
from augursql.planner.sentence import Sentence


class Cursor:
    """Stands at `position` of a sentence and reads up to `end`."""

    def __init__(self, sentence: Sentence, position: int, end: int) -> None:
        self.sentence = sentence
        self.position = position
        self.end = end

    @property
    def done(self) -> bool:
        return self.position >= self.end

    @property
    def word(self) -> str:
        """The word at the cursor in lower case, '' where there is none."""
        return "" if self.done else self.sentence.word(self.position)

    @property
    def span(self) -> Span:
        """Where the cursor is; past the end, the last token."""
        at = min(self.position, self.end - 1, len(self.sentence.tokens) - 1)
        return self.sentence.span(at, at)

    def take(self, *words: str) -> bool:
        """Steps over these words if all of them stand here."""
        fits = self.position + len(words) <= self.end
        if fits and self.sentence.words(self.position, *words):
            self.position += len(words)
            return True
        return False

    def take_symbol(self, symbol: str) -> bool:
        """Steps over this symbol if it stands here."""
        if not self.done and self.sentence.symbol(self.position) == symbol:
            self.position += 1
            return True
        return False

    def name(self, what: str) -> tuple[str, Span]:
        """A name, quoted or not, perhaps with dots, or a string: its text without quotes."""
        first, parts = self.position, list[str]()
        while not self.done:
            token = self.sentence.token(self.position)
            if token.kind not in ("word", "name", "string") or (parts and token.kind == "string"):
                break
            parts.append(token.value)
            self.position += 1
            if token.kind == "string" or not self.take_symbol("."):
                if not all(parts):
                    break
                return ".".join(parts), self.sentence.span(first, self.position - 1)
        raise self.error(f"Here the name of {what} is missing.")

    def integer(self, what: str) -> tuple[int, Span]:
        """A positive integer."""
        token = self.sentence.token(self.position)
        number = token.text.replace("_", "")
        if self.done or token.kind != "number" or not number.isdecimal() or int(number) < 1:
            raise self.error(f"{what} is followed by a whole number from 1.")
        self.position += 1
        return int(number), (token.start, token.end)

    def scalar(self, what: str) -> Scalar:
        """A string, a number, TRUE, FALSE, NULL, or a bare word, which is taken as a string."""
        sign = -1 if self.take_symbol("-") else 1
        if sign == 1:
            self.take_symbol("+")
        token = self.sentence.token(self.position)
        if self.done or (sign < 0 and token.kind != "number"):
            raise self.error(f"Here the value of {what} is missing.")
        self.position += 1
        if token.kind == "number":
            return sign * _number(token.text)
        if token.kind == "string" or token.kind == "name":
            return token.value
        if token.kind == "word":
            constants: dict[str, Scalar] = {"true": True, "false": False, "null": None}
            return constants.get(token.text.lower(), token.text)
        self.position -= 1
        raise self.error(f"The value of {what} is a string, a number, TRUE or FALSE.")

    def value(self, what: str) -> Value:
        """A scalar, or a list of them in square brackets."""
        if not self.take_symbol("["):
            return self.scalar(what)
        found = [self.scalar(what)]
        while self.take_symbol(","):
            found.append(self.scalar(what))
        self.expect("]", f"The list of {what} ends with a square bracket.")
        return tuple(found)

    def options(self) -> tuple[tuple[str, Value, Span], ...]:
        """`(name = value, ...)`: names in lower case, each once, with their places."""
        found: dict[str, tuple[str, Value, Span]] = {}
        self.expect("(", "Options are written (name = value, ...).")
        while True:
            key, place = self.name("an option")
            if key.lower() in found:
                raise self.error(f'The option "{key}" is given twice.', place)
            if not self.take_symbol("=") and not self.take_symbol(":="):
                raise self.error(f'The option "{key}" needs a value: {key} = ...')
            found[key.lower()] = (key.lower(), self.value(f'the option "{key}"'), place)
            if not self.take_symbol(","):
                break
        self.expect(")", "Options are written (name = value, ...).")
        return tuple(found.values())

    def expect(self, symbol: str, message: str) -> None:
        """Steps over this symbol or raises StatementError."""
        if not self.take_symbol(symbol):
            raise self.error(message)

    def error(self, message: str, span: Span | None = None, hint: str = "") -> StatementError:
        """A StatementError at `span`, or where the cursor is."""
        at = self.span if span is None else span
        return StatementError(message, hint=hint, span=at, sql=self.sentence.whole)


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if plain[:2].lower() in ("0x", "0b", "0o"):
        return int(plain, 0)
    return int(plain) if plain.isdecimal() else float(plain)
