"""What follows the name of a dot command."""

import shlex
from dataclasses import dataclass
from typing import TypeVar

from augursql.errors import StatementError, candidates

Word = TypeVar("Word", bound=str)
_ON, _OFF = ("on", "1", "true", "yes"), ("off", "0", "false", "no")


@dataclass(frozen=True, slots=True)
class Arguments:
    """`command` is the name without its dot, `usage` what may follow it, and `text` what does.

    All methods raise StatementError, which tells the usage.
    """

    command: str
    usage: str
    text: str

    @property
    def words(self) -> list[str]:
        """The text cut at spaces, except within quotes; a backslash is only a backslash."""
        lexer = shlex.shlex(self.text, posix=True)
        lexer.whitespace_split = True
        lexer.commenters = lexer.escape = ""
        try:
            return list(lexer)
        except ValueError:
            raise self.wrong("a quote does not end") from None

    def switch(self) -> bool:
        """on or off."""
        word = " ".join(self.words).lower()
        if word not in _ON and word not in _OFF:
            raise self.wrong("needs on or off")
        return word in _ON

    def number(self) -> int:
        """One whole number."""
        words = self.words
        if len(words) != 1 or not words[0].isdecimal():
            raise self.wrong("needs a number")
        return int(words[0])

    def one(self) -> str:
        """One word."""
        words = self.words
        if len(words) != 1:
            raise self.wrong("needs one argument")
        return words[0]

    def choice(self, choices: tuple[Word, ...]) -> Word:
        """One of these words."""
        word = self.one().lower()
        for known in choices:
            if word == known:
                return known
        raise StatementError(f'.{self.command} knows no "{word}".', hint=candidates(word, choices))

    def wrong(self, what: str) -> StatementError:
        """The error that says what is wrong, and how the command is used."""
        return StatementError(
            f".{self.command}: {what}.", hint=f"Usage: .{self.command} {self.usage}".rstrip()
        )


def unescaped(word: str) -> str:
    r"""A separator as a person types it: '\t' is a tab, '\n' a new line."""
    for typed, meant in (("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r"), ("\\\\", "\\")):
        word = word.replace(typed, meant)
    return word
