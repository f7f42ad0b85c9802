"""defer: calls in a select list wait until ORDER BY ... LIMIT or DISTINCT ON has chosen the rows.

    SELECT hotel, predict('rating', review ...) AS p FROM reviews ORDER BY written DESC LIMIT 10
    SELECT #1, predict('rating', __augur_1 ...) AS p
    FROM (SELECT hotel, review AS __augur_1 FROM reviews ORDER BY written DESC LIMIT 10)

DuckDB computes the select list first, and sorts with it. An item that the choice of rows depends
on stays below.
"""

from augursql.planner.blocks import Block, level
from augursql.planner.items import Item, item_of, output_name
from augursql.planner.parting import Pieces, part
from augursql.planner.reading import Reading
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change

_CHOOSING = ("where", "group by", "having", "window", "qualify", "order by")


def defer(reading: Reading) -> list[Change]:
    """An edit for each block that orders and cuts, or keeps one row of each kind."""
    changes = [_deferred(reading, block) for block in reading.blocks if _cuts(reading, block)]
    return [change for change in changes if change is not None]


def _cuts(reading: Reading, block: Block) -> bool:
    limited = bool(block.clause("order by")) and bool(block.clause("limit"))
    chosen = limited or bool(block.distinct_on)
    called = any(reading.calls_here(item) for item in block.items)
    return block.plain and block.alone and not block.distinct and chosen and called


def _deferred(reading: Reading, block: Block) -> Change | None:
    items = [item_of(reading, tokens) for tokens in block.items]
    pieces = Pieces(reading)
    upper: dict[int, list[Part]] = {}
    lower: dict[int, list[Part]] = {}
    for number, item in enumerate(items):
        if not reading.calls_here(item.tokens) or _is_needed_below(reading, block, item):
            continue
        known = len(pieces.names)
        expression = None if item.many else part(reading, item.expression, pieces)
        if expression is not None:
            upper[number] = [*expression, f" AS {item.name}"]
            lower[number] = pieces.items(known)
    if not upper or _unclear(reading, block, items, set(upper)):
        return None
    starred = any(item.many for item in items)
    above = _above(items, upper, pieces) if starred else _above_numbered(items, upper)
    if above is None:
        return None
    below = _below(reading, block, items, lower)
    edit = Edit(reading.span(block.tokens), (*above, " FROM (", *below, ")"))
    return Change(edit, f"calls wait for {'DISTINCT ON' if block.distinct_on else 'LIMIT'}")


def _is_needed_below(reading: Reading, block: Block, item: Item) -> bool:
    """Whether another part of the block refers to the item by its alias."""
    words = reading.sentence
    others = [tokens for tokens in block.items if tokens != item.tokens]
    others += [block.clause(name) for name in _CHOOSING] + [block.distinct_on]
    return bool(item.alias) and any(
        words.tokens[i].kind in ("word", "name") and words.tokens[i].value.lower() == item.alias
        for tokens in others
        for i in tokens
    )


def _unclear(reading: Reading, block: Block, items: list[Item], deferred: set[int]) -> bool:
    """Whether the choice of rows may depend on a deferred item, or names would come out others."""
    words = reading.sentence
    for name in ("order by", "group by"):
        tokens = block.clause(name)
        if tokens and words.word(tokens.start) == "all":
            return True
        if any(words.tokens[i].kind == "number" for i in level(words, tokens)):
            return True
    kept = [output_name(reading, item) for n, item in enumerate(items) if n not in deferred]
    nameless = any(
        reading.calls_here(item.tokens) and not item.alias
        for n, item in enumerate(items)
        if n not in deferred
    )
    tables = block.clause("from")
    several = bool(block.joins) or any(words.symbol(i) == "," for i in level(words, tables))
    return nameless or len(set(kept)) < len(kept) or (several and any(i.many for i in items))


def _above_numbered(items: list[Item], upper: dict[int, list[Part]]) -> list[Part]:
    """The upper select list; what was not deferred is handed up by its number in the lower one."""
    parts, number = list[Part](["SELECT "]), 0
    for n in range(len(items)):
        parts += [", "] if n else []
        if n in upper:
            parts += upper[n]
        else:
            number += 1
            parts.append(f"#{number}")
    return parts


def _above(items: list[Item], upper: dict[int, list[Part]], pieces: Pieces) -> list[Part] | None:
    """The same with `*`, whose columns are not known: possible with the calls at the end."""
    first = min(upper)
    if any(n not in upper for n in range(first, len(items))):
        return None
    hidden = ", ".join(pieces.names.values())
    parts: list[Part] = [f"SELECT * EXCLUDE ({hidden})"] if hidden else ["SELECT *"]
    for n in range(first, len(items)):
        parts += [", ", *upper[n]]
    return parts


def _below(
    reading: Reading, block: Block, items: list[Item], lower: dict[int, list[Part]]
) -> list[Part]:
    """The block with pieces, at the end of its select list, in the place of the deferred items."""
    start, end = reading.span(block.tokens)
    first = reading.span(items[0].tokens)[0]
    last = reading.span(items[-1].tokens)[1]
    kept: list[list[Part]] = [
        [reading.span(item.tokens)] for n, item in enumerate(items) if n not in lower
    ]
    kept += [parts for parts in lower.values() if parts]
    kept = kept or [["NULL"]]
    parts: list[Part] = [(start, first)]
    for number, written in enumerate(kept):
        parts += [", "] if number else []
        parts += written
    return [*parts, (last, end)] if end > last else parts
