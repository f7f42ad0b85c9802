"""retrieve: `ORDER BY similarity(column, 'text') DESC LIMIT k` asks the index of the column.

    SELECT hotel FROM reviews ORDER BY similarity(review, 'great view') DESC LIMIT 5
    SELECT hotel FROM reviews
    WHERE (review IN (SELECT review FROM search('hotels', 'great view', k := 5)) OR review IS NULL)
    ORDER BY similarity(review, 'great view') DESC LIMIT 5

The order and the LIMIT stay, so what comes out is in the same order as before; only the rows that
can be among them are compared. A condition of the query becomes the filter of the search. The index
must hold the rows of the table, no less and no more.
"""

from augursql.planner.blocks import Block, level, split
from augursql.planner.items import item_of
from augursql.planner.lexer import literal
from augursql.planner.reading import Reading
from augursql.planner.render import Edit, Part
from augursql.planner.rules.change import Change

MOST_ROWS = 1_000
_NOT_HERE = ("group by", "having", "window", "qualify")


def retrieve(reading: Reading) -> list[Change]:
    """An edit for each block of this kind. What it writes holds a new call, to be parsed again."""
    changes = [_retrieved(reading, block) for block in reading.blocks]
    return [change for change in changes if change is not None]


def _retrieved(reading: Reading, block: Block) -> Change | None:
    plain = block.plain and block.alone and not block.distinct and not block.distinct_on
    if not plain or block.joins or any(map(block.clause, _NOT_HERE)):
        return None
    position, rows = _ordering(reading, block), _rows(reading, block)
    filtered = _filter(reading, block)
    if position is None or not rows or filtered is None:
        return None
    call = reading.call(position).call
    column, query = (argument.span for argument in call.inputs)
    name = call.inputs[0].name
    constant = reading.columns(reading.tokens(query)) == [] and reading.is_repeatable(
        reading.tokens(query)
    )
    table = reading.table_of(block.clause("from"))
    model = reading.call(position).model
    if name is None or model is None or not constant or not table:
        return None
    index = reading.facts.index_of(table, name, model.name, False)
    if index is None:
        return None
    found: list[Part] = [
        "(", column, " IN (SELECT ", column, f" FROM search({literal(index)}, ", query,
        f", k := {rows}{filtered})) OR ", column, " IS NULL)",
    ]  # fmt: skip
    where = block.clause("where")
    if where:
        span = reading.span(where)
        edit = Edit(span, (span, " AND ", *found))
    else:
        span = reading.span(block.clause("from"))
        edit = Edit(span, (span, " WHERE ", *found))
    return Change(edit, f"the index {index} finds the rows that can be among the first {rows:,}")


def _ordering(reading: Reading, block: Block) -> int | None:
    """The call of similarity() that the rows are ordered by, downwards; None for others.

    A second key decides among rows that are equally near, of which the search returns any.
    """
    order = block.clause("order by")
    keys = split(reading.sentence, order, ",") if order else []
    if len(keys) != 1:
        return None
    key, words = keys[0], reading.sentence
    ends = [i for i in level(words, key) if words.word(i) in ("desc", "nulls")]
    if not ends or words.word(ends[0]) != "desc" or len(ends) > 1:
        return None
    expression = range(key.start, ends[0])
    if len(expression) == 1:
        items = [item_of(reading, tokens) for tokens in block.items]
        alias = words.tokens[key.start].value.lower()
        named = [item.expression for item in items if item.alias == alias]
        expression = named[0] if len(named) == 1 else expression
    calls = [p for p in reading.calls_here(expression) if reading.call_tokens[p] == expression]
    ours = bool(calls) and reading.call(calls[0]).call.kind == "similarity"
    return calls[0] if ours else None


def _rows(reading: Reading, block: Block) -> int:
    """LIMIT plus OFFSET, 0 where they are not numbers, or large ones."""
    rows = 0
    for name in ("limit", "offset"):
        tokens = block.clause(name)
        number = reading.sentence.token(tokens.start).text if len(tokens) == 1 else ""
        if tokens and not number.isdecimal():
            return 0
        rows += int(number or 0)
    return rows if block.clause("limit") and rows <= MOST_ROWS else 0


def _filter(reading: Reading, block: Block) -> str | None:
    """The block's condition as an argument of search(); None where it cannot be one."""
    where, words = block.clause("where"), reading.sentence
    if not where:
        return ""
    alone = reading.columns(where) is not None and not reading.calls_in(where)
    aliases = {item_of(reading, tokens).alias for tokens in block.items}
    qualified = any(words.symbol(i) == "." for i in where)
    named = any(words.tokens[i].value.lower() in aliases for i in where)
    if (
        not alone
        or qualified
        or named
        or reading.has_parameters(where)
        or not reading.is_repeatable(where)
    ):
        return None
    return f", filter := {literal(reading.text(where))}"
