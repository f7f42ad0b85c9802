"""match: a join by similarity() asks the index of the joined table, once for each row.

    FROM wishes w JOIN reviews r ON similarity(w.text, r.review) > 0.8
    FROM wishes w JOIN LATERAL (SELECT * EXCLUDE (similarity, rank)
        FROM search('hotels', w.text, threshold := 0.8)) AS r ON similarity(w.text, r.review) > 0.8

    FROM wishes w JOIN reviews r NEAREST 3 BY SIMILARITY similarity(w.text, r.review)
    FROM wishes w JOIN LATERAL (SELECT * EXCLUDE (similarity, rank)
        FROM search('hotels', w.text, k := 3)) AS r ON true

The condition stays, so it decides as before; it is only asked about fewer pairs. The index must
hold the rows of the table, no less and no more.
"""

from augursql.planner.blocks import Block, Join, level
from augursql.planner.lexer import literal, quoted
from augursql.planner.reading import Reading, operands
from augursql.planner.render import Edit
from augursql.planner.rules.change import Change

_REASON = "the index {} finds the rows to join"


def match(reading: Reading) -> list[Change]:
    """An edit for each inner join by similarity(). What it writes holds a new call, to be parsed
    again."""
    found = list[Change | None]()
    for block in reading.blocks:
        for join in block.joins:
            if join.kind == "inner" and block.plain:
                near = _nearest(reading, block, join)
                found.append(near if near is not None else _by_threshold(reading, block, join))
    return [change for change in found if change is not None]


def _by_threshold(reading: Reading, block: Block, join: Join) -> Change | None:
    words = reading.sentence
    for condition in operands(words, join.on, "and") if join.on else ():
        for position in reading.calls_here(condition):
            call = reading.call_tokens[position]
            rest = range(call.stop, condition.stop)
            compared = call.start == condition.start and len(rest) == 2
            if compared and words.symbol(rest.start) in (">", ">="):
                number = words.token(rest.start + 1)
                if number.kind == "number" and not _is_chosen(reading, block, join, condition):
                    how = f"threshold := {number.text}"
                    return _matched(reading, join, position, how, exact=False)
    return None


def _is_chosen(reading: Reading, block: Block, join: Join, condition: range) -> bool:
    """Whether another condition may read the joined table, too: by it DuckDB may find that fewer
    rows of the other tables are to be compared, while a search is made for each of them."""
    words, tables = reading.sentence, [block.clause("where"), *(other.on for other in block.joins)]
    others = [c for on in tables if on for c in operands(words, on, "and") if c != condition]
    columns = [reading.columns(other) for other in others]
    return any(other.using for other in block.joins) or any(
        found is None
        or any(
            words.symbol(c.start + 1) != "."
            or words.token(c.start).value.lower() == join.table.lower()
            for c in found
        )
        for found in columns
    )


def _nearest(reading: Reading, block: Block, join: Join) -> Change | None:
    """JOIN table NEAREST k BY SIMILARITY similarity(a, b), of DuckDB 2.0."""
    words, tables = reading.sentence, block.clause("from")
    inside = [i for i in level(words, range(join.tokens.start, tables.stop))]
    start = next((i for i in inside if words.word(i) == "nearest"), None)
    if start is None:
        return None
    exact = words.word(start - 1) != "approx"  # DuckDB's default, which a graph does not keep.
    k = words.token(start + 1).text if words.token(start + 1).kind == "number" else "1"
    measure = next((i for i in inside if i > start and words.word(i) == "similarity"), -1)
    if words.word(measure - 1) != "by":
        return None
    calls = [p for p in reading.calls_in(tables) if reading.call_tokens[p].start == measure + 1]
    if not calls or not k.isdecimal():
        return None
    kind = words.word(start - 1) in ("approx", "exact")
    table = range(join.tokens.start, start - kind)
    whole = range(join.tokens.start, reading.call_tokens[calls[0]].stop)
    named = Join("inner", range(0), (), _alias(reading, table), table)
    change = _matched(reading, named, calls[0], f"k := {k}", exact)
    if change is None:
        return None
    return Change(Edit(reading.span(whole), (*change.edit.parts, " ON true")), change.reason)


def _alias(reading: Reading, table: range) -> str:
    last = reading.sentence.token(table.stop - 1)
    plain = all(reading.sentence.symbol(i) in ("", ".") for i in table)
    return last.value if plain and last.kind in ("word", "name") else ""


def _matched(reading: Reading, join: Join, position: int, how: str, exact: bool) -> Change | None:
    """The joined table as a search for the call's other input."""
    call, model = reading.call(position).call, reading.call(position).model
    table = reading.table_of(join.tokens)
    if call.kind != "similarity" or model is None or not join.table or not table:
        return None
    for own, other in ((1, 0), (0, 1)):
        column, query = call.inputs[own], call.inputs[other]
        qualifier = column.sql.rpartition(".")[0].strip('"').lower()
        elsewhere = join.table.lower() not in query.sql.lower() and query.name is not None
        if column.name is None or qualifier != join.table.lower() or not elsewhere:
            continue
        index = reading.facts.index_of(table, column.name, model.name, exact)
        if index is not None:
            search = f"search({literal(index)}, ", query.span, f", {how})"
            parts = ("LATERAL (SELECT * EXCLUDE (similarity, rank) FROM ", *search)
            edit = Edit(reading.span(join.tokens), (*parts, f") AS {quoted(join.table)}"))
            return Change(edit, _REASON.format(index))
    return None
