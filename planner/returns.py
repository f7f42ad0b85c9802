"""The type after RETURNS: what the answer of a language model is made to be.

`read_type` reads it where it stands; `answer_type` reads DuckDB's text of it again, as a tree that
says which answers there are: as a JSON schema, and as labels where they can be told one by one.
"""

import json
from dataclasses import dataclass
from typing import Any

from augursql.planner.cursor import Cursor
from augursql.planner.lexer import literal, quoted, tokenize
from augursql.planner.sentence import sentence

_PLAIN = {
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "FLOAT",
    "string": "VARCHAR",
    "text": "VARCHAR",
    "numeric": "DECIMAL",
}
# The largest and smallest that a JSON number is held to: whole numbers up to what a double and the
# type can both hold.
_BITS = {"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 59, "HUGEINT": 59}
_UNSIGNED = {f"U{name}": bits + 1 for name, bits in _BITS.items() if bits < 59} | {
    "UBIGINT": 59,
    "UHUGEINT": 59,
}
_FORMATS = {"DATE": "date", "TIMESTAMP": "date-time"}
_SCALARS = ("BOOLEAN", "FLOAT", "DOUBLE", "VARCHAR", *_BITS, *_UNSIGNED, *_FORMATS)
_KNOWN = (
    "BOOLEAN, whole numbers, FLOAT, DOUBLE, DECIMAL(8, 2), VARCHAR, DATE, TIMESTAMP, "
    "ENUM('a', 'b'), STRUCT(name type, ...) or a list: type[]"
)


@dataclass(frozen=True, slots=True)
class AnswerType:
    """A type: `kind` is 'ENUM', 'STRUCT', 'LIST', 'DECIMAL' or a plain type's name; `sql` is all of
    it as DuckDB writes it.

    `values` are those of an ENUM; `fields` those of a STRUCT; `item` is the type of a list's items;
    `digits` are width and scale of a DECIMAL.
    """

    kind: str
    sql: str
    values: tuple[str, ...] = ()
    fields: tuple[tuple[str, "AnswerType"], ...] = ()
    item: "AnswerType | None" = None
    digits: tuple[int, int] = (18, 3)

    @property
    def labels(self) -> tuple[str, ...] | None:
        """All answers, as text, where they can be told one by one."""
        if self.kind == "BOOLEAN":
            return ("false", "true")
        return self.values if self.kind == "ENUM" else None

    @property
    def is_text(self) -> bool:
        """Whether any text will do."""
        return self.kind == "VARCHAR"

    @property
    def json_text(self) -> str:
        """The JSON schema of an answer, as text."""
        return json.dumps(self.schema(), ensure_ascii=False)

    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer. A field of a STRUCT may be null."""
        if self.kind in _FORMATS:
            return {"type": "string", "format": _FORMATS[self.kind]}
        if self.kind == "ENUM":
            return {"enum": list(self.values)}
        if self.kind == "LIST" and self.item is not None:
            return {"type": "array", "items": self.item.schema()}
        if self.kind == "STRUCT":
            shapes = {n: {"anyOf": [t.schema(), {"type": "null"}]} for n, t in self.fields}
            return {
                "type": "object",
                "properties": shapes,
                "required": list(shapes),
                "additionalProperties": False,
            }
        if self.kind in _BITS:
            return _whole(-(2 ** _BITS[self.kind]), 2 ** _BITS[self.kind] - 1)
        if self.kind in _UNSIGNED:
            return _whole(0, 2 ** _UNSIGNED[self.kind] - 1)
        if self.kind == "DECIMAL":
            most = _most(*self.digits)
            return {"type": "number", "minimum": -most, "maximum": most}
        if self.kind in ("FLOAT", "DOUBLE"):
            return {"type": "number"}
        return {"type": "boolean" if self.kind == "BOOLEAN" else "string"}


def _most(width: int, scale: int) -> int | float:
    """The largest DECIMAL of at most 15 digits, which is how many a double holds."""
    before = min(width - scale, 15)
    after = min(scale, 15 - before)
    largest: int = 10 ** (before + after) - 1
    return largest / 10.0**after if after else largest


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def read_type(cursor: Cursor) -> str:
    """The type at the cursor, as DuckDB writes it. Raises StatementError for any other."""
    return _read(cursor).sql


def answer_type(text: str) -> AnswerType:
    """The tree of a type that DuckDB writes so. Raises StatementError for one that is not known."""
    tokens = tokenize(text) or []
    cursor = Cursor(sentence(text, tokens), 0, len(tokens))
    found = _read(cursor)
    if not cursor.done:
        raise cursor.error("RETURNS takes one type.")
    return found


def _read(cursor: Cursor) -> AnswerType:
    word = _PLAIN.get(cursor.word, cursor.word.upper())
    if word in _SCALARS:
        cursor.position += 1
        found = AnswerType(word, word)
    elif word == "DECIMAL":
        cursor.position += 1
        found = _decimal(cursor)
    elif cursor.take("enum"):
        values = _values(cursor)
        found = AnswerType("ENUM", f"ENUM({', '.join(map(literal, values))})", values=values)
    elif cursor.take("struct"):
        fields = _fields(cursor)
        inside = ", ".join(f"{quoted(name)} {type_.sql}" for name, type_ in fields)
        found = AnswerType("STRUCT", f"STRUCT({inside})", fields=fields)
    else:
        raise cursor.error("RETURNS does not know this type.", hint=f"It takes {_KNOWN}.")
    while cursor.take_symbol("["):
        cursor.expect("]", "A list is written with empty brackets: VARCHAR[].")
        found = AnswerType("LIST", f"{found.sql}[]", item=found)
    return found


def _decimal(cursor: Cursor) -> AnswerType:
    width, scale = 18, 3
    if cursor.take_symbol("("):
        message = "A DECIMAL has a width of 38 digits at most, of which some are its scale."
        (width, place), scale = cursor.integer("DECIMAL"), 0
        if cursor.take_symbol(","):
            value = cursor.scalar("the scale")
            scale = value if isinstance(value, int) else -1
        cursor.expect(")", message)
        if width > 38 or not 0 <= scale <= width:
            raise cursor.error(message, place)
    return AnswerType("DECIMAL", f"DECIMAL({width},{scale})", digits=(width, scale))


def _values(cursor: Cursor) -> tuple[str, ...]:
    found = list[str]()
    message = "An ENUM lists its values: ENUM('good', 'bad')."
    cursor.expect("(", message)
    while True:
        token = cursor.sentence.token(cursor.position)
        if cursor.done or token.kind != "string":
            raise cursor.error(message)
        if token.value in found:
            raise cursor.error(f"{token.text} stands in the ENUM twice.")
        found.append(token.value)
        cursor.position += 1
        if not cursor.take_symbol(","):
            cursor.expect(")", message)
            return tuple(found)


def _fields(cursor: Cursor) -> tuple[tuple[str, AnswerType], ...]:
    found = dict[str, tuple[str, AnswerType]]()
    message = "A STRUCT lists its fields: STRUCT(topic VARCHAR, urgent BOOLEAN)."
    cursor.expect("(", message)
    while True:
        token = cursor.sentence.token(cursor.position)
        if cursor.done or token.kind not in ("word", "name"):
            raise cursor.error(message)
        if token.value.lower() in found:
            raise cursor.error(f"The STRUCT has the field {token.text} twice.")
        cursor.position += 1
        found[token.value.lower()] = (token.value, _read(cursor))
        if not cursor.take_symbol(","):
            cursor.expect(")", message)
            return tuple(found.values())
