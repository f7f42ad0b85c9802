"""What a statement means: immutable values, checked when they are built.

A `Statement` keeps the text it came from, verbatim; a `Query` adds the places in that text which
are ours (`Call`, `Listing`) and what plain DuckDB SQL needs after some places (`Insertion`). Every
span and offset counts characters in the whole text that was given to `parse`, of which a statement
is the part that begins at `start`.
"""

from dataclasses import dataclass, field
from typing import Literal

from augursql.errors import StatementError
from augursql.planner.kinds import INPUTS, TOLD, CallKind
from augursql.planner.lexer import Span
from augursql.planner.sentence import Sentence

Verb = Literal["predict", "prompt", "evaluate"]
Order = Literal["semantic", "random"]
Detail = Literal["confidence", "probabilities", "explanation", "metadata"]
OnError = Literal["fail", "null"]
ListingKind = (
    Literal["indexes", "index", "models", "model", "prompts", "prompt"]
    | Literal["calls", "errors", "running", "settings", "setting", "value"]
)
Scalar = str | int | float | bool | None
Value = Scalar | tuple[Scalar, ...]
Options = tuple[tuple[str, Value], ...]

DETAILS: tuple[Detail, ...] = ("confidence", "probabilities", "explanation", "metadata")


@dataclass(frozen=True, slots=True)
class Argument:
    """One expression among a call's arguments: its text as written, and where.

    `name` is the column's name where the expression is a plain column reference, else None.
    """

    sql: str
    name: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """One inference call as the user wrote it. `sql` has its whitespace collapsed.

    A prompt() has a `template`, or the name of a `stored` one, and prompt_agg() an instruction in
    its place; an answer matches the regular expression `matching`. `places` says where the names in
    it stand (`target`, `model`, `index`, `top`, `option:seed`), for carets. Raises StatementError
    when the parts do not make a call.
    """

    kind: CallKind
    span: Span
    sql: str
    inputs: tuple[Argument, ...]
    target: str | None = None
    labels: Argument | None = None
    model: str | None = None
    version: int | None = None
    index: str | None = None
    top: int | None = None
    order: Order | None = None
    with_: tuple[Detail, ...] = ()
    options: Options = ()
    filter: str | None = None
    threshold: float | None = None
    template: str | None = None
    stored: str | None = None
    stored_version: int | None = None
    returns: str | None = None
    matching: str | None = None
    on_error: OnError = "fail"
    places: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        wanted = INPUTS[self.kind]
        fewest = 0 if self.kind == "prompt" else 1
        if len(self.inputs) < fewest or (wanted is not None and len(self.inputs) != wanted):
            raise StatementError(f"{self.kind}() has {len(self.inputs)} inputs.", span=self.span)
        if (self.kind == "predict") != (self.target is not None):
            raise StatementError("predict(), and nothing else, has a target.", span=self.span)
        if (self.kind == "classify") != (self.labels is not None):
            raise StatementError("classify(), and nothing else, has labels.", span=self.span)
        templates = (self.template is not None) + (self.stored is not None)
        if templates != (self.kind in TOLD):
            raise StatementError("Only a prompt has a template.", span=self.span)
        if self.version is not None and self.model is None:
            raise StatementError("VERSION stands after USING MODEL.", span=self.place("version"))
        if (self.top is not None or self.order is not None) and self.index is None:
            raise StatementError(
                "TOP, SEMANTIC and RANDOM stand after USING INDEX.", span=self.span
            )

    @property
    def key(self) -> tuple[object, ...]:
        """Hashable; calls with equal keys are served by the same function. No inputs, no places."""
        names = (self.target, self.model, self.index)
        folded = tuple(None if name is None else name.lower() for name in names)
        how = (
            self.version,
            self.top,
            self.order,
            self.with_,
            self.options,
            self.filter,
            self.threshold,
        )
        said = (self.template, self.returns, self.matching, self.on_error)
        names_of_inputs = tuple(a.name for a in self.inputs) if self.writes_prompts else ()
        return (self.kind, *folded, *how, *said, names_of_inputs)

    @property
    def writes_prompts(self) -> bool:
        """Whether the names of its inputs may stand in a prompt: only then do they matter."""
        return self.kind == "prompt" or (
            self.kind in ("predict", "classify") and self.model is not None
        )

    def place(self, name: str) -> Span:
        """Where a part stands; the whole call where the part has no place of its own."""
        return dict(self.places).get(name, self.span)


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of ours in FROM: `(SHOW INDEXES)`, `(DESCRIBE MODEL m)`, `augur_settings()`; or, of
    kind 'value', the value of a setting: `current_setting('augur_seed')`.
    """

    kind: ListingKind
    name: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text that plain SQL needs at an offset, such as the name of an output column."""

    offset: int
    sql: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: its text as written, where it begins in the whole text, and the whole text."""

    text: str
    start: int = field(default=0, compare=False)
    whole: str = field(default="", compare=False, repr=False)

    @property
    def span(self) -> Span:
        return (self.start, self.start + len(self.text))


@dataclass(frozen=True, slots=True)
class Verbatim(Statement):
    """Nothing of ours in it: DuckDB gets the text as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Statement):
    """Any DuckDB statement that holds calls or listings of ours, in the order of their places.

    `definition`: the statement stores the call for later (a view, a macro, a generated column).
    """

    calls: tuple[Call, ...] = ()
    listings: tuple[Listing, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    definition: bool = False
    sentence: Sentence | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        first, last = self.span
        spans = [call.span for call in self.calls] + [listing.span for listing in self.listings]
        for span in spans:
            if not first <= span[0] < span[1] <= last:
                raise StatementError("A call lies outside of its statement.", span=span)


@dataclass(frozen=True, slots=True)
class Item:
    """What one target of PREDICT or EVALUATE, or the template of PROMPT, asks for.

    `call` is the call that it stands for; its input is GIVEN's query, of which only the catalog
    knows the columns. `clauses` is where its clauses stand, from the first word to the last, and
    `over` the word OVER in them, which prompt() calls USING INDEX.
    """

    call: Call
    alias: str | None
    clauses: Span | None
    over: Span | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """PREDICT, PROMPT or EVALUATE ... GIVEN query, in a place where a query can stand.

    `span` holds all of it; `query` is the part behind GIVEN. `ctes`: where the WITH clauses
    stand that it can read from, outer ones first.
    """

    verb: Verb
    span: Span
    items: tuple[Item, ...]
    query: Span
    ctes: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenQuery(Statement):
    """A statement that is or holds PREDICT, PROMPT or EVALUATE; outer ones before inner ones.

    `parameters`: where parameters stand in the statement, in order.
    """

    blocks: tuple[Given, ...]
    parameters: tuple[Span, ...] = ()

    @property
    def measures(self) -> tuple[Given, ...]:
        """The blocks that are EVALUATE."""
        return tuple(block for block in self.blocks if block.verb == "evaluate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Statement):
    """EXPLAIN of a statement that holds calls.

    `format` is DuckDB's: 'text', 'json' ...; `sql`: also show the SQL that DuckDB gets.
    """

    query: Query
    analyze: bool = False
    format: str = "text"
    sql: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex(Statement):
    """CREATE INDEX ... USING HNSW. On columns of vectors it is DuckDB's: the database decides.

    `table` is raw SQL text, qualified and quoted as written; `columns` are names, unquoted.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    options: Options = ()
    or_replace: bool = False
    if_not_exists: bool = False

    def __post_init__(self) -> None:
        if not self.columns:
            raise StatementError("An index needs at least one column.", span=self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshIndex(Statement):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex(Statement):
    """May name an index of DuckDB's own: the database decides."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class ShowIndexes(Statement):
    """SHOW INDEXES"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeIndex(Statement):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateModel(Statement):
    """CREATE MODEL name FROM 'source': deploy a hub id, a folder or a file; `base` is the language
    model that an adapter changes. `places` says where names stand: `name`, `source`, `model`,
    `option:dtype`.
    """

    name: str
    source: str
    base: str | None = None
    options: Options = ()
    or_replace: bool = False
    places: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)

    def place(self, name: str) -> Span:
        """Where a part stands; the whole statement where the part has no place of its own."""
        return dict(self.places).get(name, self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainModel(Statement):
    """CREATE MODEL name PREDICT target GIVEN inputs FROM source: `source` is SQL text, a table or
    a query in brackets. `places` says where names stand: `name`, `target`, `input:0`, `source`,
    `model`, `index`, `option:adapter`.
    """

    name: str
    target: str
    inputs: tuple[str, ...]
    source: str
    model: str | None = None
    index: str | None = None
    options: Options = ()
    or_replace: bool = False
    places: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)

    def place(self, name: str) -> Span:
        """Where a part stands; the whole statement where the part has no place of its own."""
        return dict(self.places).get(name, self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureModel(Statement):
    """CREATE MODEL name FROM CONFIG 'file.yaml'; `place` is that of the file's name."""

    name: str
    file: str
    or_replace: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterModel(Statement):
    """ALTER MODEL name SET VERSION n; `place` is that of the name."""

    name: str
    version: int
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportModel(Statement):
    """EXPORT MODEL name TO 'folder'; `place` is that of the name."""

    name: str
    folder: str
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropModel(Statement):
    name: str
    if_exists: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ShowModels(Statement):
    """SHOW MODELS"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeModel(Statement):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSetting(Statement):
    """SET augur_x = value; `name` in lower case, with its prefix."""

    name: str
    value: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSetting(Statement):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSetting(Statement):
    name: str
