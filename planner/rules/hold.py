"""hold: a condition with a call waits behind SEMI and ANTI joins, in QUALIFY.

    FROM reviews SEMI JOIN guests USING (id) WHERE stars > 3 AND predict(...) = 5
    FROM reviews SEMI JOIN guests USING (id) WHERE stars > 3
    QUALIFY row_number() OVER () > 0 AND predict(...) = 5

No column of the right side is left behind such a join, so no condition can be tied to it as `guard`
does. What stands in QUALIFY is evaluated after everything that chooses rows; the window function,
which streams, is what makes QUALIFY one.
"""

from augursql.planner.blocks import Block
from augursql.planner.reading import Reading, conjuncts
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change

_NOT_HERE = ("group by", "having", "window", "qualify")


def hold(reading: Reading) -> list[Change]:
    """An edit for each WHERE with calls behind a SEMI or ANTI join."""
    changes = [_held(reading, block) for block in reading.blocks if _fits(reading, block)]
    return [change for change in changes if change is not None]


def _fits(reading: Reading, block: Block) -> bool:
    kinds = {join.kind for join in block.joins}
    if not block.plain or not kinds & {"semi", "anti"} or any(map(block.clause, _NOT_HERE)):
        return False
    read = [*block.items, block.clause("order by")]
    counts = any(reading.outer_kinds(tokens) & {"aggregate", "unknown"} for tokens in read)
    counts = counts or any("aggregate" in reading.kinds_in(tokens) for tokens in read)
    return not counts and not reading.is_rewritten(block.tokens)


def _held(reading: Reading, block: Block) -> Change | None:
    where = block.clause("where")
    conditions = conjuncts(reading.sentence, where)
    dear = reading.ranked([c for c in conditions if reading.calls_here(c)])
    cheap = [c for c in conditions if c not in dear]
    if not dear or not all(reading.is_repeatable(c) for c in dear):
        return None
    parts = list[Part]()
    for number, condition in enumerate(cheap):
        parts += [" AND " if number else "WHERE ", reading.span(condition)]
    parts.append(f"{' ' if cheap else ''}QUALIFY row_number() OVER () > 0 AND ")
    for condition in dear[:-1]:
        parts += ["CASE WHEN ", reading.span(condition), " THEN "]
    parts += [reading.span(dear[-1]), " END" * (len(dear) - 1)]
    place = reading.span(range(where.start - 1, where.stop))
    return Change(Edit(place, tuple(parts)), "calls wait for SEMI and ANTI joins")
