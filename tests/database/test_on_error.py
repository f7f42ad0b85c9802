"""ON ERROR NULL: inputs that cannot be answered give NULL, and are counted and listed."""

from collections.abc import Sequence

import pytest

from augursql.engine.inference.encoder import Encoder, Encoding
from augursql.errors import InterruptedStatementError, ModelError
from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from augursql.types import Monitor

LABELS = (
    "CREATE TABLE said AS SELECT i, 'text ' || i AS text, CASE i % 10 WHEN 3 THEN ['a', NULL] "
    "WHEN 7 THEN ['a', 'a'] WHEN 8 THEN NULL ELSE ['a', 'b'] END AS labels FROM range(100) r(i)"
)
CLASSIFY = "classify(text, labels ON ERROR NULL)"
COUNTS = "SELECT rows, inputs, evaluated, cached FROM augur_calls() ORDER BY statement DESC LIMIT 1"


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An encoder that fails on texts with the word poison; the sizes of its batches."""
    encode, sizes = Encoder.encode, list[int]()

    def failing(self: Encoder, texts: Sequence[str], monitor: Monitor) -> Encoding:
        sizes.append(len(texts))
        if any("poison" in text for text in texts):
            raise ModelError("The encoder has choked.")
        if any("cancel" in text for text in texts):
            raise InterruptedStatementError("The statement was cancelled.")
        return encode(self, texts, monitor)

    monkeypatch.setattr(Encoder, "encode", failing)
    return sizes


def test_labels_of_single_rows(con: Connection) -> None:
    con.execute(LABELS)
    rows = con.execute(f"SELECT i, {CLASSIFY} FROM said ORDER BY i").fetchall()
    assert [i for i, label in rows if label is None] == [
        i for i in range(100) if i % 10 in (3, 7, 8)
    ]
    assert [notice.text[:16] for notice in con.notices] == ["20 inputs failed"]
    assert con.execute(COUNTS).fetchall() == [(100, 100, 80, 0)]
    found = con.execute("FROM augur_errors() ORDER BY input").fetchall()
    assert len(found) == 20
    assert found[0][1:] == (
        CLASSIFY,
        'text 13, ["a",null]',
        "A label of classify() is NULL. Leave it out.",
    )
    assert con.execute(
        "SELECT count(*) FROM augur_errors() WHERE error LIKE '%twice%'"
    ).fetchall() == [(10,)]


def test_without_the_clause_the_statement_fails(con: Connection) -> None:
    con.execute(LABELS)
    for clause in ("", " ON ERROR FAIL"):
        with pytest.raises(errors.DataError, match="label"):
            con.execute(f"SELECT classify(text, labels{clause}) FROM said").fetchall()
    assert con.execute("FROM augur_errors()").fetchall() == []


def test_texts_on_which_the_encoder_fails(con: Connection, poisoned: list[int]) -> None:
    sql = "CASE WHEN i IN (5, 700, 701) THEN 'poison ' ELSE 'food ' END || i % 1000"
    con.execute(f"CREATE TABLE t AS SELECT i, {sql} AS x FROM range(2000) r(i)")
    rows = con.execute("SELECT i, embed(x, on_error := 'null') AS v FROM t ORDER BY i").fetchall()
    assert [i for i, vector in rows if vector is None] == [5, 700, 701]
    assert con.execute(COUNTS).fetchall() == [(2000, 1003, 1000, 0)]
    listed = con.execute("SELECT input, error FROM augur_errors() ORDER BY input").fetchall()
    assert listed == [(f"poison {i}", "The encoder has choked.") for i in (5, 700, 701)]
    assert len(poisoned) < 100
    (same,) = con.execute(
        "SELECT count(*) FROM t WHERE x LIKE 'food%' AND embed(x) IS NULL"
    ).fetchall()
    assert same == (0,)


@pytest.mark.parametrize(
    ("call", "answered"),
    [
        ("similarity(x, 'tea' ON ERROR NULL) IS NOT NULL", [True, False, False]),
        ("similarity('poison', x ON ERROR NULL) IS NOT NULL", [False, False, False]),
        (
            "classify(x, ['a', 'b'] WITH CONFIDENCE ON ERROR NULL).prediction IN ('a', 'b')",
            [True, None, None],
        ),
        ("classify(x, ['a', 'poison'] ON ERROR NULL)", [None, None, None]),
        ("predict('rating', x USING INDEX hotels ON ERROR NULL) > 0", [True, None, None]),
        ("embed(x USING MODEL minilm ON ERROR NULL) IS NOT NULL", [True, False, False]),
    ],
)
def test_every_function(
    indexed: Connection, poisoned: list[int], call: str, answered: list[bool | None]
) -> None:
    values = "(VALUES (1, 'good'), (2, 'poison'), (3, NULL)) AS v(i, x)"
    rows = indexed.execute(f"SELECT {call} FROM {values} ORDER BY i").fetchall()
    assert [row[0] for row in rows] == answered


def test_rows_are_told_of_while_they_are_read(con: Connection, poisoned: list[int]) -> None:
    con.execute("SELECT embed('poison ' || i ON ERROR NULL) FROM range(3) r(i)").fetchall()
    (notice,) = con.notices
    assert notice.text.startswith("3 inputs failed") and "augur_errors()" in notice.text
    con.execute("SELECT embed('fine' ON ERROR NULL)").fetchall()
    assert con.notices == ()
    con.execute("SELECT embed('poison' ON ERROR NULL)").fetchall()
    assert [notice.text[:14] for notice in con.notices] == ["1 input failed"]
    statements = con.execute("SELECT statement, count(*) FROM augur_errors() GROUP BY 1 ORDER BY 1")
    assert [count for _, count in statements.fetchall()] == [3, 1]


def test_the_first_thousand_are_listed(con: Connection, poisoned: list[int]) -> None:
    con.execute("SELECT embed('poison ' || i ON ERROR NULL) FROM range(1500) r(i)").fetchall()
    assert [notice.text[:12] for notice in con.notices] == ["1,500 inputs"]
    assert con.execute("SELECT count(*) FROM augur_errors()").fetchall() == [(1000,)]


def test_a_cancel_is_not_an_error_of_an_input(con: Connection, poisoned: list[int]) -> None:
    with pytest.raises(errors.OperationalError, match="cancelled"):
        con.execute(
            "SELECT embed(x ON ERROR NULL) FROM (VALUES ('poison'), ('cancel'), ('c')) v(x)"
        ).fetchall()


def test_what_does_not_exist_is_an_error(con: Connection) -> None:
    with pytest.raises(errors.ProgrammingError, match="no model"):
        con.execute("SELECT embed(title USING MODEL nothing ON ERROR NULL) FROM reviews")
    with pytest.raises(errors.ProgrammingError, match="no index"):
        con.execute("SELECT predict('rating', title USING INDEX i ON ERROR NULL) FROM reviews")
