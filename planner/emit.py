"""A bound query back to text: plain DuckDB SQL that calls functions.

Only the places of our calls and listings are rewritten, the inner ones together with those around
them; every other character stays as the user wrote it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from augursql.planner.bind import BoundCall, BoundQuery
from augursql.planner.lexer import literal, quoted
from augursql.planner.plan import Argument, Call, Span


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
    return _Emitter(bound, functions, listings, search_tables or {}).text()


class _Emitter:
    def __init__(
        self,
        bound: BoundQuery,
        functions: Sequence[str],
        listings: Sequence[str],
        search_tables: Mapping[int, str],
    ) -> None:
        self.query = bound.query
        self.calls = bound.calls
        self.functions = functions
        self.search_tables = search_tables
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
        bound, function = self.calls[position], self.functions[position]
        call = bound.call
        inputs = [self._argument(argument, call) for argument in call.inputs]
        if call.kind == "predict":
            return f"{function}({document_sql(*_labelled(bound, inputs))})"
        texts = ", ".join(f"CAST({sql} AS VARCHAR)" for sql in inputs)
        if call.kind == "search":
            return _search_sql(bound, f"{function}({texts})", self.search_tables[position])
        if call.labels is None:
            return f"{function}({texts})"
        labels = self._argument(call.labels, call)
        # As JSON, labels may be texts or STRUCT(label, description), also in a column.
        return f"{function}({texts}, CAST(to_json({labels}) AS VARCHAR))"

    def _argument(self, argument: Argument, call: Call) -> str:
        return self._render(argument.span, call.span)


def _labelled(bound: BoundCall, inputs: list[str]) -> tuple[list[str], list[str | None]]:
    """Inputs with their labels: those of the index's columns, in the index's order, where there are
    as many, so that documents are composed as the indexed ones were.
    """
    names = [argument.name for argument in bound.call.inputs]
    columns = bound.index.text_columns if bound.index is not None else ()
    if len(columns) != len(names):
        return inputs, names
    given = {str(name).lower(): sql for name, sql in zip(names, inputs, strict=True)}
    if {column.lower() for column in columns} == set(given):
        inputs = [given[column.lower()] for column in columns]
    return inputs, list(columns)


def _search_sql(bound: BoundCall, hits: str, rows: str) -> str:
    columns = bound.index.columns if bound.index is not None else ()
    # Columns of the user's with the names of ours would make theirs the ones that a query reads.
    hidden = [quoted(name) for name, _ in columns if name.lower() in ("similarity", "rank")]
    left_out = ", ".join(["__augur_row", "__augur_entry", *hidden])
    return (
        f"(SELECT __r.* EXCLUDE ({left_out}), __h.similarity, __h.rank "
        f"FROM (SELECT unnest({hits}, recursive := true)) AS __h "
        f'JOIN {rows} AS __r ON __r.__augur_row = __h."row" ORDER BY __h.rank)'
    )
