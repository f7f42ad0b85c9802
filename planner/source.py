"""The query in a statement that can be run by itself, to see what its calls will be asked."""

from augursql.planner.blocks import level
from augursql.planner.reading import Reading
from augursql.planner.sentence import Sentence

_READS = ("select", "from", "with", "values", "table")
_CHANGES = ("insert", "update", "delete", "merge", "copy", "create", "call", "execute")
# Outside of brackets: what WITH stands before, or what INSERT ... SELECT ends with. A column of
# such a name costs foresight, and nothing else.
_WRITES = {"insert", "update", "delete", "merge", "returning", "conflict"}


def readable(reading: Reading) -> range | None:
    """The tokens of SELECT, or of the query inside of CREATE TABLE AS, INSERT and COPY (...) TO.

    None where there is none, or where running it twice would do something twice.
    """
    words, count = reading.sentence, len(reading.sentence.tokens)
    found = _query(words, range(count))
    if found is None or not reading.is_repeatable(found):
        return None
    changes = any(
        words.word(i) in _CHANGES and words.symbol(i - 1) == "(" for i in found
    )  # A CTE may change data.
    outside = {words.word(i) for i in level(words, found)}
    return None if changes or outside & _WRITES else found


def _query(words: Sentence, tokens: range) -> range | None:
    first = words.word(tokens.start)
    if first in _READS or words.symbol(tokens.start) == "(":
        return tokens
    if first == "copy" and words.symbol(tokens.start + 1) == "(":
        return range(tokens.start + 2, words.partner[tokens.start + 1])
    top = list(level(words, tokens))
    if first == "create":
        starts = [i + 1 for i in top if words.word(i) == "as"]
    elif first == "insert":
        starts = [i for i in top if words.word(i) in ("select", "from", "with")]
    else:
        starts = []
    kept = [i for i in starts if words.word(i) in _READS or words.symbol(i) == "("]
    return range(kept[0], tokens.stop) if kept else None


def stageable(reading: Reading) -> bool:
    """Whether a run with NULL for every answer asks each call exactly what it will be asked.

    So it is where no answer decides what another call is asked, or when to stop: with one call in
    all, or calls that are whole select items; and without a LIMIT on rows that a call chose.
    """
    if readable(reading) is None:
        return False
    for block in reading.blocks:
        if block.clause("limit") and reading.calls_here(block.clause("where")):
            return False
    if len({call.call.key for call in reading.bound.calls}) == 1:
        return True
    whole = {(item.start, item.stop) for block in reading.blocks for item in block.items}
    named = {(start, stop - 2) for start, stop in whole}
    places = {(call.start, call.stop) for call in reading.call_tokens}
    return places <= whole | named
