"""A bound query back to text: plain DuckDB SQL that calls functions.

Only the places of our calls and listings are rewritten, the inner ones together with those around
them; every other character stays as the user wrote it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from augursql.planner.bind import BoundCall, BoundQuery
from augursql.planner.lexer import literal, quoted
from augursql.planner.plan import Argument, Call, Span

Write = Callable[[int, Sequence[str], str | None], str]


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
) -> str:
    """DuckDB's SQL for the query.

    `functions`: the SQL name of one function per call, in the order of `bound.calls`. `listings`: a
    parenthesised SELECT per listing. `search_tables`: for the position of each search() among the
    calls, the SQL of the table with the indexed rows (columns `__augur_row` and `__augur_entry` and
    those of the user's table).
    """
    tables = search_tables or {}

    def write(position: int, inputs: Sequence[str], labels: str | None) -> str:
        call, function = bound.calls[position], functions[position]
        if call.call.kind == "search":
            return search_sql(call, f"{function}({texts_sql(inputs)})", tables[position])
        if call.call.kind == "predict":
            return f"{function}({call_document(call, inputs)})"
        return f"{function}({texts_sql(inputs, labels)})"

    return emit_with(bound, write, listings)


def emit_with(bound: BoundQuery, write: Write, listings: Sequence[str] = ()) -> str:
    """The query's text with `write(position, inputs, labels)` in the place of each call, where
    inputs and labels are SQL in which inner calls are rewritten already.
    """
    return _Emitter(bound, write, listings).text()


class _Emitter:
    def __init__(self, bound: BoundQuery, write: Write, listings: Sequence[str]) -> None:
        self.query = bound.query
        self.calls = bound.calls
        self.write = write
        spans = [listing.span for listing in self.query.listings]
        self.listings = dict(zip(spans, listings, strict=True))
        self.positions = {bound.call.span: i for i, bound in enumerate(self.calls)}
        changes: list[tuple[Span, str | None]] = [
            ((insertion.offset, insertion.offset), insertion.sql)
            for insertion in self.query.insertions
        ]
        changes += [(place, None) for place in (*self.positions, *self.listings)]
        self.changes = sorted(changes, key=lambda change: (change[0][0], -change[0][1]))
        self.starts = [place[0] for place, _ in self.changes]

    def text(self) -> str:
        return self._render(self.query.span, within=None)

    def _render(self, span: Span, within: Span | None) -> str:
        """The text of a span with what lies in it rewritten; `within` is the call around it."""
        start, end = span
        parts, position, whole = list[str](), start, self.query.whole or self.query.text
        for place, text in self._changes(span, within):
            if place[0] >= position:
                parts.append(whole[position : place[0]])
                parts.append(self._replacement(place) if text is None else text)
                position = place[1]
        parts.append(whole[position:end])
        return "".join(parts)

    def _changes(self, span: Span, within: Span | None) -> Iterator[tuple[Span, str | None]]:
        """Places to rewrite, outer before inner, and insertions (with their text), in order."""
        start, end = span
        for position in range(bisect_left(self.starts, start), len(self.changes)):
            place, text = self.changes[position]
            if place[0] > end:
                return
            inside = start < place[0] if text is not None else place[1] <= end and place != within
            if inside:
                yield place, text

    def _replacement(self, span: Span) -> str:
        if span in self.listings:
            return self.listings[span]
        position = self.positions[span]
        call = self.calls[position].call
        inputs = [self._argument(argument, call) for argument in call.inputs]
        labels = None if call.labels is None else self._argument(call.labels, call)
        return self.write(position, inputs, labels)

    def _argument(self, argument: Argument, call: Call) -> str:
        return self._render(argument.span, call.span)


def texts_sql(inputs: Sequence[str], labels: str | None = None) -> str:
    """The arguments of a function of texts, and of their labels where there are some."""
    texts = [f"CAST({sql} AS VARCHAR)" for sql in inputs]
    if labels is not None:
        # As JSON, labels may be texts or STRUCT(label, description), also in a column.
        texts.append(f"CAST(to_json({labels}) AS VARCHAR)")
    return ", ".join(texts)


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
