"""In which clause of which query each token of a sentence stands."""

from dataclasses import dataclass

from augursql.planner.sentence import Sentence

_TABLE_STARTS = ("from", "join", "lateral")


@dataclass(frozen=True, slots=True)
class Scopes:
    """`clause[i]`: 'select', 'from', 'group by' ... where token `i` stands in that clause of the
    query around it, '' where it stands in none: in a function's arguments, a list, a window.
    """

    sentence: Sentence
    clause: tuple[str, ...]

    def in_table_place(self, i: int) -> bool:
        """Whether a table, and so not an expression, begins at `i`."""
        words = self.sentence
        before = words.symbol(i - 1)
        if before == ":":  # FROM alias: table
            return words.token(i - 2).kind in ("word", "name") and self.in_table_place(i - 2)
        if before == "," or words.word(i - 1) == "from":
            return self.clause[i] == "from"
        return words.word(i - 1) in _TABLE_STARTS


def scopes(sentence: Sentence) -> Scopes:
    """Walks once along the sentence, keeping the clause of every bracket that is open."""
    current: dict[int, str] = {}
    clauses = list[str]()
    for i in range(len(sentence.tokens)):
        opening = sentence.parent[i]
        clauses.append(current.get(opening, ""))
        begins = sentence.clause_word(i)
        if begins:
            counts = begins == "select" or sentence.is_query(opening)
            current[opening] = begins if counts else ""
    return Scopes(sentence, tuple(clauses))
