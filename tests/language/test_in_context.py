"""A language model that learns from the examples in its prompt, through SQL.

On its task (see `tests/language/icl/task.py`) only examples tell the answer: similar ones help more
than random ones, these more than none, and wrong ones lead it astray.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.frontends.dbapi.connection import Connection
from tests.language.icl import task

FOLDER = Path(__file__).parent / "icl" / "model"
CHANCE = 1 / len(task.TEAMS)
TESTS = 60


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """Answered messages under the index `seen`, mislabelled ones under `wrong`, and `tests`."""
    rows = {
        "answered": task.index_rows(),
        "mislabelled": task.shuffled(task.index_rows()),
        "tests": task.test_rows(TESTS),
    }
    with Connection(settings={"progress": "off"}) as connection:
        for name, each in rows.items():
            connection.execute(f"CREATE TABLE {name} (message VARCHAR, team VARCHAR)")
            values = list(zip(each.texts, each.labels, strict=True))
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", values)
        connection.execute("CREATE INDEX seen ON answered USING HNSW (message)")
        connection.execute("CREATE INDEX wrong ON mislabelled USING HNSW (message)")
        connection.execute(f"CREATE MODEL icl FROM '{FOLDER}'")
        yield connection


def accuracy(con: Connection, clauses: str) -> float:
    call = f"predict('team', message USING MODEL icl {clauses})"
    ((share,),) = con.execute(f"SELECT avg(({call} = team)::INT) FROM tests").fetchall()
    return float(share)


def test_similar_examples_teach_more_than_random_ones_and_these_more_than_none(
    con: Connection,
) -> None:
    labels = ", ".join(f"'{team}'" for team in sorted(task.TEAMS.values()))
    ways = (
        f"OPTIONS (labels = [{labels}])",
        "USING INDEX seen TOP 8 RANDOM OPTIONS (seed = 1)",
        "USING INDEX seen TOP 8 SEMANTIC",
    )
    listed = ", ".join(f"team USING MODEL icl {way}" for way in ways)
    found = con.execute(
        f"SELECT rung, rows, accuracy FROM (EVALUATE {listed} GIVEN SELECT * FROM tests)"
    ).fetchall()
    assert [row[:2] for row in found] == [
        ("zero-shot", TESTS),
        ("random few-shot", TESTS),
        ("few-shot", TESTS),
    ]
    none, random, similar = (row[2] for row in found)
    assert none < 3 * CHANCE < random - 0.1
    assert random + 0.2 < similar
    assert similar > 0.85


def test_one_similar_example_is_enough(con: Connection) -> None:
    assert accuracy(con, "USING INDEX seen TOP 1") > 0.85


def test_shuffled_labels_in_the_index_break_it(con: Connection) -> None:
    assert accuracy(con, "USING INDEX wrong TOP 8") < 3 * CHANCE
