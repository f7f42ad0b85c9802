"""Random expressions and conditions over the columns in scope, some of them with calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.rules.tables import NOTES, POOL, literal
from tests.rules.templates import call, optional

T_COLUMNS = {
    "text": ("text", "text", "text", "similarity", '"odd ""name"', "g", "s.b", "tags[1]", "num"),
    "int": ("id", "k", "k", "predict", "s.a"),
    "float": ("x",),
    "date": ("d",),
}
U_COLUMNS = {"text": ("words", "words", "label"), "int": ("uid", "tid", "k"), "float": ("x",)}


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns that an expression may use, by kind; `key` is a unique column of the rows."""

    columns: dict[str, tuple[str, ...]]
    key: str

    def __or__(self, other: "Scope") -> "Scope":
        kinds = self.columns.keys() | other.columns.keys()
        both = {k: self.columns.get(k, ()) + other.columns.get(k, ()) for k in sorted(kinds)}
        return Scope(both, f"{self.key}, {other.key}")


def scope(columns: dict[str, tuple[str, ...]], key: str, alias: str = "") -> Scope:
    """The columns of a table, behind the alias where one is given."""
    prefix = f"{alias}." if alias else ""
    named = {kind: tuple(prefix + name for name in names) for kind, names in columns.items()}
    return Scope(named, prefix + key)


def t_scope(alias: str = "") -> Scope:
    return scope(T_COLUMNS, "id", alias)


def u_scope(alias: str = "") -> Scope:
    return scope(U_COLUMNS, "uid", alias)


@dataclass(slots=True)
class Maker:
    """Makes random pieces of one statement. `left` calls may still be made; the calls made so far
    are sometimes written again, because equal calls are what rules look for."""

    random: Random
    left: int
    made: list[tuple[Scope, str, str]] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def column(self, within: Scope, kind: str) -> str:
        return self.random.choice(within.columns[kind])

    def text(self, within: Scope, depth: int = 0) -> str:
        """An expression over text."""
        column = self.column(within, "text")
        if depth or self.chance(0.6):
            return column
        word = literal(self.random.choice(POOL))
        number = self.column(within, "int")
        return self.pick(
            f"coalesce({column}, {word})",
            f"{column} || '!'",
            f"upper({column})",
            f"shout({column})",
            f"CAST({number} AS VARCHAR)",
            f"CASE WHEN {number} > 1 THEN {column} ELSE {word} END",
            f"nullif({column}, {word})",
            word,
            "NULL",
            f"(SELECT max(sub.words) FROM u AS sub WHERE sub.tid = {number})",
        )

    def call(self, kind: str, within: Scope) -> str:
        """A call, new or written again; `kind` is text, int, float, bool, struct or vector."""
        again = [sql for where, k, sql in self.made if where == within and k == kind]
        if again and self.chance(0.4):
            return self.random.choice(again)
        self.left -= 1
        text = self.text(within)
        if self.left > 0 and self.chance(0.07):
            self.left -= 1
            text = call(self.pick("label", "topic"), text)
        made = self._call(kind, text, within)
        self.made.append((within, kind, made))
        return made

    def _call(self, kind: str, text: str, within: Scope) -> str:
        match kind:
            case "text":
                name = self.pick(
                    "label", "label", "label", "named", "vote", "topic", "sure", "both"
                )
                if name == "both":
                    return call(name, text, self.pick(*map(literal, NOTES), "NULL"))
                return call(name, text) + (".prediction" if name == "sure" else "")
            case "int":
                return call("score", text)
            case "bool":
                return call("flag", text)
            case "float":
                name = self.pick("near", "near", "pair", "sure", "vector")
                if name == "pair":
                    return call(name, text, self.text(within))
                return call(name, text) + {"sure": ".confidence", "vector": "[2]"}.get(name, "")
            case "struct":
                return call("sure", text)
        return call("vector", text)

    def kind(self) -> str:
        return self.pick("text", "text", "text", "int", "float", "bool")

    def calling(self, within: Scope) -> str:
        """A condition with a call."""
        kind = self.kind()
        c, column = self.call(kind, within), self.column(within, kind if kind != "bool" else "int")
        templates = {
            "text": "{c} = 'a'; {c} = 'a'; {c} IN ('a', 'b'); {c} <> 'b'; {c} LIKE 'a%'; {c} = {x};"
            "{c} IS NULL; {c} BETWEEN 'a' AND 'b'; NOT ({c} = 'a'); {c} IS DISTINCT FROM 'c';"
            "coalesce({c}, 'a') = 'a'; {c} NOT IN ('a', NULL); 'a' = {c}; {c} > {x};"
            "{c} IN (SELECT sub.label FROM u AS sub); CASE {c} WHEN 'a' THEN true ELSE false END",
            "int": "{c} > 4; {c} BETWEEN 1 AND 6; {c} = {x}; {c} % 2 = 0; {c} IS NOT NULL;"
            "{c} < {x} + 3; 12 / {c} > 2; {c} = (SELECT max(sub.k) FROM u AS sub); -{c} < -2",
            "float": "{c} > 0.1; {c} < 0; {c} BETWEEN 0 AND 0.5; round({c}, 1) = 0.1; {c} >= {x};"
            "{c} IS NULL; abs({c}) > 0.2",
            "bool": "{c}; NOT {c}; {c} IS NOT TRUE; {c} = ({x} > 1); {c} IS NULL; {c} = true",
        }
        chosen = self.random.choice(templates[kind].split(";")).strip()
        return chosen.format(c=c, x=column)

    def cheap(self, within: Scope) -> str:
        """A condition without calls."""
        number, other = self.column(within, "int"), self.column(within, "int")
        word, text = literal(self.random.choice(POOL)), self.column(within, "text")
        first, *_ = within.columns["int"]
        return self.pick(
            f"{number} = {self.random.randint(0, 4)}",
            f"{number} > {self.random.randint(0, 40)}",
            f"{first} % 3 = 1",
            f"{number} BETWEEN 1 AND 30",
            f"{number} IN (1, 2, 3, 7)",
            f"{number} IS NOT NULL",
            f"NOT ({number} = 2)",
            f"{number} <> {other}",
            f"{text} LIKE 'w%'",
            f"{text} = {word}",
            f"{text} IS NULL",
            f"length({text}) > 1",
            f"{self.column(within, 'float')} > 0",
            f"EXISTS (SELECT 1 FROM u AS sub WHERE sub.tid = {first})",
            f"NOT EXISTS (SELECT 1 FROM u AS sub WHERE sub.k = {number})",
            f"{first} IN (SELECT sub.tid FROM u AS sub)",
            f"{number} NOT IN (SELECT sub.k FROM u AS sub WHERE sub.k IS NOT NULL)",
            f"{number} < (SELECT avg(sub.k) FROM u AS sub)",
            "random() >= 0",
            "true",
            "false",
            "NULL",
        )

    def condition(self, within: Scope) -> str:
        """A condition of one to four parts, at least one of them with a call."""
        parts = [self.calling(within)]
        while self.chance(0.6) and len(parts) < 4:
            makes: Callable[[Scope], str] = (
                self.calling if self.left > 0 and self.chance(0.25) else self.cheap
            )
            parts.append(makes(within))
        self.random.shuffle(parts)
        joined = parts[0]
        for part in parts[1:]:
            joined += optional(f" {'AND' if self.chance(0.75) else 'OR'} {part}")
            if self.chance(0.3):
                joined = f"({joined})"
        return f"NOT ({joined})" if self.chance(0.08) else joined

    def value(self, within: Scope) -> str:
        """A select item around a call, without its alias."""
        kind = self.pick("text", "text", "int", "float", "bool", "struct", "vector")
        c = self.call(kind, within)
        if kind in ("struct", "vector") or self.chance(0.5):
            return c
        number, text = self.column(within, "int"), self.column(within, "text")
        if kind == "bool":
            return self.pick(
                f"{self.cheap(within)} AND {c}", f"{c} OR {number} = 1", f"NOT {c}", f"{c}::INT"
            )
        if kind == "text":
            return self.pick(
                f"upper({c})",
                f"CASE WHEN {self.cheap(within)} THEN {c} ELSE 'none' END",
                f"CASE {c} WHEN 'a' THEN {number} WHEN 'b' THEN -1 END",
                f"coalesce({text}, {c})",
                f"coalesce({c}, 'none')",
                f"{c} || coalesce({text}, '')",
                f"[{c}, {text}]",
                f"{{'call': {c}, 'key': {number}}}",
                f"{self.cheap(within)} AND {self.calling(within)}",
                f"{self.cheap(within)} OR {c} = 'a'",
                f"(SELECT count(*) FROM u AS sub WHERE sub.label = {c})",
                f"list_transform([1, 2], lambda n: n || {c})",
            )
        return self.pick(
            f"{c} + 1",
            f"CAST({c} AS VARCHAR)",
            f"CAST({c} AS DECIMAL(9, 3))",
            f"round({c}, 2)",
            f"nullif({c}, {number})",
            f"CASE WHEN {number} <> 0 THEN {c} / {number} END",
            f"CASE WHEN {self.calling(within)} THEN {c} END",
            f"greatest({c}, {number})",
            f"try_cast({text} AS INTEGER) + {c}",
        )

    def items(self, within: Scope, most: int = 3) -> str:
        """Select items: the key, then some with calls and some without."""
        names = ("predict", '"Odd Alias"', "similarity")
        listed = within.key
        for number in range(self.random.randint(1, most)):
            item = self.value(within) if number == 0 or self.left > 0 else self.plain_item(within)
            alias = f" AS {names[number]}" if self.chance(0.5) else ""
            listed += optional(f", {item}{alias}") if number else f", {item}{alias}"
        if self.chance(0.3):
            listed += optional(f", {self.plain_item(within)}")
        return listed

    def plain_item(self, within: Scope) -> str:
        number, text = self.column(within, "int"), self.column(within, "text")
        return self.pick(number, text, f"{number} + 1", f"length({text})", "42", f"{text} IS NULL")

    def where(self, within: Scope, probability: float = 0.6) -> str:
        """A WHERE clause, or a cheap one, or none."""
        if self.left > 0 and self.chance(probability):
            return optional(f" WHERE {self.condition(within)}")
        return optional(f" WHERE {self.cheap(within)}") if self.chance(0.5) else ""

    def limit(self) -> str:
        """LIMIT and OFFSET, or nothing."""
        if self.chance(0.5):
            return ""
        offset = f" OFFSET {self.random.randint(0, 6)}" if self.chance(0.3) else ""
        return optional(f" LIMIT {self.random.choice((0, 1, 3, 5, 10, 200))}{offset}")
