"""Small tables with everything in them that breaks rewriting: NULL, NaN, '', duplicates, odd names.

`t` is the main table: `id` is unique, `k` has few values, `num` reads as a number exactly where
k = 1, and columns share their names with functions of ours. `u` refers to it: `tid` are ids of `t`,
some of them missing, and its dates are all different. `tv` is a view of `t`, `rows_of(n)` a macro.
"""

import datetime
import math
from dataclasses import dataclass, replace
from random import Random

WORDS = tuple(f"w{n}" for n in range(36))
ODD = (
    "",
    " ",
    "é",
    "e\u0301",
    "🏨",
    "a'b",
    'quo"te',
    "ＷＩＤＥ",
    "w1 w2",
    "x\ny",
    "%",
    "NULL",
    "0",
)
POOL = (*WORDS, *ODD)
NOTES = ("x", "y", "")
Row = tuple[object, ...]

LABELLED = """
CREATE TABLE labelled AS SELECT id::INTEGER AS id, 'w' || id % 30 AS text,
    CASE WHEN id % 4 < 3 THEN ['x', 'y', ''][1 + id % 3] END AS note,
    ['a', 'b', 'c'][1 + (id % 30 * 7 + id // 40) % 3] AS label,
    ((id % 30 * 11 + id // 50) % 13)::INTEGER AS score, id % 7 < 3 AS flag
FROM range(120) r(id)
"""
VIEWS = (
    "CREATE OR REPLACE VIEW tv AS SELECT * FROM t WHERE k IS NOT NULL OR id % 2 = 0",
    "CREATE OR REPLACE MACRO rows_of(n) AS TABLE FROM t WHERE k = n",
    "CREATE OR REPLACE MACRO shout(words) AS words || '!'",
)
T = {
    "id": "INTEGER",
    "k": "INTEGER",
    "g": "VARCHAR",
    "text": "VARCHAR",
    "note": "VARCHAR",
    "x": "DOUBLE",
    "d": "DATE",
    "num": "VARCHAR",
    "tags": "VARCHAR[]",
    "s": "STRUCT(a INTEGER, b VARCHAR)",
    "predict": "INTEGER",
    "similarity": "VARCHAR",
    '"odd ""name"': "VARCHAR",
}
U = {
    "uid": "INTEGER",
    "tid": "INTEGER",
    "k": "INTEGER",
    "words": "VARCHAR",
    "label": "VARCHAR",
    "d": "DATE",
    "x": "DOUBLE",
}


def documents() -> list[str]:
    """Every text that the encoder of the tests tells from all others."""
    both = [f"text: {text}\nnote: {note}" for text in POOL for note in NOTES]
    changed = [f(text) for text in POOL for f in (str.upper, str.lower, "{}!".format, "{}x".format)]
    return [*POOL, *NOTES, *changed, *(str(n) for n in range(400)), *both]


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of `t` and `u`."""

    t: tuple[Row, ...]
    u: tuple[Row, ...]

    def sql(self) -> list[str]:
        """Statements that make the tables."""
        return [*_table("t", T, self.t), *_table("u", U, self.u), *VIEWS]

    def smaller(self) -> "list[Tables]":
        """The same with half of the rows of one table, each half once; the last of them single."""
        found = []
        for name in ("t", "u"):
            rows: tuple[Row, ...] = getattr(self, name)
            for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :], rows[1:], rows[:-1]):
                if len(part) < len(rows):
                    found.append(replace(self, **{name: part}))
        return found


def random_tables(random: Random) -> Tables:
    """Tables of 30 to 300 rows, ids in no order."""
    few = random.sample(POOL, random.randint(4, 20))
    count, others = random.choice((30, 60, 120, 300)), random.choice((8, 30, 60))
    ids = random.sample(range(1, 2 * count), count)
    t = tuple(_row_of_t(random, i, few) for i in ids)
    days = random.sample(range(4 * others), others)
    u = tuple(_row_of_u(random, n, ids, few, day) for n, day in enumerate(days))
    return Tables(t, u)


def literal(value: object) -> str:
    """A value in SQL, such that DuckDB reads the same value back."""
    match value:
        case None:
            return "NULL"
        case float():
            return f"'{value}'::DOUBLE" if not math.isfinite(value) else repr(value)
        case datetime.date():
            return f"DATE '{value}'"
        case list():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"'{k}': {literal(v)}" for k, v in value.items()) + "}"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return str(value)


def _table(name: str, columns: dict[str, str], rows: tuple[Row, ...]) -> list[str]:
    heads = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
    made = [f"CREATE OR REPLACE TABLE {name} ({heads})"]
    if rows:
        listed = ",\n    ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
        made.append(f"INSERT INTO {name} VALUES\n    {listed}")
    return made


def _row_of_t(random: Random, i: int, few: list[str]) -> Row:
    k = _maybe(random, random.randint(0, 4))
    floats = (0.0, -0.0, 1.5, -2.25, math.nan, math.inf, random.uniform(-9, 9))
    return (
        i,
        k,
        _maybe(random, random.choice(("x", "y", "a", "b"))),
        _maybe(random, random.choice(few)),
        _maybe(random, random.choice(NOTES)),
        _maybe(random, random.choice(floats)),
        _maybe(random, _day(random.randint(0, 90))),
        str(random.randint(-5, 5)) if k == 1 else random.choice(("one", "", "1e", None)),
        _maybe(random, [_maybe(random, random.choice(few)) for _ in range(random.randint(0, 3))]),
        _maybe(random, {"a": _maybe(random, random.randint(0, 3)), "b": random.choice(few)}),
        random.randint(0, 3),
        _maybe(random, random.choice(few)),
        random.choice(few),
    )


def _row_of_u(random: Random, n: int, ids: list[int], few: list[str], day: int) -> Row:
    return (
        n,
        _maybe(random, random.choice((random.choice(ids), random.choice(ids), 100_000 + n))),
        _maybe(random, random.randint(0, 4)),
        _maybe(random, random.choice((*few, *POOL))),
        _maybe(random, random.choice(("a", "b", "c", "d"))),
        _maybe(random, _day(day)),
        _maybe(random, random.choice((0.0, math.nan, 0.25))),
    )


def _day(number: int) -> datetime.date:
    return datetime.date(2024, 2, 20) + datetime.timedelta(days=number)


def _maybe(random: Random, value: object) -> object:
    return None if random.random() < 0.12 else value
