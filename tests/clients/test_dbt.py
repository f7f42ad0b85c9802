"""dbt itself builds a small project with predictions in it, twice."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from augursql.frontends.dbapi.connection import Connection

pytest.importorskip("dbt.adapters.duckdb", reason="dbt-duckdb is not installed: make clients")
pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
REVIEWS = HERE.parents[1] / "sql_examples" / "hotel_reviews.csv"

Dbt = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "hotels", tmp_path / "hotels"))


def dbt(project: Path, *arguments: str, fails: bool = False, **variables: object) -> str:
    """Runs a command of dbt's in the project; returns what it printed."""
    given = str({"file": str(REVIEWS), **variables})
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments, "--vars", given, "--no-use-colors"],
        cwd=project,
        env={**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_NO_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout


def test_models_hooks_and_tests_speak_our_language(project: Path) -> None:
    assert "PASS=4" in dbt(project, "run")
    assert "PASS=3" in dbt(project, "test")
    dbt(project, "run", up_to=60)
    with Connection(str(project / "hotels.duckdb")) as con:
        assert con.execute("SELECT count(predicted) FROM rated").fetchall() == [(60,)]
        assert con.execute("SELECT count(predicted) FROM seen").fetchall() == [(60,)]
        assert con.execute("SELECT rows FROM (SHOW INDEXES)").fetchall() == [(60,)]
        # The second run of the incremental model asked about the 20 rows that came to it.
        assert con.execute("SELECT rows FROM asked").fetchall() == [(40,), (20,)]
        assert con.execute("SELECT count(DISTINCT id), count(*) FROM titled").fetchall() == [
            (60, 60)
        ]


def test_an_error_is_ours_with_its_place(project: Path) -> None:
    dbt(project, "run", "--select", "reviews")
    printed = dbt(project, "run", "--select", "rated", fails=True, target="ratings")
    assert "Did you mean" in printed and "rating" in printed
    assert "^" in printed
