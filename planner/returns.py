"""The type after RETURNS: what the answer of a language model is made to be."""

from augursql.planner.cursor import Cursor
from augursql.planner.lexer import literal, quoted

_PLAIN = {
    "boolean": "BOOLEAN",
    "bool": "BOOLEAN",
    "integer": "INTEGER",
    "int": "INTEGER",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "string": "VARCHAR",
    "text": "VARCHAR",
}
_KNOWN = (
    "BOOLEAN, INTEGER, DOUBLE, VARCHAR, ENUM('a', 'b'), STRUCT(name type, ...) or a list: type[]"
)


def read_type(cursor: Cursor) -> str:
    """The type at the cursor, as DuckDB writes it. Raises StatementError for any other."""
    word = cursor.word
    if word in _PLAIN:
        cursor.position += 1
        found = _PLAIN[word]
    elif cursor.take("enum"):
        found = f"ENUM({', '.join(_labels(cursor))})"
    elif cursor.take("struct"):
        found = f"STRUCT({', '.join(_fields(cursor))})"
    else:
        raise cursor.error("RETURNS does not know this type.", hint=f"It takes {_KNOWN}.")
    while cursor.take_symbol("["):
        cursor.expect("]", "A list is written with empty brackets: VARCHAR[].")
        found += "[]"
    return found


def _labels(cursor: Cursor) -> list[str]:
    found = list[str]()
    message = "An ENUM lists its values: ENUM('good', 'bad')."
    cursor.expect("(", message)
    while True:
        token = cursor.sentence.token(cursor.position)
        if cursor.done or token.kind != "string":
            raise cursor.error(message)
        if literal(token.value) in found:
            raise cursor.error(f"{token.text} stands in the ENUM twice.")
        found.append(literal(token.value))
        cursor.position += 1
        if not cursor.take_symbol(","):
            cursor.expect(")", message)
            return found


def _fields(cursor: Cursor) -> list[str]:
    found = dict[str, str]()
    message = "A STRUCT lists its fields: STRUCT(topic VARCHAR, urgent BOOLEAN)."
    cursor.expect("(", message)
    while True:
        token = cursor.sentence.token(cursor.position)
        if cursor.done or token.kind not in ("word", "name"):
            raise cursor.error(message)
        if token.value.lower() in found:
            raise cursor.error(f"The STRUCT has the field {token.text} twice.")
        cursor.position += 1
        found[token.value.lower()] = f"{quoted(token.value)} {read_type(cursor)}"
        if not cursor.take_symbol(","):
            cursor.expect(")", message)
            return list(found.values())
