"""The template of prompt(): text with `{column}` placeholders; `{{` and `}}` are plain braces."""

import re
from dataclasses import dataclass

from augursql.errors import StatementError
from augursql.planner.lexer import Span, Token, quoted

_PARTS = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<lonely>[{}])")
# A name, in double quotes or not; several with dots between them.
_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')
_DOTTED = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A column named in a template: as written, as SQL text, and where, braces included."""

    name: str
    sql: str
    span: Span


def placeholders(token: Token, whole: str) -> tuple[Placeholder, ...]:
    """The placeholders of a template, each name once, in order.

    Raises StatementError for a brace without a partner and for an empty name.
    """
    found: dict[str, Placeholder] = {}
    for match in _PARTS.finditer(token.text):
        span = (token.start + match.start(), token.start + match.end())
        if match["lonely"]:
            hint = "A plain brace is written twice: {{ or }}."
            raise StatementError("This brace has no partner.", hint=hint, span=span, sql=whole)
        if match["name"] is None:
            continue
        name = match["name"].strip().replace("''", "'")
        if not name:
            hint = "Write the name of a column into it: {review}."
            raise StatementError("This placeholder is empty.", hint=hint, span=span, sql=whole)
        found.setdefault(name.lower(), Placeholder(name, _column(name), span))
    return tuple(found.values())


def _column(name: str) -> str:
    """The SQL of a placeholder: a column, perhaps with its table before a dot."""
    if not _DOTTED.fullmatch(name):
        return quoted(name)
    parts = (match[0] for match in _PART.finditer(name))
    return ".".join(part if part.startswith('"') else quoted(part) for part in parts)


def pieces(template: str) -> tuple[str | int, ...]:
    """What a template is made of: texts, and the numbers of its placeholders, as `placeholders`
    counts them.
    """
    found, names, position = list[str | int](), list[str](), 0
    text = ""
    for match in _PARTS.finditer(template):
        text += template[position : match.start()]
        position = match.end()
        if match["name"] is None:
            text += match[0][0]
            continue
        name = match["name"].strip().lower()
        if name not in names:
            names.append(name)
        found += [text, names.index(name)] if text else [names.index(name)]
        text = ""
    text += template[position:]
    return (*found, text) if text else tuple(found)
