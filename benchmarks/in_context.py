"""Accuracy of a language model that learns from its context, rung by rung, through SQL.

    python benchmarks/in_context.py

The model is the small one of the tests (tests/language/icl): only examples can tell it the answer.
"""

import sys
from pathlib import Path

from data import table, verdict

sys.path.insert(0, str(Path(__file__).parents[1]))

import augursql  # noqa: E402
from tests.language.icl import task  # noqa: E402

MODEL = Path(__file__).parents[1] / "tests" / "language" / "icl" / "model"


def main() -> None:
    con = augursql.connect(settings={"progress": "off"})
    rows = {
        "answered": task.index_rows(),
        "mislabelled": task.shuffled(task.index_rows()),
        "tests": task.test_rows(),
    }
    for name, each in rows.items():
        con.execute(f"CREATE TABLE {name} (message VARCHAR, team VARCHAR)")
        con.executemany(
            f"INSERT INTO {name} VALUES (?, ?)", list(zip(each.texts, each.labels, strict=True))
        )
    con.execute("CREATE INDEX seen ON answered USING HNSW (message)")
    con.execute("CREATE INDEX wrong ON mislabelled USING HNSW (message)")
    con.execute(f"CREATE MODEL icl FROM '{MODEL}'")
    teams = ", ".join(f"'{team}'" for team in task.TEAMS.values())
    ways = {
        "zero-shot": f"OPTIONS (labels = [{teams}])",
        "few-shot, random": "USING INDEX seen TOP 8 RANDOM",
        "few-shot, similar": "USING INDEX seen TOP 8",
        "few-shot, similar, labels shuffled": "USING INDEX wrong TOP 8",
    }
    listed = ", ".join(f"team USING MODEL icl {way}" for way in ways.values())
    found = con.execute(
        f"SELECT accuracy, tokens, seconds FROM (EVALUATE {listed} GIVEN SELECT * FROM tests)"
    ).fetchall()
    table(
        ("rung", "clause", "accuracy", "tokens", "seconds"),
        [
            (name, clause.split(" OPTIONS")[0][:40], f"{a:.1%}", tokens, f"{seconds:.1f}")
            for (name, clause), (a, tokens, seconds) in zip(ways.items(), found, strict=True)
        ],
    )
    zero, random, similar, shuffled = (accuracy for accuracy, _, _ in found)
    missed = []
    if not zero < random < similar:
        missed.append("zero-shot < random few-shot < semantic few-shot")
    if shuffled > 0.25:
        missed.append("shuffled labels break it")
    verdict(missed)


if __name__ == "__main__":
    main()
