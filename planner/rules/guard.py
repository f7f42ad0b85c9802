"""guard: a condition with a call waits for the conditions without one, and for the joins.

    WHERE stars > 3 AND predict(...) = 5
    WHERE stars > 3 AND CASE WHEN stars > 3 THEN predict(...) = 5 END

DuckDB pushes each condition to its table, below the joins, and tries conditions in an order of its
own. CASE evaluates its branch on the rows that passed, and one that reads columns of both sides of
a join stays above it. Among calls the cheaper ones come first. The plain conditions stay where they
are, too, so DuckDB still uses them to read less.
"""

from augursql.planner.blocks import Block, Join, level
from augursql.planner.lexer import quoted
from augursql.planner.reading import Reading, operands
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change


def guard(reading: Reading) -> list[Change]:
    """An edit for each WHERE, HAVING, QUALIFY and inner ON that has both kinds of conditions."""
    found = list[Change | None]()
    for block in reading.blocks:
        found.append(_guarded(reading, block.clause("where"), _joined(reading, block)))
        found += [_guarded(reading, block.clause(name), []) for name in ("having", "qualify")]
        found += [_guarded(reading, join.on, []) for join in block.joins if join.kind == "inner"]
    return [change for change in found if change is not None]


def _guarded(reading: Reading, tokens: range, joined: list[tuple[Part, ...]]) -> Change | None:
    if not tokens or not reading.calls_here(tokens) or reading.is_rewritten(tokens):
        return None
    conditions = operands(reading.sentence, tokens, "and")
    dear = [c for c in conditions if reading.calls_here(c) and not _is_key(reading, c)]
    dear = reading.ranked(dear)
    others = [c for c in conditions if c not in dear]
    cheap = [c for c in others if not reading.calls_in(c)]
    guards = [*joined, *((reading.span(c),) for c in (*cheap, *dear[:-1]))]
    if not dear or not guards or not all(reading.is_repeatable(c) for c in (*cheap, *dear)):
        return None
    parts = list[Part]()
    for condition in others:
        parts += [reading.span(condition), " AND "]
    for guarding in guards:
        parts += ["CASE WHEN ", *guarding, " THEN "]
    parts += [reading.span(dear[-1]), " END" * len(guards)]
    waits = [("conditions without calls", cheap), ("joins", joined), ("cheaper calls", dear[1:])]
    reason = f"calls wait for {' and '.join(what for what, there in waits if there)}"
    return Change(Edit(reading.span(tokens), tuple(parts)), reason)


def _is_key(reading: Reading, condition: range) -> bool:
    """Whether a call equals something else of the rows: DuckDB joins by it, once for each row."""
    words = reading.sentence
    equal = [i for i in level(words, condition) if words.symbol(i) in ("=", "==")]
    if len(equal) != 1:
        return False
    sides = [range(condition.start, equal[0]), range(equal[0] + 1, condition.stop)]
    return all(reading.calls_here(side) or reading.columns(side) != [] for side in sides)


def _joined(reading: Reading, block: Block) -> list[tuple[Part, ...]]:
    """Conditions of inner joins: true for every row behind them, and of columns of both sides.

    None where there are outer joins: out of them come rows of one side alone.
    """
    if any(join.kind not in ("inner", "cross", "semi", "anti") for join in block.joins):
        return []
    return [found for join in block.joins if (found := _true_behind(reading, join))]


def _true_behind(reading: Reading, join: Join) -> tuple[Part, ...]:
    if join.kind != "inner":
        return ()
    if join.using and join.table:
        table = quoted(join.table)
        return (" AND ".join(f"{c} = {table}.{c}" for c in map(quoted, join.using)),)
    conditions = operands(reading.sentence, join.on, "and") if join.on else ()
    cheap = [c for c in conditions if not reading.calls_in(c)]
    if not cheap or not all(reading.is_repeatable(c) for c in cheap):
        return ()
    first, *more = (reading.span(c) for c in cheap)
    parts: list[Part] = [first]
    for place in more:
        parts += [" AND ", place]
    return tuple(parts)
