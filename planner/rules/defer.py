"""defer: calls in a select list wait until ORDER BY ... LIMIT or DISTINCT ON has chosen the rows.

    SELECT hotel, predict('rating', review ...) AS p FROM reviews ORDER BY written DESC LIMIT 10
    SELECT #1, predict('rating', __augur_1 ...) AS p
    FROM (SELECT hotel, review AS __augur_1 FROM reviews ORDER BY written DESC LIMIT 10)

DuckDB computes the select list first, and sorts with it. An item that the choice of rows depends
on stays below.
"""

from augursql.planner.blocks import Block
from augursql.planner.parting import Pieces
from augursql.planner.reading import Reading
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change
from augursql.planner.rules.layers import layers


def defer(reading: Reading) -> list[Change]:
    """An edit for each block that orders and cuts, or keeps one row of each kind."""
    changes = [_deferred(reading, block) for block in reading.blocks if _cuts(reading, block)]
    return [change for change in changes if change is not None]


def _cuts(reading: Reading, block: Block) -> bool:
    limited = bool(block.clause("order by")) and bool(block.clause("limit"))
    chosen = limited or bool(block.distinct_on)
    called = any(reading.calls_here(item) for item in block.items)
    whole = block.plain and block.alone and not block.distinct
    return whole and chosen and called and not reading.is_rewritten(block.tokens)


def _deferred(reading: Reading, block: Block) -> Change | None:
    split = layers(reading, block, Pieces(reading))
    if split is None or not split.pieces.columns():
        return None
    start, end = reading.span(block.tokens)
    first = reading.span(block.items[0])[0]
    last = reading.span(block.items[-1])[1]
    below: list[Part] = [(start, first), *split.lower]
    below += [(last, end)] if end > last else []
    edit = Edit((start, end), ("SELECT ", *split.upper, " FROM (", *below, ")"))
    return Change(edit, f"calls wait for {'DISTINCT ON' if block.distinct_on else 'LIMIT'}")
