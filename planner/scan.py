"""Whether a text may hold our words: the first, cheap look at every statement.

One regular expression and nothing else, because every plain DuckDB statement pays for it. It may
say yes to a text that turns out to be plain (a string that reads 'predict(', a DROP INDEX of
DuckDB's); `parse` finds out. It never says no to a text in which `parse` would find something.

`chooses_schema` is such a first look as well: at what another connection's session has to follow.
"""

import re

from augursql.planner.lexer import tokenize

# A word and what follows it may be parted by spaces or by a comment; a comment is a yes. The first
# letter is looked at by itself, which makes the search six times as fast as the alternatives alone.
_OURS = re.compile(
    r"""
    (?= [acdeghmprs] )
    (?:
        (?: predict | classify | embed | similarity | search | prompt ) \s* (?: \( | -- | /\* )
      | (?: summarize | \bmatches | rerank | summarize_agg | prompt_agg ) \s* (?: \( | -- | /\* )
      | extract \s* (?: \( | -- | /\* ) (?= .* (?: \{ | returns ) )
      | (?: predict | prompt | evaluate ) \s+ [\w'"]
      | augur (?: _ | \s* \( ) | hnsw | given | adbc
      | (?: create | replace | alter | export ) \s* (?: -- | /\* | (?<=\s) (?: model | prompt ) )
      | (?: drop | refresh | show | desc (?:ribe)? )
        \s* (?: -- | /\* | (?<=\s) (?: model | index | prompt ) )
    )
    """,
    re.VERBOSE | re.DOTALL,
)

_SCHEMA = re.compile(r"\b(?:use|schema|search_path)\b", re.IGNORECASE)


def speaks_augur(text: str) -> bool:
    """True where `text` may hold a call or a statement of ours; False means that it holds none."""
    return _OURS.search(text.lower()) is not None


def chooses_schema(text: str) -> bool:
    """Whether a text is one statement that changes where names are looked for: USE, and SET or
    RESET of `schema` and `search_path`."""
    if _SCHEMA.search(text) is None:
        return False
    tokens = [token.value.lower() for token in tokenize(text) or []]
    if tokens[-1:] == [";"]:
        tokens.pop()
    if ";" in tokens or not tokens:
        return False
    named = tokens[2:3] if tokens[1:2] in (["session"], ["local"], ["global"]) else tokens[1:2]
    of_names = named in (["schema"], ["search_path"])
    return tokens[0] == "use" or (tokens[0] in ("set", "reset") and of_names)
