"""What is run ahead, to see what a statement will ask, changes nothing."""

import pytest

from augursql.frontends.dbapi.connection import Connection

GUESS = "predict('rating', review USING INDEX hotels)"
CHANGES = (
    "DELETE FROM target USING x WHERE target.id = x.i AND {guess} IS NULL",
    "UPDATE target SET rating = {guess} FROM x WHERE id = x.i",
    "INSERT INTO target SELECT target.* REPLACE ({guess} AS rating) FROM target, x WHERE id = x.i",
    "MERGE INTO target USING x ON id = x.i AND {guess} > 9 WHEN NOT MATCHED THEN "
    "INSERT (id) VALUES (x.i)",
)


@pytest.fixture
def target(indexed: Connection) -> Connection:
    indexed.execute("CREATE TABLE target AS FROM reviews LIMIT 20")
    return indexed


def _rows(con: Connection) -> list[tuple[object, ...]]:
    return con.execute("FROM target ORDER BY ALL").fetchall()


@pytest.mark.parametrize("change", CHANGES)
def test_explain_changes_nothing(target: Connection, change: str) -> None:
    before = _rows(target)
    sql = change.format(guess=GUESS)
    target.execute(f"EXPLAIN WITH x AS (SELECT 8 AS i) {sql}").fetchall()
    assert _rows(target) == before


@pytest.mark.parametrize("settings", [{}, {"max_rows": 1000}, {"execution": "staged"}])
@pytest.mark.parametrize("prefix", ["", "EXPLAIN ANALYZE "])
def test_an_insert_behind_with_runs_once(
    target: Connection, settings: dict[str, object], prefix: str
) -> None:
    for name, value in settings.items():
        target.execute(f"SET augur_{name} = '{value}'")
    some = f"x AS (SELECT id, {GUESS} AS r, review FROM reviews LIMIT 5)"
    sql = f"{prefix}WITH {some} INSERT INTO target (id, rating, review) FROM x"
    cursor = target.execute(sql)
    if prefix:
        cursor.fetchall()
    assert len(_rows(target)) == 25
    assert target.execute("SELECT count(rating) FROM target").fetchone() == (
        5 + _rated(target, 20),
    )


def _rated(con: Connection, rows: int) -> int:
    found = con.execute(f"SELECT count(rating) FROM (FROM reviews LIMIT {rows})").fetchone()
    assert found is not None
    return int(found[0])
