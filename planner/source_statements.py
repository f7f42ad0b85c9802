"""The statements about sources that are attached by ADBC.

ATTACH [OR REPLACE] [DATABASE] [IF NOT EXISTS] 'address' AS name (TYPE adbc [, option value ...])
DETACH [DATABASE] [IF EXISTS] name
CREATE [OR REPLACE] [TEMPORARY] SECRET [IF NOT EXISTS] name (TYPE adbc, key value [, ...])
DROP [TEMPORARY] SECRET [IF EXISTS] name
INSERT INTO name.table [(column, ...)] [BY NAME] query
CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name.table AS query

ATTACH and CREATE SECRET are ours where they say TYPE adbc; the others where they name a source or a
secret that the session has, which only the database knows.
"""

from dataclasses import dataclass

from augursql.errors import UnsupportedError
from augursql.planner.cursor import Cursor
from augursql.planner.lexer import Span
from augursql.planner.models import Place, end
from augursql.planner.plan import Options, Statement
from augursql.planner.sentence import Sentence
from augursql.planner.sources import Attach, CreateSecret, Detach, DropSecret, Sources


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a statement that writes to a source; its query begins at token `query`."""

    parts: tuple[str, ...]
    place: Span
    query: int
    creates: bool = False
    columns: tuple[str, ...] | None = None
    by_name: bool = False
    or_replace: bool = False
    if_not_exists: bool = False


def read_source_statement(words: Sentence, plain: Statement, sources: Sources) -> Statement | None:
    """ATTACH, DETACH, CREATE SECRET or DROP SECRET, where it is ours. Raises StatementError."""
    place = (plain.text, plain.start, plain.whole)
    cursor = Cursor(words, 0, len(words.tokens))
    match words.word(0):
        case "attach" if _is_adbc(words):
            return _attach(cursor, place)
        case "create" if _is_adbc(words):
            return _create_secret(cursor, place)
        case "detach":
            return _detach(cursor, place, sources)
        case "drop":
            return _drop_secret(cursor, place, sources)
    return None


def read_head(words: Sentence, sources: Sources) -> Head | None:
    """The beginning of INSERT INTO or CREATE TABLE ... AS, where it names a source."""
    cursor = Cursor(words, 1, len(words.tokens))
    if words.word(0) == "insert" and cursor.take("into"):
        parts, place = _named(cursor)
        if parts[0].lower() not in sources.attached:
            return None
        columns = _columns(cursor)
        by_name = cursor.take("by", "name")
        cursor.take("by", "position")
        return Head(parts, place, cursor.position, columns=columns, by_name=by_name)
    if words.word(0) != "create":
        return None
    or_replace = cursor.take("or", "replace")
    if not cursor.take("table"):
        return None
    if_not_exists = cursor.take("if", "not", "exists")
    parts, place = _named(cursor)
    if parts[0].lower() not in sources.attached:
        return None
    if not cursor.take("as"):
        raise UnsupportedError(
            "In a source that is attached by ADBC, a table is made of a query alone.",
            hint="CREATE TABLE ... AS SELECT ...",
            span=cursor.span,
            sql=words.whole,
        )
    return Head(
        parts, place, cursor.position, True, or_replace=or_replace, if_not_exists=if_not_exists
    )


def _is_adbc(words: Sentence) -> bool:
    """Whether the statement says TYPE adbc among its options."""
    for i in range(len(words.tokens) - 1):
        if words.word(i) == "type" and words.parent[i] >= 0:
            value = words.token(i + 2 if words.symbol(i + 1) == "=" else i + 1)
            if value.kind in ("word", "string", "name") and value.value.lower() == "adbc":
                return True
    return False


def _attach(cursor: Cursor, place: Place) -> Attach:
    cursor.take("attach")
    or_replace = cursor.take("or", "replace")
    cursor.take("database")
    if_not_exists = cursor.take("if", "not", "exists")
    address = cursor.sentence.token(cursor.position)
    if address.kind != "string":
        raise cursor.error("ATTACH is followed by the source's address, a string.")
    cursor.position += 1
    if not cursor.take("as"):
        raise cursor.error("A source that is attached by ADBC needs a name: AS name.")
    name, named = cursor.name("the source")
    options = _options(cursor)
    end(cursor, "ATTACH", "nothing more")
    return Attach(
        *place,
        name=name,
        address=address.value,
        options=options,
        or_replace=or_replace,
        if_not_exists=if_not_exists,
        place=named,
    )


def _detach(cursor: Cursor, place: Place, sources: Sources) -> Detach | None:
    cursor.take("detach")
    cursor.take("database")
    cursor.take("if", "exists")
    parts = _parts(cursor)
    if len(parts) != 1 or parts[0].lower() not in sources.attached or not cursor.done:
        return None
    return Detach(*place, name=parts[0])


def _create_secret(cursor: Cursor, place: Place) -> CreateSecret:
    cursor.take("create")
    or_replace = cursor.take("or", "replace")
    if cursor.take("persistent"):
        raise UnsupportedError(
            "Secrets for ADBC are kept by the session, and are not written to disk.",
            hint="Leave PERSISTENT out.",
            span=cursor.span,
            sql=cursor.sentence.whole,
        )
    cursor.take("temporary") or cursor.take("temp")
    if not cursor.take("secret"):
        raise cursor.error("TYPE adbc is a type of secrets: CREATE SECRET name (TYPE adbc, ...).")
    if_not_exists = cursor.take("if", "not", "exists")
    name, named = cursor.name("the secret")
    options = _options(cursor)
    end(cursor, "CREATE SECRET", "nothing more")
    return CreateSecret(
        *place,
        name=name,
        options=options,
        or_replace=or_replace,
        if_not_exists=if_not_exists,
        place=named,
    )


def _drop_secret(cursor: Cursor, place: Place, sources: Sources) -> DropSecret | None:
    cursor.take("drop")
    cursor.take("temporary") or cursor.take("temp")
    if not cursor.take("secret"):
        return None
    cursor.take("if", "exists")
    parts = _parts(cursor)
    if len(parts) != 1 or parts[0].lower() not in sources.secrets or not cursor.done:
        return None
    return DropSecret(*place, name=parts[0])


def _options(cursor: Cursor) -> Options:
    """`(name value, name = value, flag, ...)`, names in lower case and without TYPE."""
    found = dict[str, str | int | float | bool | None]()
    cursor.expect("(", "The options are written (TYPE adbc, name value, ...).")
    while True:
        key = cursor.name("an option")[0].lower()
        cursor.take_symbol("=")
        here = cursor.sentence.symbol(cursor.position)
        found[key] = True if here in (",", ")") else cursor.scalar(f'the option "{key}"')
        if not cursor.take_symbol(","):
            break
    cursor.expect(")", "The options are written (TYPE adbc, name value, ...).")
    del found["type"]
    return tuple(found.items())


def _named(cursor: Cursor) -> tuple[tuple[str, ...], Span]:
    first = cursor.position
    parts = _parts(cursor)
    return parts, cursor.sentence.span(first, max(first, cursor.position - 1))


def _parts(cursor: Cursor) -> tuple[str, ...]:
    """The parts of a dotted name; one empty part where no name stands."""
    parts = list[str]()
    while cursor.sentence.token(cursor.position).kind in ("word", "name") and not cursor.done:
        parts.append(cursor.sentence.token(cursor.position).value)
        cursor.position += 1
        if not cursor.take_symbol("."):
            break
    return tuple(parts) or ("",)


def _columns(cursor: Cursor) -> tuple[str, ...] | None:
    """`(a, b)` before the query; None where the bracket holds the query, or there is none."""
    start = cursor.position
    if not cursor.take_symbol("("):
        return None
    if cursor.sentence.is_query(start):
        cursor.position = start
        return None
    names = [cursor.name("a column")[0]]
    while cursor.take_symbol(","):
        names.append(cursor.name("a column")[0])
    cursor.expect(")", "The columns are written (a, b, ...).")
    return tuple(names)
