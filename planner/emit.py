"""A bound query back to text: plain DuckDB SQL that calls functions, or our own language.

Only the places of our calls and listings and what the rules rewrote are changed; every other
character stays as the user wrote it.
"""

from collections.abc import Mapping, Sequence

from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.kinds import AGGREGATES, ASKING
from augursql.planner.lexer import literal, quoted
from augursql.planner.render import Edit, Renderer


def document_sql(inputs: Sequence[str], names: Sequence[str | None]) -> str:
    """The SQL of the document that expressions make, as VARCHAR.

    One input is its own text. Several are lines, each labelled with its name; a NULL makes no line,
    and nothing but NULLs makes NULL. An input without a name is labelled by its number.
    """
    texts = [f"CAST({sql} AS VARCHAR)" for sql in inputs]
    if len(texts) == 1:
        return texts[0]
    labels = [name or f"input {n}" for n, name in enumerate(names, start=1)]
    lines = [f"{literal(f'{n}: ')} || {text}" for n, text in zip(labels, texts, strict=True)]
    return f"NULLIF(concat_ws(E'\\n', {', '.join(lines)}), '')"


def document_sql_for_columns(columns: Sequence[str]) -> str:
    """The document of a row of a table: what an index on these columns holds."""
    return document_sql([quoted(column) for column in columns], columns)


def emit(
    bound: BoundQuery,
    functions: Sequence[str],
    listings: Sequence[str] = (),
    search_tables: Mapping[int, str] | None = None,
    edits: Sequence[Edit] = (),
) -> str:
    """DuckDB's SQL for the query.

    `functions`: the SQL name of one function per call, in the order of `bound.calls`. `listings`: a
    parenthesised SELECT per listing. `search_tables`: for the position of each search() among the
    calls, the SQL of the table with the indexed rows (columns `__augur_row` and `__augur_entry` and
    those of the user's table). `edits`: what the rules rewrote.
    """
    return renderer(bound, functions, listings, search_tables, edits).text()


def renderer(
    bound: BoundQuery,
    functions: Sequence[str],
    listings: Sequence[str] = (),
    search_tables: Mapping[int, str] | None = None,
    edits: Sequence[Edit] = (),
) -> Renderer:
    """What renders the query, or parts of it, as DuckDB's SQL; see `emit`."""
    tables = search_tables or {}

    def write(position: int, inputs: Sequence[str], labels: str | None) -> str:
        call, function = bound.calls[position], functions[position]
        if call.call.kind == "search":
            return search_sql(call, f"{function}({texts_sql(inputs)})", tables[position])
        if call.call.kind == "predict":
            return f"{function}({call_document(call, inputs)})"
        if call.call.kind == "prompt":
            return f"{function}({values_sql(inputs)})"
        if call.call.kind in ASKING:
            return f"{function}({asking_sql(call, inputs)})"
        return f"{function}({texts_sql(inputs, labels)})"

    numbered = _numbered_parameters(bound) if edits else []
    return Renderer(bound, [*numbered, *edits], write, bound.query.insertions, listings)


def as_written(bound: BoundQuery, edits: Sequence[Edit] = ()) -> Renderer:
    """What renders the query in our own language, with the calls as the user wrote them."""
    source = bound.query.whole or bound.query.text

    def write(position: int, inputs: Sequence[str], labels: str | None) -> str:
        call = bound.calls[position].call
        places = [(a.span, sql) for a, sql in zip(call.inputs, inputs, strict=True)]
        if call.labels is not None and labels is not None:
            places.append((call.labels.span, labels))
        text, at = "", call.span[0]
        for (start, end), sql in sorted(places):
            text, at = text + source[at:start] + sql, end
        return text + source[at : call.span[1]]

    return Renderer(bound, edits, write)


def _numbered_parameters(bound: BoundQuery) -> list[Edit]:
    """`?` told by its number, as `$1`, so that it may move and stand twice."""
    tokens = bound.query.sentence.tokens if bound.query.sentence is not None else ()
    places = [(token.start, token.end) for token in tokens if token.text == "?"]
    return [Edit(place, (f"${number}",)) for number, place in enumerate(places, start=1)]


def texts_sql(inputs: Sequence[str], labels: str | None = None) -> str:
    """The arguments of a function of texts, and of their labels where there are some."""
    texts = [f"CAST({sql} AS VARCHAR)" for sql in inputs]
    if labels is not None:
        # As JSON, labels may be texts or STRUCT(label, description), also in a column.
        texts.append(f"CAST(to_json({labels}) AS VARCHAR)")
    return ", ".join(texts)


def values_sql(inputs: Sequence[str]) -> str:
    """The values of a prompt's placeholders as the JSON text of a list of texts; NULL where all of
    them are NULL, though not where there are none.
    """
    if not inputs:
        return "'[]'"
    texts = ", ".join(f"CAST({sql} AS VARCHAR)" for sql in inputs)
    nothing = f"[{','.join(['null'] * len(inputs))}]"
    return f"NULLIF(CAST(to_json([{texts}]) AS VARCHAR), '{nothing}')"


def asking_sql(bound: BoundCall, inputs: Sequence[str]) -> str:
    """The inputs of one of `kinds.ASKING`: the JSON text of a list of texts."""
    if bound.call.kind == "extract":
        return values_sql(inputs)
    if bound.call.kind == "matches":
        inputs = inputs[::-1]  # The condition first, which is often the same for all rows.
    if bound.call.kind in AGGREGATES:
        return f"CAST(to_json(CAST({inputs[0]} AS VARCHAR[])) AS VARCHAR)"
    return f"CAST(to_json([{texts_sql(inputs)}]) AS VARCHAR)"


def call_document(bound: BoundCall, inputs: Sequence[str]) -> str:
    """The document of a predict(): labelled as the index's columns, in the index's order, where
    there are as many, so that it is composed as the indexed ones were.
    """
    names = [argument.name for argument in bound.call.inputs]
    columns = bound.index.text_columns if bound.index is not None else ()
    if len(columns) != len(names):
        return document_sql(inputs, names)
    given = {str(name).lower(): sql for name, sql in zip(names, inputs, strict=True)}
    if {column.lower() for column in columns} == set(given):
        inputs = [given[column.lower()] for column in columns]
    return document_sql(inputs, list(columns))


def search_sql(bound: BoundCall, hits: str, rows: str) -> str:
    """The table of a search(): `hits`, what the function found, joined with the indexed `rows`."""
    columns = bound.index.columns if bound.index is not None else ()
    # Columns of the user's with the names of ours would make theirs the ones that a query reads.
    hidden = [quoted(name) for name, _ in columns if name.lower() in ("similarity", "rank")]
    left_out = ", ".join(["__augur_row", "__augur_entry", *hidden])
    return (
        f"(SELECT __r.* EXCLUDE ({left_out}), __h.similarity, __h.rank "
        f"FROM (SELECT unnest({hits}, recursive := true)) AS __h "
        f'JOIN {rows} AS __r ON __r.__augur_row = __h."row" ORDER BY __h.rank)'
    )
