"""The judges of rules are judged: every kind of wrong rule is found, and made small."""

from random import Random

import pytest

from tests.rules.cases import Case
from tests.rules.laboratory import Laboratory
from tests.rules.tables import Tables, random_tables
from tests.rules.templates import call, optional, ours
from tests.rules.verdicts import simplified, verdict

ANSWER = call("label", "text")
ORDERED = Case("", f"SELECT id, {ANSWER} AS a FROM t WHERE k = 1 ORDER BY k, id", "exact")
INSERTION = Case("", f"SELECT id, {ANSWER} AS a FROM t WHERE k = 1 LIMIT 6", "exact")
BAG = Case("", f"SELECT k, {ANSWER} AS a FROM t WHERE {ANSWER} <> 'a' OR k = 1")
NEAR = f"SELECT {call('near', 'text')} AS s, id FROM labelled"
NEAREST = Case("", f"{NEAR} ORDER BY s DESC LIMIT 4", "limited", unlimited=NEAR, determined=(0,))
GUARDED = Case("", f"SELECT id, {ANSWER} FROM t WHERE k = 1 AND CAST(num AS INT) > 0 ORDER BY id")
SEQUENCE = Case(
    "",
    f"SELECT id, {ANSWER} AS a, nextval('numbers') > 0 AS n FROM t WHERE k = 1",
    before=("CREATE OR REPLACE SEQUENCE numbers",),
    after=("SELECT nextval('numbers')",),
)
WRITTEN = Case(
    "",
    f"UPDATE target SET note = {ANSWER} WHERE k = 1",
    before=("CREATE OR REPLACE TABLE target AS FROM t",),
    after=("FROM target",),
)
CASES = (ORDERED, INSERTION, BAG, NEAREST, GUARDED, SEQUENCE, WRITTEN)
WRONG = [
    (ORDERED, "WHERE k = 1", "WHERE k IN (1, 2)", "rows"),
    (ORDERED, "ORDER BY k, id", "ORDER BY k, id DESC", "other row at 0"),
    (ORDERED, " AS a", " AS b", "other columns"),
    (ORDERED, "SELECT id", "SELECT id::BIGINT AS id", "other columns"),
    (ORDERED, "k = 1", "k = 1 AND (SELECT count(embed(text || '!')) FROM t) > 0", "more eval"),
    (INSERTION, "LIMIT 6", "ORDER BY id LIMIT 6", "other row"),
    (BAG, "SELECT k", "SELECT DISTINCT k", "rows"),
    (BAG, "SELECT k", "SELECT k + 1 AS k", "other rows"),
    (BAG, "<> 'a'", "IS DISTINCT FROM 'a'", "rows"),
    (NEAREST, "LIMIT 4", "LIMIT 3", "rows"),
    (NEAREST, "s DESC", "s", "other row"),
    (NEAREST, ", id FROM", ", id + 1000 AS id FROM", "not among"),
    (GUARDED, "k = 1 AND ", "", "other error"),
    (
        SEQUENCE,
        "nextval('numbers') > 0",
        "nextval('numbers') + nextval('numbers') > 0",
        "afterwards",
    ),
    (WRITTEN, "SET note", "SET g", "afterwards"),
]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return random_tables(Random(8))


@pytest.mark.parametrize(("case", "this", "other", "found"), WRONG)
def test_a_wrong_rule_is_found(
    laboratory: Laboratory, tables: Tables, case: Case, this: str, other: str, found: str
) -> None:
    laboratory.load(tables)
    wrong = verdict(laboratory, case, lambda template: ours(template).replace(this, other, 1))
    assert found in wrong


@pytest.mark.parametrize("case", CASES)
def test_what_is_right_is_left_alone(laboratory: Laboratory, tables: Tables, case: Case) -> None:
    laboratory.load(tables)
    assert verdict(laboratory, case) == ""


def test_a_failing_case_is_made_small(tables: Tables) -> None:
    where = optional(f" WHERE k = 1{optional(' AND id > 3')}")
    case = Case("", f"SELECT id{optional(f', {ANSWER}')} FROM t{where}{optional(' LIMIT 3')}")

    def fails(less: Tables, shorter: Case) -> bool:
        return "k = 1" in shorter.statement and any(row[1] == 1 for row in less.t)

    small, found = simplified(fails, tables, case)
    assert ours(found.statement) == "SELECT id FROM t WHERE k = 1"
    assert [row[1] for row in small.t] == [1]
    assert small.u == ()
