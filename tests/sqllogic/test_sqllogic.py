"""DuckDB's own tests answer the same through our connection; and the runner sees what it should."""

import os
from pathlib import Path

import pytest

from tests.sqllogic.__main__ import FILES, listed, reports, told
from tests.sqllogic.compare import compare
from tests.sqllogic.script import Condition, read

FOLDER = os.environ.get("DUCKDB_TESTS")

EXAMPLE = """# a comment
statement ok con1
CREATE TABLE t AS
FROM range(3) r(i)

query I rowsort
SELECT i FROM t
----
0
1
2

statement error
SELECT nothing
----
Binder Error

foreach a,b 1,x 2,y

onlyif a=2
statement ok
SELECT {a}, '${b}'

endloop

mode skip

query I
SELECT 1
----
1

mode unskip

skipif duckdb
statement ok
SELECT 'not for DuckDB'

loop i 0 2

foreach type <signed> !bigint

query II nosort label
SELECT {i}, 1::{type}

endloop

endloop
"""


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="DUCKDB_TESTS does not say where DuckDB's source is")
def test_duckdbs_own_tests_answer_the_same() -> None:
    found = list(reports(Path(str(FOLDER)).resolve(), listed(FILES), jobs=2))
    assert len(found) > 100
    assert [told(d) for report in found for d in report.differences] == []


def test_the_format_is_read() -> None:
    create, select, wrong, pairs, outer = read(EXAMPLE)
    assert (create.line, create.connection) == (2, "con1")
    assert create.sql == "CREATE TABLE t AS\nFROM range(3) r(i)"
    assert (select.sql, select.ordered, wrong.ordered) == ("SELECT i FROM t", False, False)
    assert list(pairs.rounds()) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
    (conditional,) = pairs.body
    assert conditional.conditions == (Condition("a=2", skips=False),)
    assert [c.runs({"a": a}) for c in conditional.conditions for a in "12"] == [False, True]
    assert list(outer.rounds()) == [{"i": "0"}, {"i": "1"}]
    (inner,) = outer.body
    types = [variables["type"] for variables in inner.rounds()]
    assert types == ["tinyint", "smallint", "integer", "hugeint"]
    assert inner.body[0].ordered


def test_every_statement_is_compared(tmp_path: Path) -> None:
    (tmp_path / "example.test").write_text(EXAMPLE)
    report = compare(tmp_path, "example.test")
    assert (report.statements, report.differences, report.skipped) == (12, [], "")


def test_a_difference_is_seen_and_placed(tmp_path: Path) -> None:
    (tmp_path / "example.test").write_text("statement ok\nSELECT 1\n\nquery I\nSHOW MODELS\n")
    (difference,) = compare(tmp_path, "example.test").differences
    assert (difference.line, difference.sql) == (4, "SHOW MODELS")


def test_what_changes_from_run_to_run_is_no_difference(tmp_path: Path) -> None:
    text = "query I\nSELECT random()\n\nstatement error\nSELECT random() + nothing\n----\nError\n"
    (tmp_path / "example.test").write_text(text)
    report = compare(tmp_path, "example.test")
    assert (report.statements, report.unstable, report.differences) == (2, 1, [])


def test_a_file_that_needs_an_extension_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "example.test").write_text("require httpfs\n\nstatement ok\nSELECT 1\n")
    report = compare(tmp_path, "example.test")
    assert (report.statements, report.skipped) == (0, "require httpfs")
