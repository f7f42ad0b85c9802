"""A text for the shell as its parts: SQL statements and dot commands.

As in DuckDB's shell, a dot command is a line of its own that begins with a dot, where no statement
is under way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from augursql.planner.lexer import Token, token_at


@dataclass(frozen=True, slots=True)
class Part:
    """A statement without its semicolon, or a command without its dot.

    `ended`: nothing more is needed to run it.
    """

    text: str
    is_command: bool
    ended: bool


def parts(text: str) -> Iterator[Part]:
    """The parts in their order. A statement whose quotes do not end takes all that follows."""
    position = 0
    while (begin := _begin(text, position)) < len(text):
        if text[begin] == "." and _begins_a_line(text, begin):
            position = _line_end(text, begin)
            yield Part(text[begin + 1 : position].strip(), True, True)
            continue
        end, ended = _statement_end(text, begin)
        statement = text[begin:end].strip()
        position = end + 1
        if statement:
            yield Part(statement, False, ended)


def complete(text: str) -> bool:
    """Whether a person has said all that is needed to run the text."""
    return all(part.ended for part in parts(text))


def tokens_of(text: str) -> tuple[list[tuple[int, int, Token | None]], int]:
    """Spans of tokens, spaces and comments, and where the text stops to be readable."""
    found, position = list[tuple[int, int, Token | None]](), 0
    while position < len(text):
        read = token_at(text, position)
        if read is None:
            break
        found.append((position, *read))
        position = read[0]
    return found, position


def _begin(text: str, position: int) -> int:
    """Where the next part begins: behind spaces, comments and lone semicolons.

    Comments before a statement stay with it only where they stand inside; errors then count lines
    from its first word.
    """
    while position < len(text):
        found = token_at(text, position)
        if found is None:
            return position
        end, token = found
        if token is not None and token.text != ";":
            return position
        position = end
    return position


def _begins_a_line(text: str, position: int) -> bool:
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _statement_end(text: str, position: int) -> tuple[int, bool]:
    while position < len(text):
        found = token_at(text, position)
        if found is None:
            return len(text), False
        end, token = found
        if token is not None and token.text == ";":
            return position, True
        position = end
    return len(text), False
