"""EXPLAIN [ANALYZE] [(ANALYZE, FORMAT json, SQL)]: what stands before the statement itself."""

from dataclasses import dataclass

from augursql.planner.cursor import Cursor
from augursql.planner.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Explaining:
    """The options, and how many tokens they and the word EXPLAIN take."""

    tokens: int
    analyze: bool = False
    format: str = "text"
    sql: bool = False


def explaining(sentence: Sentence) -> Explaining | None:
    """None where the statement is no EXPLAIN, or one with options that only DuckDB knows."""
    cursor = Cursor(sentence, 0, len(sentence.tokens))
    if not cursor.take("explain"):
        return None
    analyze, sql, shape = cursor.take("analyze"), False, "text"
    opening, closing = cursor.position, sentence.partner[cursor.position : cursor.position + 1]
    if sentence.symbol(opening) == "(" and not sentence.is_query(opening):
        cursor.take_symbol("(")
        while not cursor.take_symbol(")"):
            if cursor.take("analyze"):
                analyze = not cursor.take("false")
                cursor.take("true")
            elif cursor.take("sql"):
                sql = True
            elif cursor.take("format"):
                shape = cursor.name("the format")[0].lower()
            elif not cursor.take_symbol(",") or cursor.done:
                return None
        if cursor.position != closing[0] + 1:
            return None
    return Explaining(cursor.position, analyze, shape, sql)
