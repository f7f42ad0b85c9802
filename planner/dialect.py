"""DuckDB's dialect in sqlglot, with our calls in it.

The grammar of a call is read once, by `calls`; the parser here is told which places are calls and
makes nodes of them, so that the expressions around and inside can be looked at as a tree. sqlglot
may know less syntax than DuckDB: what it cannot read becomes `nodes.Raw`, never an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from sqlglot import TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser

from augursql.planner.nodes import NODES, CallNode, Raw
from augursql.planner.plan import Argument, Call

# What sqlglot's parser has been seen to raise at input it was not made for.
_NOT_READ = (SqlglotError, RecursionError, LookupError, TypeError, ValueError, AttributeError)

_OTHER_NAMES = (exp.Lambda, exp.Query, exp.Star, exp.Window, exp.Unnest, exp.Comprehension)


def _entry(name: str) -> Callable[["AugurParser"], exp.Expr]:
    return lambda parser: parser.parse_call(name)


class AugurTokenizer(DuckDB.Tokenizer):
    """DuckDB's tokens; no statement is a command whose rest would be swallowed."""

    COMMANDS: ClassVar[set[TokenType]] = set()


class AugurParser(DuckDBParser):
    """DuckDB's grammar; `calls` says which places of the text are calls of ours."""

    FUNCTION_PARSERS = {
        **DuckDBParser.FUNCTION_PARSERS,
        **{name.upper(): _entry(name) for name in NODES},
    }
    calls: Mapping[int, Call] = MappingProxyType({})

    def read(self, text: str, calls: Mapping[int, Call]) -> exp.Expr | None:
        """The tree of an expression; `calls` by the offset in `text` at which each begins."""
        self.calls = calls
        trees = self.parse_into(exp.Condition, self.dialect.tokenize(text), text)
        return trees[0] if trees else None

    def parse_call(self, name: str) -> exp.Expr:
        """The node of the call whose bracket was just opened; another's function stays one."""
        token = self._tokens[self._index - 2]
        call = self.calls.get(token.start)
        if call is None and name == "extract":
            return self._parse_extract()  # extract(year FROM day)
        if call is None:
            arguments = self._parse_function_args(True)
            return exp.Anonymous(this=token.text, expressions=arguments)
        shift = token.start - call.span[0]
        inputs = [self._parse_argument(argument, shift) for argument in call.inputs]
        labels = call.labels and self._parse_argument(call.labels, shift)
        self._seek(call.span[1] - 1 + shift)
        first = inputs[0] if inputs else None
        return NODES[name](this=first, expressions=inputs[1:], labels=labels, call=call)

    def _parse_argument(self, argument: Argument, shift: int) -> exp.Expr:
        start, end = argument.span[0] + shift, argument.span[1] + shift
        self._seek(start)
        index, node = self._index, None
        try:
            node = self._parse_disjunction() if self._curr.start == start else None
        except ParseError:
            node = None
        whole = self._prev.end + 1 == end
        self._retreat(index)
        self._seek(end)
        return node if node is not None and whole else Raw(this=argument.sql)

    def _seek(self, offset: int) -> None:
        while self._curr and self._curr.start < offset:
            self._advance()


class Augur(DuckDB):
    """DuckDB plus the functions of the language."""

    Tokenizer = AugurTokenizer
    Parser = AugurParser


def column_places(text: str) -> list[tuple[int, int]] | None:
    """Where the column references of an expression without calls of ours stand in it.

    None where sqlglot cannot read it, or where names in it may not be columns: in lambdas and in
    queries of its own.
    """
    try:
        tree = AugurParser(dialect=Augur()).read(text, {})
    except _NOT_READ:
        return None
    if tree is None or tree.find(*_OTHER_NAMES) is not None:
        return None
    places = []
    for column in tree.find_all(exp.Column):
        parts = [part for part in column.parts if "start" in part.meta]
        if len(parts) != len(column.parts):
            return None
        places.append((parts[0].meta["start"], parts[-1].meta["end"] + 1))
    return sorted(places)


def call_tree(call: Call, whole: str, inner: Sequence[Call] = ()) -> CallNode | None:
    """The tree of one call in the text `whole`; `inner` are the calls inside of it.

    None where sqlglot cannot read it.
    """
    start, end = call.span
    known = {c.span[0] - start: c for c in (call, *inner)}
    try:
        tree = AugurParser(dialect=Augur()).read(whole[start:end], known)
    except _NOT_READ:
        return None
    return tree if isinstance(tree, CallNode) else None


def with_columns(calls: Sequence[Call], whole: str) -> tuple[Call, ...]:
    """`calls`, in the order of their places, with the names of the inputs that are columns."""
    return tuple(
        _with_columns(call, call_tree(call, whole, _inner(calls, position)))
        if any(argument.name is None for argument in call.inputs)
        else call
        for position, call in enumerate(calls)
    )


def _inner(calls: Sequence[Call], position: int) -> list[Call]:
    """The calls inside of the one at `position`: those that follow and begin before it ends."""
    last = position + 1
    while last < len(calls) and calls[last].span[0] < calls[position].span[1]:
        last += 1
    return list(calls[position + 1 : last])


def _with_columns(call: Call, tree: CallNode | None) -> Call:
    if tree is None:
        return call
    nodes = (tree.this, *tree.expressions)[: len(call.inputs)]
    inputs = tuple(
        argument if argument.name else replace(argument, name=_column(node))
        for argument, node in zip(call.inputs, nodes, strict=True)
    )
    return replace(call, inputs=inputs)


def _column(node: exp.Expr) -> str | None:
    """The last part of a column reference's name."""
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return node.name
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return node.expression.name
    return None
