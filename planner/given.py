"""PREDICT, PROMPT and EVALUATE ... GIVEN query become queries that call predict() and prompt().

    PREDICT rating WITH CONFIDENCE USING INDEX hotels GIVEN SELECT * FROM reviews

is, with the columns that the index is made of as inputs,

    SELECT * EXCLUDE (__augur_1), __augur_1.prediction AS "rating_predictions",
      __augur_1.confidence AS "rating_probability"
    FROM (SELECT given.*, predict('rating', given."review" WITH CONFIDENCE USING INDEX hotels)
          AS __augur_1 FROM (SELECT * FROM reviews) AS given)

so that everything after this knows calls only. The user's queries and clauses are copied, and every
other piece knows which part of the head it stands for (`origin`). EVALUATE is a table that the
database works out (`measured` says from what) and hands in as SQL text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augursql.errors import AugurError, NameNotFoundError, UnsupportedError, candidates
from augursql.planner.bind import bind_call
from augursql.planner.bound import BoundCall
from augursql.planner.catalog import Catalog
from augursql.planner.lexer import Span, literal, quoted, tokenize
from augursql.planner.origin import Writer
from augursql.planner.plan import Call, Given, GivenQuery, Item
from augursql.planner.rewritten import Desugared, reparsed
from augursql.planner.scan import speaks_augur

ROWS = "temp.augur_evaluated"
# Texts, so that labels and classes compare alike whatever their type.
_ANSWERS = (
    "SELECT CAST(label AS VARCHAR) AS label, CAST(answer.prediction AS VARCHAR) AS predicted, "
    "TRY_CAST(label AS DOUBLE) AS value, TRY_CAST(answer.prediction AS DOUBLE) AS number, "
    "CAST(map_keys(answer.probabilities) AS VARCHAR[]) AS classes, "
    "map_values(answer.probabilities) AS probabilities"
)
Tables = Mapping[Span, str]
_NAMES = {"confidence": "probability", "explanation": "explanation", "metadata": "metadata"}


@dataclass(frozen=True, slots=True)
class Rung:
    """One item of EVALUATE; `answers` yields a row's `label` and what was `predicted` as text, and
    as numbers, `value` and `number`, where they are some; `classes` and their `probabilities`.
    """

    call: Call
    bound: BoundCall
    answers: Desugared


@dataclass(frozen=True, slots=True)
class Measured:
    """What EVALUATE works out: `rows` makes the table `ROWS` that all rungs read."""

    rows: Desugared
    rungs: tuple[Rung, ...]


def desugared(
    statement: GivenQuery, catalog: Catalog, tables: Tables, functions: frozenset[str]
) -> Desugared:
    """The statement in calls. `tables`: SQL for each EVALUATE in it, by its span; `functions`: the
    names of the user's.

    Raises what `bind` raises for the head's names, and NameNotFoundError where GIVEN's query surely
    lacks a column.
    """
    rewriting = _Rewriting(statement, catalog, tables)
    rewriting.copy(statement.span)
    return reparsed(rewriting.writer, functions)


def measured(
    statement: GivenQuery,
    block: Given,
    catalog: Catalog,
    tables: Tables,
    functions: frozenset[str],
) -> Measured:
    """The queries of an EVALUATE, whose rungs read its rows from the table `ROWS`."""
    rewriting = _Rewriting(statement, catalog, tables)
    asked = rewriting.asked(block)
    columns = dict.fromkeys(c.lower() for one in asked for c in (one.target, *one.inputs))
    rewriting.check_columns(block, asked)
    rewriting.writer.make(f"CREATE OR REPLACE TEMP TABLE {ROWS} AS ", block.span)
    for ctes in block.ctes:
        rewriting.copy(ctes)
        rewriting.writer.make(" SELECT * FROM (", ctes)
    head = ", ".join(f"given.{quoted(column)}" for column in columns)
    rewriting.writer.make(f"SELECT {head} FROM (", block.span)
    rewriting.copy(block.query)
    rewriting.writer.make(") AS given" + ")" * len(block.ctes), block.span)
    items = tuple(
        Rung(one.item.call, one.bound, _rung_query(statement, one, functions))
        for one in asked
        if one.bound is not None
    )
    return Measured(reparsed(rewriting.writer, functions), items)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item and what it refers to; `bound` is None for a prompt, whose call is bound later.

    `inputs` are the columns that it needs of GIVEN's query, as written; `prefix` begins the names
    of its columns.
    """

    item: Item
    bound: BoundCall | None
    inputs: tuple[str, ...]

    @property
    def target(self) -> str:
        return str(self.item.call.target)

    @property
    def column(self) -> str:
        """The name of the column with the answer."""
        if self.item.alias is not None:
            return self.item.alias
        return "response" if self.bound is None else f"{self.target}_predictions"

    @property
    def prefix(self) -> str:
        """What the names of the other columns begin with."""
        return self.item.alias or ("response" if self.bound is None else self.target)


class _Rewriting:
    def __init__(self, statement: GivenQuery, catalog: Catalog, tables: Tables) -> None:
        self.writer = Writer(statement.whole)
        self._statement = statement
        self._catalog = catalog
        self._tables = tables

    def copy(self, span: Span) -> None:
        """The user's text with the blocks in it rewritten."""
        position = span[0]
        for block in self._statement.blocks:
            if block.span[0] >= position and block.span[1] <= span[1]:
                self.writer.copy((position, block.span[0]))
                self._block(block)
                position = block.span[1]
        self.writer.copy((position, span[1]))

    def asked(self, block: Given) -> list[_Asked]:
        """The items of a block, bound: index, target, options are checked where they stand."""
        found = list[_Asked]()
        speaks = any(item.call.model and not item.call.index for item in block.items)
        columns = self._columns(block) if speaks else None
        for item in block.items:
            if item.call.kind == "prompt":
                names = tuple(argument.sql for argument in item.call.inputs)
                found.append(_Asked(item, None, names))
                continue
            source = None if columns is None else f"({self._text(block)})"
            bound = bind_call(item.call, self._statement.whole, self._catalog, source)
            if bound.index is not None:
                made_of = bound.index.text_columns
            else:
                made_of = self._other_columns(block, item, columns)
            found.append(_Asked(item, bound, made_of))
        return found

    def _other_columns(
        self, block: Given, item: Item, columns: Sequence[str] | None
    ) -> tuple[str, ...]:
        """What a language model is shown without an index: all columns but those predicted."""
        if columns is None:
            raise UnsupportedError(
                "The columns of GIVEN's query cannot be told before it runs.",
                hint=f"predict('{item.call.target}', column, ...) says which ones are shown.",
                span=item.call.place("model"),
                sql=self._statement.whole,
            )
        targets = {str(other.call.target).lower() for other in block.items}
        shown = tuple(column for column in columns if column.lower() not in targets)
        if not shown:
            raise self._lacking("any other column", "", item.call.place("target"), columns)
        return shown

    def check_columns(self, block: Given, asked: Sequence[_Asked]) -> None:
        """Raises NameNotFoundError where GIVEN's query surely lacks a column that is needed."""
        columns = self._columns(block)
        if columns is None:
            return
        known = {column.lower() for column in columns}
        for one in asked:
            if block.verb == "evaluate" and one.target.lower() not in known:
                why = "EVALUATE compares the predictions with this column."
                raise self._lacking(one.target, why, one.item.call.place("target"), columns)
            if one.bound is None:
                for argument in one.item.call.inputs:
                    name = str(argument.name)
                    if name.split(".")[0].strip('"').lower() not in known:
                        raise self._lacking(name, "", argument.span, columns)
                continue
            missing = next((name for name in one.inputs if name.lower() not in known), None)
            if missing is not None and one.bound.index is not None:
                made_of = ", ".join(quoted(name) for name in one.inputs)
                why = f'The index "{one.bound.index.name}" is made of {made_of}.'
                raise self._lacking(missing, why, one.item.call.place("target"), columns)

    def _block(self, block: Given) -> None:
        if block.verb == "evaluate":
            self.writer.make(self._tables[block.span], block.span)
            return
        asked = self.asked(block)
        self.check_columns(block, asked)
        if not any(one.item.call.with_ for one in asked):
            self._select(block, asked, [quoted(one.column) for one in asked])
            return
        hidden = [f"__augur_{n}" for n in range(1, len(asked) + 1)]
        self.writer.make(f"SELECT * EXCLUDE ({', '.join(hidden)})", block.span)
        for one, name in zip(asked, hidden, strict=True):
            for column, sql in self._parts(one, name):
                self.writer.make(f", {sql} AS {quoted(column)}", one.item.call.span)
        self.writer.make(" FROM (", block.span)
        self._select(block, asked, hidden)
        self.writer.make(")", block.span)

    def _select(self, block: Given, asked: Sequence[_Asked], names: Sequence[str]) -> None:
        """The query with one column per item more."""
        self.writer.make("SELECT given.*", block.span)
        for one, name in zip(asked, names, strict=True):
            self.writer.make(", ", one.item.call.span)
            _write_call(self.writer, one, "given.")
            self.writer.make(f" AS {name}", one.item.call.span)
        self.writer.make(" FROM (", block.span)
        self.copy(block.query)
        self.writer.make(") AS given", block.span)

    def _parts(self, one: _Asked, name: str) -> list[tuple[str, str]]:
        """The columns that an item gives, with their SQL; `name` holds what its call gave."""
        details = one.item.call.with_
        if not details:
            return [(one.column, name)]
        parts = [(one.column, f"{name}.prediction")]
        for detail in details:
            if detail == "probabilities" and one.bound is not None:
                parts += self._probabilities(one.bound, one.prefix, f"{name}.probabilities")
            else:
                parts.append((f"{one.prefix}_{_NAMES[detail]}", f"{name}.{detail}"))
        return parts

    def _probabilities(self, bound: BoundCall, prefix: str, map_: str) -> list[tuple[str, str]]:
        """A column per label; the map itself, which is NULL, where the target is estimated."""
        target = str(bound.call.target)
        labels: Sequence[str] | None = bound.labels
        if bound.index is not None and not bound.speaks:
            labels = self._catalog.labels(bound.index, target)
        if labels is None:
            return [(f"{prefix}_probabilities", map_)]
        return [
            (
                f"{prefix}_probabilities_{label}",
                f"{map_}[CAST({literal(label)} AS {bound.target_type})]",
            )
            for label in labels
        ]

    def _columns(self, block: Given) -> Sequence[str] | None:
        """The columns of GIVEN's query where DuckDB alone can tell them."""
        text = self._text(block)
        if speaks_augur(text):
            return None
        parts, position = list[str](), 0
        for token in tokenize(text) or []:
            if token.kind == "parameter":
                parts += [text[position : token.start], "NULL"]
                position = token.end
        return self._catalog.query_columns("".join([*parts, text[position:]]))

    def _text(self, block: Given) -> str:
        """GIVEN's query, with what WITH defines for it."""
        whole = self._statement.whole
        before = "".join(f"{whole[slice(*ctes)]} SELECT * FROM (" for ctes in block.ctes)
        return f"{before}{whole[slice(*block.query)]}{')' * len(block.ctes)}"

    def _lacking(self, name: str, why: str, span: Span, columns: Sequence[str]) -> AugurError:
        return NameNotFoundError(
            f'GIVEN\'s query has no column "{name}".',
            hint=f"{why} {candidates(name, columns)}".strip(),
            span=span,
            sql=self._statement.whole,
        )


def _write_call(writer: Writer, one: _Asked, table: str, details: str = "") -> None:
    """The call of an item over columns of `table`, with the clauses as the user wrote them."""
    call, clauses, over = one.item.call, one.item.clauses, one.item.over
    if one.bound is None:
        place = call.place("template")
        writer.make("prompt(", place)
        writer.copy(place)
        for argument in call.inputs:
            name = quoted(str(argument.name))
            writer.make(f", {name} := {table}{argument.sql}", argument.span)
    else:
        inputs = "".join(f", {table}{quoted(column)}" for column in one.inputs)
        writer.make(f"predict({literal(one.target)}{inputs}", call.place("target"))
    if clauses is not None:
        writer.make(" ", clauses)
        writer.copy((clauses[0], over[0] if over else clauses[1]))
        if over is not None:
            writer.make("USING INDEX", over)
            writer.copy((over[1], clauses[1]))
    writer.make(f"{details})", call.span)


def _rung_query(statement: GivenQuery, one: _Asked, functions: frozenset[str]) -> Desugared:
    writer, place = Writer(statement.whole), one.item.call.span
    type_ = one.bound.target_type if one.bound is not None else "VARCHAR"
    label = f"CAST({quoted(one.target)} AS {type_})"
    writer.make(f"{_ANSWERS} FROM (SELECT {label} AS label, ", place)
    _write_call(writer, one, "", " WITH PROBABILITIES")
    writer.make(f" AS answer FROM {ROWS})", place)
    return reparsed(writer, functions)


def parameters_of(
    written: GivenQuery, made: Desugared, values: Sequence[Any] | Mapping[str, Any] | None
) -> list[Any] | dict[str, Any] | None:
    """The parameters of a rewritten text that may hold only some of the statement's.

    `?` is known by its place, `$name` and `$1` by their names.
    """
    tokens = [t for t in tokenize(made.origin.text) or [] if t.kind == "parameter"]
    if values is None or not tokens:
        return None
    if all(token.text == "?" for token in tokens) and not isinstance(values, Mapping):
        starts = [start for start, _ in written.parameters]
        places = [made.origin.place((token.start, token.end))[0] for token in tokens]
        numbers = [starts.index(place) for place in places]
        return [value for n, value in enumerate(values) if n in numbers]
    if not isinstance(values, Mapping):
        values = {str(n): value for n, value in enumerate(values, start=1)}
    names = {token.text[1:] for token in tokens}
    return {name: value for name, value in values.items() if name in names}
