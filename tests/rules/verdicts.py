"""What must hold between the three outcomes of a case, and how a failing case is made smaller."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.rules.cases import Case
from tests.rules.laboratory import Laboratory, Outcome, Writer
from tests.rules.tables import Tables
from tests.rules.templates import smaller

# While it plans, DuckDB computes a call of constants, and since 2.0 one of a column that holds a
# single value: which it does depends on how a condition is written.
WHILE_PLANNING = 3


def verdict(laboratory: Laboratory, case: Case, rule: Writer | None = None) -> str:
    """What is wrong with the case, or ''. `rule` is one more rule, to be judged."""
    off, on = laboratory.rules(case, "off"), laboratory.rules(case, "on", rule)
    oracle = laboratory.oracle(case)
    # Where SQL leaves open which rows are chosen, only the same rows have the same costs.
    same = off.error is None and (case.order != "limited" or on.rows == off.rows)
    if same and on.evaluated > off.evaluated + WHILE_PLANNING:
        return f"more evaluations: {off.evaluated} without rules, {on.evaluated} with them"
    if on.error is not None or off.error is not None:
        return _of_errors(off, on, oracle) or _against(laboratory, case, on, oracle)
    if on.columns != off.columns:
        return f"other columns: {off.columns} without rules, {on.columns} with them"
    return _compared(case, off, on, "rules") or _against(laboratory, case, on, oracle)


def _of_errors(off: Outcome, on: Outcome, oracle: Outcome) -> str:
    if on.error == off.error:
        return ""
    # Without its rows an expression has no error: that is how DuckDB's own optimiser changes them.
    if on.error is None and oracle.error is None:
        return ""
    return f"other error: {off.error} without rules, {on.error} with them"


def _against(laboratory: Laboratory, case: Case, on: Outcome, oracle: Outcome) -> str:
    """What differs from DuckDB's own way with functions that have neither cost nor effect."""
    if on.error is not None or oracle.error is not None:
        return _other_errors(on, oracle)
    types = [type_ for _, type_ in on.columns], [type_ for _, type_ in oracle.columns]
    if types[0] != types[1]:
        return f"other types than DuckDB: {types[0]}, not {types[1]}"
    if case.order == "limited":
        extra = Counter(on.rows) - laboratory.every_row(case.unlimited)
        if extra:
            return f"rows that are not among those of the query without LIMIT: {list(extra)[:3]}"
    return _compared(case, oracle, on, "oracle")


def _other_errors(on: Outcome, oracle: Outcome) -> str:
    if on.error is not None and oracle.error is not None:
        same = on.error[0] == oracle.error[0]
        return "" if same else f"other error than DuckDB: {on.error}, not {oracle.error}"
    if on.error is None:
        # DuckDB may evaluate before a filter what it takes for cheap.
        return ""
    return f"an error where DuckDB has none: {on.error}"


def _compared(case: Case, one: Outcome, two: Outcome, what: str) -> str:
    if len(one.rows) != len(two.rows):
        return f"{what}: {len(one.rows)} rows, {len(two.rows)} of ours with rules"
    if case.order == "limited":
        chosen = [[tuple(row[i] for i in case.determined) for row in o.rows] for o in (one, two)]
        return _listed(what, chosen[0], chosen[1])
    if case.order == "exact":
        return _listed(what, one.rows, two.rows) or _after(one, two, what)
    if Counter(one.rows) != Counter(two.rows):
        less, more = Counter(one.rows) - Counter(two.rows), Counter(two.rows) - Counter(one.rows)
        return f"{what}: other rows: lacks {list(less)[:3]}, has {list(more)[:3]}"
    return _after(one, two, what)


def _listed(what: str, one: list[tuple[object, ...]], two: list[tuple[object, ...]]) -> str:
    for n, (a, b) in enumerate(zip(one, two, strict=True)):
        if a != b:
            return f"{what}: other row at {n}: {a}, with rules {b}"
    return ""


def _after(one: Outcome, two: Outcome, what: str) -> str:
    for a, b in zip(one.after, two.after, strict=True):
        if Counter(a) != Counter(b):
            return f"{what}: other rows afterwards: {list((Counter(a) - Counter(b)).items())[:3]}"
    return ""


def report(laboratory: Laboratory, tables: Tables, case: Case, wrong: str) -> str:
    """The failure with tables and statements to be pasted, made as small as it goes."""
    kind = wrong.split(":")[0]

    def fails(smaller_tables: Tables, smaller_case: Case) -> bool:
        laboratory.load(smaller_tables)
        return verdict(laboratory, smaller_case).split(":")[0] == kind

    tables, case = simplified(fails, tables, case)
    laboratory.load(tables)
    made = ";\n".join(tables.sql())
    return f"{verdict(laboratory, case) or wrong}\n\n{made};\n\n{case.shown()}"


def simplified(
    fails: Callable[[Tables, Case], bool], tables: Tables, case: Case, most: int = 300
) -> tuple[Tables, Case]:
    """Drops optional parts of the statement and rows of the tables while it still fails."""
    for _ in range(most):
        candidates = [(tables, replace(case, statement=s)) for s in smaller(case.statement)]
        candidates += [(less, case) for less in tables.smaller()]
        for less, shorter in candidates:
            if fails(less, shorter):
                tables, case = less, shorter
                break
        else:
            break
    return tables, case
