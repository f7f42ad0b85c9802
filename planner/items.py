"""Select items: the expression and the name of the column that it becomes."""

from dataclasses import dataclass

from augursql.planner.headings import is_many
from augursql.planner.lexer import quoted
from augursql.planner.reading import Reading


@dataclass(frozen=True, slots=True)
class Item:
    """`expression` and its output `name`, as SQL; `alias`, lower case, where the user gave one.

    `many`: it may stand for several columns, as `*` does.
    """

    tokens: range
    expression: range
    name: str
    alias: str
    many: bool


def item_of(reading: Reading, tokens: range) -> Item:
    """The item at these tokens."""
    words, last = reading.sentence, tokens.stop - 1
    many = is_many(words, tokens.start, last)
    if words.symbol(tokens.start + 1) == ":":  # name: expression
        alias, expression = tokens.start, range(tokens.start + 2, tokens.stop)
    elif len(tokens) > 2 and words.word(last - 1) == "as":
        alias, expression = last, range(tokens.start, last - 1)
    elif last in reading.aliases:
        alias, expression = last, range(tokens.start, last)
    else:
        name = quoted(words.collapsed(tokens.start, last))
        return Item(tokens, tokens, name, "", many)
    token = words.tokens[alias]
    return Item(tokens, expression, token.text, token.value.lower(), many)


def output_name(reading: Reading, item: Item) -> str:
    """The name that the item's column will have, in lower case; equal ones are equal here."""
    words, last = reading.sentence, item.expression.stop - 1
    symbols = {words.symbol(i) for i in item.expression}
    if item.alias:
        return item.alias
    if symbols <= {"", "."}:
        return words.token(last).value.lower()
    return item.name.lower()
