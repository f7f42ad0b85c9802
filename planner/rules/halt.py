"""halt: `WHERE call ... LIMIT n` stops soon after the n-th row is found.

    SELECT id FROM reviews WHERE stars > 3 AND predict('rating', review ...) = 5 LIMIT 5
    SELECT #1 FROM (SELECT id, review AS __augur_1 FROM reviews WHERE stars > 3)
    WHERE predict('rating', __augur_1 ...) = 5 LIMIT 5

The lower query is read in small batches that grow, so that a model sees a few rows and not a chunk
of 2,048. It may have an order, which the LIMIT keeps.
"""

from augursql.planner.blocks import Block
from augursql.planner.parting import Pieces, part
from augursql.planner.reading import Reading, conjuncts
from augursql.planner.render import Edit, Part, Stream
from augursql.planner.rules.change import Change
from augursql.planner.rules.layers import layers

MOST_ROWS = 10_000
_NOT_HERE = ("group by", "having", "window", "qualify")


def halt(reading: Reading) -> list[Change]:
    """An edit for the statement's own block, if it is of this kind."""
    if not reading.facts.may_stream:
        return []
    changes = [_halted(reading, block) for block in reading.blocks if _fits(reading, block)]
    return [change for change in changes if change is not None]


def _fits(reading: Reading, block: Block) -> bool:
    words, limit = reading.sentence, block.clause("limit")
    whole = block.opening < 0 and block.plain and block.alone
    if not whole or block.distinct or block.distinct_on or any(map(block.clause, _NOT_HERE)):
        return False
    number = words.token(limit.start).text.replace("_", "") if len(limit) == 1 else ""
    few = number.isdecimal() and 0 < int(number) <= MOST_ROWS
    before = range(block.tokens.start)
    unsafe = {"aggregate", "volatile", "unknown"}
    return (
        few
        and bool(reading.calls_here(block.clause("where")))
        and not reading.calls_in(before)
        and not reading.calls_here(block.clause("from"))
        and not reading.calls_in(block.clause("order by"))
        and not any(reading.outer_kinds(item) & unsafe for item in block.items)
        and not any("aggregate" in reading.kinds_in(item) for item in block.items)
        and reading.is_repeatable(block.clause("where"))
    )


def _halted(reading: Reading, block: Block) -> Change | None:
    where = block.clause("where")
    conditions = conjuncts(reading.sentence, where)
    dear = reading.ranked([c for c in conditions if reading.calls_in(c)])
    cheap = [c for c in conditions if not reading.calls_in(c)]
    pieces = Pieces(reading)
    parted = [part(reading, condition, pieces) or [] for condition in dear]
    split = layers(reading, block, pieces)
    if split is None or not split.complete or not all(parted):
        return None
    below: list[Part] = ["SELECT ", *split.lower, " FROM ", reading.span(block.clause("from"))]
    for number, condition in enumerate(cheap):
        below += [" AND " if number else " WHERE ", reading.span(condition)]
    if block.clause("order by"):
        below += [" ORDER BY ", reading.span(block.clause("order by"))]
    above: list[Part] = ["SELECT ", *split.upper, " FROM ", Stream(tuple(below)), " WHERE "]
    for written in parted[:-1]:
        above += ["CASE WHEN ", *written, " THEN "]
    above += [*parted[-1], " END" * (len(parted) - 1), " LIMIT "]
    above.append(reading.span(block.clause("limit")))
    if block.clause("offset"):
        above += [" OFFSET ", reading.span(block.clause("offset"))]
    edit = Edit(reading.span(block.tokens), tuple(above))
    return Change(edit, "calls stop when LIMIT is reached")
