"""A select list in two: below, what chooses the rows needs; above, the calls on what was chosen."""

from dataclasses import dataclass

from augursql.planner.blocks import Block, level
from augursql.planner.items import Item, item_of, output_name
from augursql.planner.parting import Pieces, part
from augursql.planner.reading import Reading
from augursql.planner.render import Part

_CHOOSING = ("where", "group by", "having", "window", "qualify", "order by")


@dataclass(frozen=True, slots=True)
class Layers:
    """The two lists, without SELECT. `pieces` are the columns that only the upper list reads;
    `complete`: no call is left in the lower one.
    """

    upper: tuple[Part, ...]
    lower: tuple[Part, ...]
    pieces: Pieces
    complete: bool


def layers(reading: Reading, block: Block, pieces: Pieces) -> Layers | None:
    """The block's list in two, with every call above that nothing below needs.

    `pieces` may hold columns already that the upper query reads elsewhere. None where no call can
    be lifted or a column would come out with another name.
    """
    items = [item_of(reading, tokens) for tokens in block.items]
    lifted: dict[int, list[Part]] = {}
    for number, item in enumerate(items):
        if reading.calls_here(item.tokens) and not _is_needed_below(reading, block, item):
            expression = None if item.many else part(reading, item.expression, pieces)
            if expression is not None:
                lifted[number] = [*expression, f" AS {item.name}"]
    if _unclear(reading, block, items, lifted):
        return None
    starred = any(item.many for item in items)
    upper = _upper_of_star(items, lifted, pieces) if starred else _upper(items, lifted)
    if upper is None:
        return None
    lower: list[list[Part]] = [
        [reading.span(item.tokens)] for n, item in enumerate(items) if n not in lifted
    ]
    lower += [[place, f" AS {name}"] for place, name in pieces.columns()]
    called = {n for n, item in enumerate(items) if reading.calls_in(item.tokens)}
    return Layers(
        tuple(upper), tuple(_listed(lower or [["NULL"]])), pieces, called <= lifted.keys()
    )


def _is_needed_below(reading: Reading, block: Block, item: Item) -> bool:
    """Whether the rows are ordered by the item, or another part of the block names its alias."""
    order = block.clause("order by")
    if order and reading.text(item.expression) in reading.text(order):
        return True
    others = [tokens for tokens in block.items if tokens != item.tokens]
    others += [block.clause(name) for name in _CHOOSING] + [block.distinct_on]
    named = reading.names.get(item.alias, []) if item.alias else []
    named = [i for i in named if reading.sentence.symbol(i + 1) != "("]  # Functions, not columns.
    return any(i in tokens for i in named for tokens in others)


def _unclear(
    reading: Reading, block: Block, items: list[Item], lifted: dict[int, list[Part]]
) -> bool:
    """Whether the choice of rows may depend on a lifted item, or names would come out others."""
    words = reading.sentence
    for name in ("order by", "group by"):
        tokens = block.clause(name)
        if tokens and words.word(tokens.start) == "all":
            return True
        if any(words.tokens[i].kind == "number" for i in level(words, tokens)):
            return True
    kept = [item for n, item in enumerate(items) if n not in lifted]
    names = [output_name(reading, item) for item in kept]
    if len(set(names)) < len(names):
        return True
    if any(reading.calls_in(item.tokens) and not item.alias for item in kept):
        return True
    tables = block.clause("from")
    several = bool(block.joins) or any(words.symbol(i) == "," for i in level(words, tables))
    return several and any(item.many for item in items)


def _upper(items: list[Item], lifted: dict[int, list[Part]]) -> list[Part]:
    """What was not lifted is handed up by its number in the lower list."""
    parts, number = list[list[Part]](), 0
    for n in range(len(items)):
        number += n not in lifted
        parts.append(lifted.get(n, [f"#{number}"]))
    return _listed(parts)


def _upper_of_star(
    items: list[Item], lifted: dict[int, list[Part]], pieces: Pieces
) -> list[Part] | None:
    """The same with `*`, whose columns are not known: possible with the calls at the end."""
    first = min(lifted, default=len(items))
    if any(n not in lifted for n in range(first, len(items))):
        return None
    hidden = ", ".join(name for _, name in pieces.columns())
    everything: list[Part] = [f"* EXCLUDE ({hidden})" if hidden else "*"]
    return _listed([everything, *(lifted[n] for n in range(first, len(items)))])


def _listed(parts: list[list[Part]]) -> list[Part]:
    """With commas between them."""
    found = list[Part]()
    for written in parts:
        found += [", ", *written] if found else written
    return found
