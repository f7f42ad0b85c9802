"""Whole statements of ours: indexes, models, prompts, settings.

A statement that begins like one of ours and is not (an index of another kind, a table that is
called `models` in quotes) is left to DuckDB; one that can only be ours and breaks the grammar is
an error.
"""

from collections.abc import Callable

from augursql.planner.cursor import Cursor
from augursql.planner.models import Place, alter_model, create_model, end, export_model
from augursql.planner.plan import (
    CreateIndex,
    DescribeIndex,
    DescribeModel,
    DropIndex,
    DropModel,
    ListingKind,
    RefreshIndex,
    ResetSetting,
    SetSetting,
    ShowIndexes,
    ShowModels,
    ShowSetting,
    Statement,
)
from augursql.planner.prompts import DescribePrompt, ShowPrompts, create_prompt, drop_prompt
from augursql.planner.sentence import Sentence

_PREFIX = "augur_"


def read_statement(sentence: Sentence, plain: Statement) -> Statement | None:
    """The statement that the sentence is, or None where it is not one of ours.

    `plain` says where the text stands. Raises StatementError.
    """
    place = (plain.text, plain.start, plain.whole)
    reader = _READERS.get(sentence.word(0))
    return None if reader is None else reader(sentence, place)


def read_listing(sentence: Sentence, first: int, end: int) -> tuple[ListingKind, str | None] | None:
    """What SHOW INDEXES | MODELS | PROMPTS | setting or DESCRIBE INDEX | MODEL | PROMPT name lists,
    which stands from `first` to `end`."""
    cursor = Cursor(sentence, first, end)
    if cursor.take("show"):
        all_of: tuple[ListingKind, ...] = ("indexes", "models", "prompts")
        for several in all_of:
            if cursor.take(several):
                return (several, None) if cursor.done else None
        name = _setting(cursor)
        return ("setting", name) if name and cursor.done else None
    if cursor.take("describe") or cursor.take("desc"):
        one_of: tuple[ListingKind, ...] = ("index", "model", "prompt")
        for kind in one_of:
            if cursor.take(kind):
                if not _is_name(cursor):
                    return None
                name, _ = cursor.name(f"the {kind}")
                return (kind, name) if cursor.done else None
    return None


def _create(sentence: Sentence, place: Place) -> Statement | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    or_replace = cursor.take("or", "replace")
    if cursor.take("index"):
        return _create_index(cursor, place, or_replace)
    if cursor.take("model"):
        return create_model(cursor, place, or_replace)
    if cursor.take("prompt"):
        return create_prompt(cursor, place, or_replace)
    return None


def _create_index(cursor: Cursor, place: Place, or_replace: bool) -> CreateIndex | None:
    if_not_exists = cursor.take("if", "not", "exists")
    if not _is_name(cursor) or cursor.word == "on":
        return None
    name, _ = cursor.name("the index")
    first = cursor.position + 1
    if not cursor.take("on") or not _is_name(cursor):
        return None
    cursor.name("the table")
    table = cursor.sentence.text(first, cursor.position - 1)
    if not cursor.take("using", "hnsw"):
        return None
    columns = _columns(cursor)
    if columns is None:
        return None
    options = cursor.options() if cursor.take("with") else ()
    end(cursor, "CREATE INDEX", "WITH (model = ..., metric = ...)")
    return CreateIndex(
        *place,
        name=name,
        table=table,
        columns=columns,
        options=tuple((key, value) for key, value, _ in options),
        or_replace=or_replace,
        if_not_exists=if_not_exists,
    )


def _columns(cursor: Cursor) -> tuple[str, ...] | None:
    """`(a, "b")`, unquoted; None where there are expressions, which are not for us."""
    columns = list[str]()
    if not cursor.take_symbol("("):
        return None
    while True:
        token = cursor.sentence.token(cursor.position)
        if token.kind not in ("word", "name"):
            return None
        columns.append(token.value)
        cursor.position += 1
        if cursor.take_symbol(")"):
            return tuple(columns)
        if not cursor.take_symbol(","):
            return None


def _refresh(sentence: Sentence, place: Place) -> RefreshIndex | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    if not cursor.take("index"):
        return None
    name, _ = cursor.name("the index")
    end(cursor, "REFRESH INDEX", "nothing more")
    return RefreshIndex(*place, name=name)


def _drop(sentence: Sentence, place: Place) -> Statement | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    if cursor.take("prompt"):
        return drop_prompt(cursor, place)
    if cursor.take("index"):
        if_exists = cursor.take("if", "exists")
        if not _is_name(cursor):
            return None
        name, _ = cursor.name("the index")
        if not (cursor.take("cascade") or cursor.take("restrict") or cursor.done):
            return None
        return DropIndex(*place, name=name, if_exists=if_exists) if cursor.done else None
    if not cursor.take("model"):
        return None
    if_exists = cursor.take("if", "exists")
    name, _ = cursor.name("the model")
    version = cursor.integer("VERSION")[0] if cursor.take("version") else None
    end(cursor, "DROP MODEL", "VERSION n")
    return DropModel(*place, name=name, if_exists=if_exists, version=version)


def _alter(sentence: Sentence, place: Place) -> Statement | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    return alter_model(cursor, place) if cursor.take("model") else None


def _export(sentence: Sentence, place: Place) -> Statement | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    return export_model(cursor, place) if cursor.take("model") else None


def _show(sentence: Sentence, place: Place) -> Statement | None:
    match read_listing(sentence, 0, len(sentence.tokens)):
        case ("indexes", _):
            return ShowIndexes(*place)
        case ("models", _):
            return ShowModels(*place)
        case ("prompts", _):
            return ShowPrompts(*place)
        case ("setting", str(name)):
            return ShowSetting(*place, name=name)
    return None


def _describe(sentence: Sentence, place: Place) -> Statement | None:
    listing = read_listing(sentence, 0, len(sentence.tokens))
    if listing is None or listing[1] is None:
        return None
    if listing[0] == "index":
        return DescribeIndex(*place, name=listing[1])
    if listing[0] == "prompt":
        return DescribePrompt(*place, name=listing[1])
    return DescribeModel(*place, name=listing[1])


def _set(sentence: Sentence, place: Place) -> SetSetting | ResetSetting | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    name = _setting(cursor)
    if name is None:
        return None
    if not (cursor.take_symbol("=") or cursor.take("to")):
        raise cursor.error(f"SET {name} is followed by = and a value.")
    if cursor.take("default") and cursor.done:
        return ResetSetting(*place, name=name)
    value = cursor.scalar(name)
    end(cursor, "SET", "one value")
    return SetSetting(*place, name=name, value=value)


def _reset(sentence: Sentence, place: Place) -> ResetSetting | None:
    cursor = Cursor(sentence, 1, len(sentence.tokens))
    name = _setting(cursor)
    return ResetSetting(*place, name=name) if name and cursor.done else None


_READERS: dict[str, Callable[[Sentence, Place], Statement | None]] = {
    "create": _create,
    "refresh": _refresh,
    "drop": _drop,
    "show": _show,
    "describe": _describe,
    "desc": _describe,
    "set": _set,
    "reset": _reset,
    "alter": _alter,
    "export": _export,
}


def _setting(cursor: Cursor) -> str | None:
    """The name of a setting of ours, in lower case; None where there is another's."""
    for scope in ("session", "local", "global"):
        cursor.take(scope)
    token = cursor.sentence.token(cursor.position)
    name = token.value.lower()
    if cursor.done or token.kind not in ("word", "name") or not name.startswith(_PREFIX):
        return None
    cursor.position += 1
    return name


def _is_name(cursor: Cursor) -> bool:
    """Whether a whole name, perhaps with dots, stands at the cursor."""
    token = cursor.sentence.token(cursor.position)
    if cursor.done or token.kind not in ("word", "name"):
        return False
    words, position = cursor.sentence, cursor.position + 1
    while words.symbol(position) == "." and words.token(position + 1).kind in ("word", "name"):
        position += 2
    return words.symbol(position) != "."
