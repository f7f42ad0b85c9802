"""Every file of sql_examples/ prints what stands in sql_examples/expected/."""

import io
from pathlib import Path

import pytest

from augursql.database.session import Session
from augursql.frontends.shell.script import Script

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "sql_examples").glob("*.sql"))


@pytest.mark.filterwarnings("ignore::augursql.errors.StaleIndexWarning")
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    expected = ROOT / "sql_examples" / "expected" / f"{file.stem[:2]}.txt"
    out, err = io.StringIO(), io.StringIO()
    session = Session()
    try:
        status = Script(session, out, err).run(file.read_text(encoding="utf-8"))
    finally:
        session.close()
    assert status == 0, err.getvalue()
    assert out.getvalue() == expected.read_text(encoding="utf-8")


def test_each_expected_output_has_its_example() -> None:
    expected = (ROOT / "sql_examples" / "expected").glob("*.txt")
    assert [file.stem for file in sorted(expected)] == [file.stem[:2] for file in EXAMPLES]
