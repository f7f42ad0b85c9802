"""Rules change no rows, names, types or errors, and cost no evaluations: random queries say so.

AUGUR_RANDOM_QUERIES is how many are run, AUGUR_RANDOM_SEED where they begin. A failure prints the
seed, which alone repeats it, the tables, and the statement.
"""

import os
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.rules import blocks, effects, shapes
from tests.rules.laboratory import Laboratory
from tests.rules.tables import random_tables
from tests.rules.verdicts import report, verdict

QUERIES = int(os.environ.get("AUGUR_RANDOM_QUERIES", "150"))
SEED = int(os.environ.get("AUGUR_RANDOM_SEED", "1"))
QUERIES_A_TABLE = 15


def weights(folder: Path) -> dict[shapes.Shape, int]:
    """How often each shape comes."""
    often = (shapes.simple, shapes.joined, blocks.nested, blocks.aliased, shapes.ordered)
    seldom = (
        *(shapes.limited, shapes.early, shapes.semantic_join, shapes.searched, blocks.grouped),
        *(blocks.whole, blocks.windowed, blocks.distinct, blocks.combined, blocks.common),
        *(blocks.starred, blocks.unguarded, blocks.listed, effects.parameterised),
        *(effects.prepared, effects.created, effects.inserted, effects.updated),
        *(effects.deleted, effects.volatile, partial(effects.copied, file=f"{folder}/copied.csv")),
    )
    return {**dict.fromkeys(often, 3), **dict.fromkeys(seldom, 1)}


@pytest.mark.filterwarnings("ignore::augursql.errors.StaleIndexWarning")
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, QUERIES // QUERIES_A_TABLE)))
def test_rules_change_nothing_and_cost_nothing(
    laboratory: Laboratory, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    tables, chosen = random_tables(random), weights(tmp_path)
    laboratory.load(tables)
    for _ in range(QUERIES_A_TABLE):
        case = shapes.random_case(random, chosen)
        wrong = verdict(laboratory, case)
        if wrong:
            pytest.fail(f"AUGUR_RANDOM_SEED={seed}: {report(laboratory, tables, case, wrong)}")
