"""What the rules read of a query: its blocks, its calls by token, and what is cheap to compute."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from augursql.planner.blocks import Block, blocks, level
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.lexer import Span, quoted
from augursql.planner.render import Edit
from augursql.planner.sentence import Sentence, sentence

# The index that holds all rows of a table, given the table, the column and the model, and whether
# it must be searched exactly; None where there is none.
IndexOf = Callable[[str, str, str, bool], str | None]
# The share of rows that satisfy a condition, in which the column of a call's target stands for the
# call at a position; None where that cannot be told.
Passing = Callable[[int, str], float | None]
FunctionKind = Literal["scalar", "aggregate", "volatile", "unknown"]

_NOT_FUNCTIONS = frozenset(
    "and or not in any all some exists between like ilike glob then when else case end as on is"
    " values select where from by distinct filter over using escape collate interval".split()
)
_BEFORE_OPERAND = frozenset(
    "and or not like ilike glob similar in is between when then else case as collate escape"
    " distinct from".split()
)
_OPERATORS = frozenset("+ - * / // % ^ = == != <> < > <= >= || ( ) ,".split())
_NOT_COLUMNS = frozenset(
    "and or not is in between like ilike glob similar to null true false case when then else end"
    " cast try_cast interval date time timestamp array row distinct exists any all some"
    " current_date current_time current_timestamp localtime localtimestamp escape collate isnull"
    " notnull at struct map lambda select from with unnest default".split()
)
# Aggregates that are grammar and not in the list of functions.
_AGGREGATES = frozenset(("grouping", "grouping_id"))


@dataclass(frozen=True)
class Facts:
    """What is known beside the query.

    `functions`: DuckDB's and the user's functions by lower-case name; one that is not there, or is
    'unknown' (a macro), may do anything. `costs`: per call, in its order, the expected seconds for
    an input. `may_stream`: the query may be run in two steps. `index_of` finds an index that
    answers similarity() to a column; `passing` tells which share of rows a condition lets pass.
    """

    functions: Mapping[str, FunctionKind]
    costs: tuple[float, ...]
    may_stream: bool = True
    passing: Passing = lambda position, condition: None
    index_of: IndexOf = lambda table, column, model, exact: None


@dataclass(frozen=True)
class Reading:
    """A bound query with its tokens and blocks, and the edits of the rules so far."""

    bound: BoundQuery
    facts: Facts
    edits: tuple[Edit, ...] = ()

    @cached_property
    def sentence(self) -> Sentence:
        return self.bound.query.sentence or sentence("", [])

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks(self.sentence)

    @cached_property
    def call_tokens(self) -> tuple[range, ...]:
        """The tokens of each call, in the order of the calls."""
        starts = {token.start: i for i, token in enumerate(self.sentence.tokens)}
        found = []
        for call in self.bound.calls:
            first = starts[call.call.span[0]]
            found.append(range(first, self.sentence.partner[first + 1] + 1))
        return tuple(found)

    @cached_property
    def clause_tokens(self) -> frozenset[int]:
        """The tokens of calls that are none of an input's: `OPTIONS (seed = 1)` is no function."""
        found = set[int]()
        for position, tokens in enumerate(self.call_tokens):
            call = self.call(position).call
            arguments = (*call.inputs, *([call.labels] if call.labels is not None else []))
            inside = {i for argument in arguments for i in self.tokens(argument.span)}
            found |= set(tokens[1:]) - inside
        return frozenset(found)

    def calls_in(self, tokens: range) -> list[int]:
        """Positions of the calls inside of a range of tokens."""
        return [
            position
            for position, call in enumerate(self.call_tokens)
            if tokens.start <= call.start and call.stop <= tokens.stop
        ]

    def calls_here(self, tokens: range) -> list[int]:
        """Those that are not inside of a query of their own within the range."""
        words, outside = self.sentence, self.sentence.parent[tokens.start] if tokens else -1
        found = []
        for position in self.calls_in(tokens):
            opening = words.parent[self.call_tokens[position].start]
            while opening != outside and not words.is_query(opening):
                opening = words.parent[opening]
            if opening == outside:
                found.append(position)
        return found

    def asks_a_query(self, tokens: range) -> bool:
        """Whether there is a query in an expression: DuckDB may join with it."""
        words = self.sentence
        return any(words.symbol(i) == "(" and words.is_query(i) for i in tokens)

    @cached_property
    def conditions(self) -> frozenset[range]:
        """The conditions of WHERE, HAVING and QUALIFY."""
        names = ("where", "having", "qualify")
        return frozenset(block.clause(name) for block in self.blocks for name in names)

    @cached_property
    def join_conditions(self) -> frozenset[range]:
        return frozenset(join.on for block in self.blocks for join in block.joins)

    @cached_property
    def aliases(self) -> frozenset[int]:
        """Tokens at the ends of select items that are names without AS."""
        items = [item for block in self.blocks for item in block.items if len(item) > 1]
        return frozenset(i.stop - 1 for i in items if self._ends_in_alias(i))

    def _ends_in_alias(self, item: range) -> bool:
        words, last = self.sentence, item.stop - 1
        if words.token(last).kind not in ("word", "name") or words.word(last) == "end":
            return False
        before = words.token(last - 1)
        if before.kind == "symbol":
            return before.text in (")", "]", "}")
        return before.kind != "word" or before.text.lower() not in _BEFORE_OPERAND

    def is_rewritten(self, tokens: range) -> bool:
        """Whether an earlier rule has put something else in the place of these tokens."""
        first, last = self.span(tokens)
        return any(edit.span[0] <= first and last <= edit.span[1] for edit in self.edits)

    @cached_property
    def names(self) -> Mapping[str, list[int]]:
        """The tokens of each name, in lower case, quoted or not."""
        found = dict[str, list[int]]()
        for i, token in enumerate(self.sentence.tokens):
            if token.kind in ("word", "name"):
                found.setdefault(token.value.lower(), []).append(i)
        return found

    def call(self, position: int) -> BoundCall:
        return self.bound.calls[position]

    def cost(self, tokens: range) -> float:
        """Expected seconds for a row of what stands there; calls of constants cost nothing."""
        calls = [position for position in self.calls_in(tokens) if not self.is_constant(position)]
        return sum(self.facts.costs[position] for position in calls)

    def ranked(self, conditions: list[range]) -> list[range]:
        """Conditions in the order in which to try them; equal ones stay in the user's order."""
        return sorted(conditions, key=self.rank) if len(conditions) > 1 else conditions

    def rank(self, condition: range) -> float:
        """What it costs to be rid of a row by this condition: the smallest is to be tried first."""
        calls, share = self.calls_in(condition), None
        if len(calls) == 1 and self.call(calls[0]).call.target is not None:
            call, (start, end) = self.call(calls[0]).call, self.span(condition)
            whole = self.sentence.whole
            target = quoted(str(call.target))
            text = whole[start : call.span[0]] + target + whole[call.span[1] : end]
            share = self.facts.passing(calls[0], text)
        return self.cost(condition) / (1.01 - (0.5 if share is None else share))

    def kinds_in(self, tokens: range) -> set[FunctionKind]:
        """The kinds of the functions that are called in a range of tokens, ours left out."""
        ours = {self.call_tokens[position].start for position in self.calls_in(tokens)}
        return {kind for i, kind in self._functions(tokens) if i not in ours}

    def outer_kinds(self, tokens: range) -> set[FunctionKind]:
        """The same without what stands inside of our calls."""
        inside = {i for position in self.calls_in(tokens) for i in self.call_tokens[position]}
        return {kind for i, kind in self._functions(tokens) if i not in inside}

    def columns(self, tokens: range) -> list[range] | None:
        """The column references in an expression, those inside of our calls left out.

        None where the expression is not understood.
        """
        plain = self._plain_columns(tokens)
        if plain is not None:
            return plain
        first, _ = self.span(tokens)
        text = self.text(tokens)
        for position in self.calls_here(tokens):
            start, end = self.call(position).call.span
            blank = "0".ljust(end - start)  # Another expression in its place, as long as it is.
            text = text[: start - first] + blank + text[end - first :]
        from augursql.planner.dialect import column_places

        places = column_places(text)
        if places is None:
            return None
        starts = {self.sentence.tokens[i].start: i for i in tokens}
        ends = {self.sentence.tokens[i].end: i for i in tokens}
        found = [(starts.get(a + first), ends.get(b + first)) for a, b in places]
        return [range(a, b + 1) for a, b in found if a is not None and b is not None]

    def _plain_columns(self, tokens: range) -> list[range] | None:
        """The same where it can be told at a glance: names, constants, calls of ours, operators.

        None where the expression has to be parsed.
        """
        words, found, i = self.sentence, list[range](), tokens.start
        calls = {self.call_tokens[p].start: self.call_tokens[p].stop for p in self.calls_in(tokens)}
        while i < tokens.stop:
            if i in calls:
                i = calls[i]
                while words.symbol(i) == "." and i + 1 < tokens.stop:
                    i += 2  # A field of the call's STRUCT.
                continue
            kind = words.tokens[i].kind
            if kind in ("word", "name"):
                last = i
                while words.symbol(last + 1) == "." and last + 2 < tokens.stop:
                    last += 2
                if words.lowered[i] in _NOT_COLUMNS:
                    return None
                after = words.token(last + 1)
                if last + 1 < tokens.stop and (after.kind != "symbol" or after.text in "(["):
                    return None
                found.append(range(i, last + 1))
                i = last + 1
            elif kind == "symbol" and words.symbols[i] not in _OPERATORS:
                return None
            else:
                i += 1
        return found

    def is_repeatable(self, tokens: range) -> bool:
        """Whether evaluating the text a second time gives the same and does nothing."""
        return not self.kinds_in(tokens) & {"volatile", "unknown"}

    def is_constant(self, position: int, given: bool = True) -> bool:
        """Whether a call's inputs are known before any row is read; `given`: so are parameters."""
        call = self.call(position).call
        arguments = (*call.inputs, *([call.labels] if call.labels is not None else []))
        places = [self.tokens(argument.span) for argument in arguments]
        return not any(
            self.columns(p) != [] or (self.has_parameters(p) and not given) for p in places
        )

    def has_parameters(self, tokens: range) -> bool:
        return any(self.sentence.tokens[i].kind == "parameter" for i in tokens)

    def span(self, tokens: range) -> Span:
        return self.sentence.span(tokens.start, tokens.stop - 1)

    def tokens(self, span: Span) -> range:
        """The tokens between two offsets at which tokens begin and end."""
        starts = [token.start for token in self.sentence.tokens]
        return range(bisect_left(starts, span[0]), bisect_left(starts, span[1]))

    def table_of(self, tokens: range) -> str:
        """The table that stands there, with or without an alias; '' for anything else."""
        words, last = self.sentence, tokens.start
        while words.symbol(last + 1) == "." and last + 2 < tokens.stop:
            last += 2
        rest = range(last + 1, tokens.stop)
        named = len(rest) == 0 or [words.word(i) for i in rest[:-1]] in ([], ["as"])
        kinds = {words.tokens[i].kind for i in (tokens.start, last, *rest) if i < tokens.stop}
        plain = bool(tokens) and named and kinds <= {"word", "name"}
        return self.text(range(tokens.start, last + 1)) if plain else ""

    def text(self, tokens: range) -> str:
        """The source of a range, as the user wrote it."""
        return self.sentence.text(tokens.start, tokens.stop - 1)

    def _functions(self, tokens: range) -> Iterator[tuple[int, FunctionKind]]:
        words = self.sentence
        for i in tokens:
            token = words.tokens[i]
            if i in self.clause_tokens:
                continue
            if words.symbol(i + 1) != "(" or token.kind not in ("word", "name"):
                if words.word(i) == "over":
                    yield i, "aggregate"
                continue
            name = token.value.lower()
            if token.kind == "word" and name in _NOT_FUNCTIONS:
                continue
            yield i, "aggregate" if name in _AGGREGATES else self._kind(i, name)

    def _kind(self, i: int, name: str) -> FunctionKind:
        if self.sentence.symbol(i - 1) == "::" or self.sentence.word(i - 1) == "as":
            return "scalar"  # A type: x::DECIMAL(8, 2), CAST(x AS VARCHAR(3)); or an alias.
        return self.facts.functions.get(name, "unknown")


def operands(words: Sentence, tokens: range, operator: str) -> tuple[range, ...]:
    """What AND (or OR) joins in an expression, outside of brackets and CASE.

    One operand, the expression itself, where the operator is not the one that binds it together.
    """
    places, between, cases = list[int](), 0, 0
    for i in level(words, tokens):
        word = words.word(i)
        if words.symbol(i) in ("->", ":=", "=>"):
            return (tokens,)  # A lambda's arrow binds in ways of its own.
        if word == "case":
            cases += 1
        elif word == "end" and cases:
            cases -= 1
        elif cases:
            continue
        elif word == "between":
            between += 1
        elif word == "and" and between:
            between -= 1
        elif word == "or" and operator == "and":
            return (tokens,)
        elif word == operator:
            places.append(i)
    edges = [tokens.start - 1, *places, tokens.stop]
    pieces = tuple(range(a + 1, b) for a, b in zip(edges, edges[1:], strict=False))
    return pieces if all(pieces) else (tokens,)


def conjuncts(words: Sentence, tokens: range) -> tuple[range, ...]:
    """What AND joins in a condition, also inside of brackets that hold nothing but such a part."""
    found = list[range]()
    for part in operands(words, tokens, "and"):
        whole = len(part) > 2 and words.partner[part.start] == part.stop - 1
        inner = range(part.start + 1, part.stop - 1)
        bracketed = whole and words.symbol(part.start) == "(" and not words.is_query(part.start)
        pieces = conjuncts(words, inner) if bracketed else ()
        found += pieces if len(pieces) > 1 else (part,)
    return tuple(found)
