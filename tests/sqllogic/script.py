"""DuckDB's .test files to commands: `read`.

The format is SQLite's sqllogictest with DuckDB's additions (loops, connections, restarts); what a
statement is expected to give is not kept, because two answers to it are compared with each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TYPES = {
    "signed": "tinyint smallint integer bigint hugeint",
    "unsigned": "utinyint usmallint uinteger ubigint uhugeint",
    "compression": "none uncompressed rle bitpacking dictionary fsst dict_fsst alp alprd",
    "all_types_columns": "bool tinyint smallint int bigint hugeint uhugeint utinyint usmallint"
    " uint ubigint date time timestamp timestamp_s timestamp_ms timestamp_ns time_tz timestamp_tz"
    " float double dec_4_1 dec_9_4 dec_18_6 dec38_10 uuid interval varchar blob bit small_enum"
    " medium_enum large_enum int_array double_array date_array timestamp_array timestamptz_array"
    " varchar_array nested_int_array struct struct_of_arrays array_of_structs map union"
    " fixed_int_array fixed_varchar_array fixed_nested_int_array fixed_nested_varchar_array"
    " fixed_struct_array struct_of_fixed_array fixed_array_of_int_list list_of_fixed_int_array",
}
_TYPES["integral"] = f"{_TYPES['signed']} {_TYPES['unsigned']}"
_TYPES["numeric"] = f"{_TYPES['integral']} float double"
_TYPES["alltypes"] = f"{_TYPES['numeric']} bool interval varchar"
_CONDITION = re.compile(r"(.+?)(==|<>|>=|<=|=|>|<)(.+)")


@dataclass(frozen=True)
class Condition:
    """`skipif` or `onlyif` on a loop's variable: `text` is `name op value [&& ...]`."""

    text: str
    skips: bool

    def runs(self, variables: dict[str, str]) -> bool:
        return any(self._holds(part, variables) for part in self.text.split("&&")) != self.skips

    def _holds(self, part: str, variables: dict[str, str]) -> bool:
        found = _CONDITION.fullmatch(part.strip())
        if found is None:
            return False
        name, operator, value = found.groups()
        have = variables.get(name.strip(), "")
        if operator in ("=", "==", "<>"):
            return (have == value.strip()) == (operator != "<>")
        a, b = int(have), int(value)
        return {">": a > b, "<": a < b, ">=": a >= b, "<=": a <= b}[operator]


@dataclass(frozen=True)
class Step:
    """One command. `words` are those of its line; `sql` what follows it; `body` a loop's."""

    line: int
    words: tuple[str, ...]
    sql: str = ""
    conditions: tuple[Condition, ...] = ()
    body: list["Step"] = field(default_factory=list)

    @property
    def ordered(self) -> bool:
        """Whether the rows have an order that counts: a query without a sort mode."""
        return self.words[0] == "query" and self.words[2:3] not in (("rowsort",), ("valuesort",))

    @property
    def connection(self) -> str:
        """The name of the connection, '' for the first one."""
        name = self.words[2] if len(self.words) > 2 else ""
        return "" if name in ("nosort", "rowsort", "valuesort", "sort", "unsorted") else name

    def rounds(self) -> Iterator[dict[str, str]]:
        """A loop's variables, round for round."""
        names, values = self.words[1].split(","), list(self.words[2:])
        if self.words[0].endswith("loop"):
            values = [str(i) for i in range(int(values[0]), int(values[1]))]
        for value in _collections(values):
            yield dict(zip(names, value.split(",") if len(names) > 1 else [value], strict=True))


def _collections(values: list[str]) -> list[str]:
    found = list[str]()
    for value in values:
        members = _TYPES.get(value.lower()[1:-1]) if value.startswith("<") else None
        if members is not None:
            found += members.split()
        elif value.startswith("!") and value[1:] in found:
            found.remove(value[1:])
        else:
            found.append(value)
    return found


def read(text: str) -> list[Step]:
    """The commands of a file, loops nested. Raises ValueError where the file has another format."""
    lines = text.replace("\r", "").split("\n")
    open_bodies: list[list[Step]] = [[]]
    skipped = at = 0
    while at < len(lines):
        if not lines[at] or lines[at].startswith("#"):
            at += 1
            continue
        step, at = _step(lines, at)
        if step.words[0] == "mode" and step.words[1] in ("skip", "unskip"):
            skipped += 1 if step.words[1] == "skip" else -1
        elif skipped > 0 or step.words[0] == "skipped":
            continue
        elif step.words[0] == "endloop":
            open_bodies.pop()
        else:
            open_bodies[-1].append(step)
            if step.words[0].endswith(("loop", "foreach")):
                open_bodies.append(step.body)
    if len(open_bodies) != 1:
        raise ValueError("a loop is not closed")
    return open_bodies[0]


def _step(lines: list[str], at: int) -> tuple[Step, int]:
    """The command at a line, and where the next one may begin."""
    conditions, system = list[Condition](), True
    while (words := tuple(lines[at].split()))[0] in ("skipif", "onlyif"):
        text, skips = " ".join(words[1:]), words[0] == "skipif"
        if _CONDITION.fullmatch(text):
            conditions.append(Condition(text, skips))
        else:
            system = system and (text.lower() == "duckdb") != skips
        at += 1
    line, sql = at + 1, list[str]()
    at += 1
    if words[0] in ("statement", "query"):
        while at < len(lines) and lines[at] and not lines[at].startswith("#"):
            if lines[at] == "----":
                break
            sql.append(lines[at])
            at += 1
        while at < len(lines) and lines[at] == "----":
            while at < len(lines) and lines[at]:
                at += 1
    if not system:
        words = ("skipped",)
    return Step(line, words, "\n".join(sql), tuple(conditions)), at
