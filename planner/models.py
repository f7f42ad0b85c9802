"""The statements that make, change and hand out models.

CREATE [OR REPLACE] MODEL name FROM 'source' [USING MODEL base] [WITH (...)]
CREATE [OR REPLACE] MODEL name PREDICT target GIVEN input [, ...] FROM table-or-(query)
       [USING MODEL base] [USING INDEX index] [WITH (...)]
CREATE [OR REPLACE] MODEL name FROM CONFIG 'file.yaml'
ALTER MODEL name SET VERSION n          EXPORT MODEL name TO 'folder'
"""

from augursql.planner.cursor import Cursor
from augursql.planner.lexer import Span
from augursql.planner.plan import (
    AlterModel,
    ConfigureModel,
    CreateModel,
    ExportModel,
    Options,
    Statement,
    TrainModel,
)

Place = tuple[str, int, str]
Places = dict[str, Span]


def create_model(cursor: Cursor, place: Place, or_replace: bool) -> Statement:
    """The statement behind CREATE MODEL. Raises StatementError."""
    name, named = cursor.name("the model")
    places: Places = {"name": named}
    if cursor.take("predict"):
        return _trained(cursor, place, or_replace, (name, named))
    if not cursor.take("from"):
        message = "CREATE MODEL name is followed by FROM 'source', or by PREDICT target."
        raise cursor.error(message)
    if cursor.take("config"):
        file, at = _text(cursor, "CONFIG is followed by the name of a file: 'model.yaml'.")
        end(cursor, "CREATE MODEL ... FROM CONFIG", "nothing more")
        return ConfigureModel(*place, name=name, file=file, or_replace=or_replace, place=at)
    message = "The source of a model is a string: FROM 'folder, file or hub id'."
    source, places["source"] = _text(cursor, message)
    clauses, options = _clauses(cursor, places, ("model",))
    return CreateModel(
        *place,
        name=name,
        source=source,
        base=clauses.get("model"),
        options=options,
        or_replace=or_replace,
        places=tuple(places.items()),
    )


def alter_model(cursor: Cursor, place: Place) -> AlterModel:
    """The statement behind ALTER MODEL. Raises StatementError."""
    name, named = cursor.name("the model")
    if not cursor.take("set", "version"):
        raise cursor.error("ALTER MODEL name is followed by SET VERSION and a number.")
    cursor.take_symbol("=")
    version, _ = cursor.integer("SET VERSION")
    end(cursor, "ALTER MODEL", "nothing more")
    return AlterModel(*place, name=name, version=version, place=named)


def export_model(cursor: Cursor, place: Place) -> ExportModel:
    """The statement behind EXPORT MODEL. Raises StatementError."""
    name, named = cursor.name("the model")
    if not cursor.take("to"):
        raise cursor.error("EXPORT MODEL name is followed by TO 'folder'.")
    folder, _ = _text(cursor, "EXPORT MODEL writes into a folder: TO 'folder'.")
    end(cursor, "EXPORT MODEL", "nothing more")
    return ExportModel(*place, name=name, folder=folder, place=named)


def end(cursor: Cursor, statement: str, allowed: str) -> None:
    """Raises StatementError unless the cursor has read everything."""
    if not cursor.done:
        raise cursor.error(f"After this, {statement} allows {allowed}.")


def _trained(cursor: Cursor, place: Place, or_replace: bool, named: tuple[str, Span]) -> TrainModel:
    target, at = cursor.name("the target")
    places: Places = {"name": named[1], "target": at}
    if not cursor.take("given"):
        raise cursor.error("PREDICT target is followed by GIVEN and the columns to predict from.")
    inputs = _inputs(cursor, places)
    if not cursor.take("from"):
        raise cursor.error("GIVEN ... is followed by FROM table, or FROM (query).")
    source = _source(cursor, places)
    clauses, options = _clauses(cursor, places, ("model", "index"))
    return TrainModel(
        *place,
        name=named[0],
        target=target,
        inputs=inputs,
        source=source,
        model=clauses.get("model"),
        index=clauses.get("index"),
        options=options,
        or_replace=or_replace,
        places=tuple(places.items()),
    )


def _inputs(cursor: Cursor, places: Places) -> tuple[str, ...]:
    inputs = list[str]()
    while True:
        name, at = cursor.name("a column")
        if name.lower() in (known.lower() for known in inputs):
            raise cursor.error(f'The column "{name}" is given twice.', at)
        places[f"input:{len(inputs)}"] = at
        inputs.append(name)
        if not cursor.take_symbol(","):
            return tuple(inputs)


def _source(cursor: Cursor, places: Places) -> str:
    """A table's name or a query in brackets, as written."""
    first, words = cursor.position, cursor.sentence
    if words.symbol(first) == "(" and words.partner[first] > first:
        cursor.position = words.partner[first] + 1
    else:
        cursor.name("a table, or a query in brackets,")
    places["source"] = words.span(first, cursor.position - 1)
    return words.text(first, cursor.position - 1)


def _clauses(
    cursor: Cursor, places: Places, kinds: tuple[str, ...]
) -> tuple[dict[str, str], Options]:
    """USING (one of `kinds`) and WITH, in any order, each once."""
    found: dict[str, str] = {}
    options: Options | None = None
    while not cursor.done:
        at = cursor.span
        kind = next((k for k in kinds if cursor.take("using", k)), None)
        if kind is not None and kind not in found:
            found[kind], places[kind] = cursor.name(f"the {kind}")
        elif kind is None and options is None and cursor.take("with"):
            read = cursor.options()
            places.update({f"option:{key}": span for key, _, span in read})
            options = tuple((key, value) for key, value, _ in read)
        else:
            allowed = ", ".join(f"USING {kind.upper()}" for kind in kinds)
            raise cursor.error(
                f"After this, CREATE MODEL allows {allowed} and WITH (name = value, ...), "
                "each once.",
                at,
            )
    return found, options or ()


def _text(cursor: Cursor, message: str) -> tuple[str, Span]:
    token = cursor.sentence.token(cursor.position)
    if cursor.done or token.kind != "string":
        raise cursor.error(message)
    cursor.position += 1
    return token.value, (token.start, token.end)
