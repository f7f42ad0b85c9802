"""The examples of docs/language.md run, from top to bottom, on one connection."""

import re
from pathlib import Path

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection

ROOT = Path(__file__).parents[2]
LANGUAGE_MODEL = ROOT / "tests" / "language" / "icl" / "model"
BLOCK = re.compile(r"^```sql( error)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_does_what_it_is_there_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sql_examples").symlink_to(ROOT / "sql_examples")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("```sql")
    with Connection(settings={"progress": "off"}) as con:
        con.execute(f"CREATE MODEL llm FROM '{LANGUAGE_MODEL}'")
        for block in blocks:
            line = text.count("\n", 0, block.start()) + 1
            _check(con, block[2], block[1] is not None, f"docs/language.md, line {line}")


def _check(con: Connection, sql: str, fails: bool, place: str) -> None:
    try:
        cursor = con.execute(sql)
        rows = cursor.fetchall() if cursor.description else None
    except augursql.Error as error:
        if not fails:
            pytest.fail(f"{place}: {error}")
        return
    if fails:
        pytest.fail(f"{place} ran, and is said to fail")
    assert rows is None or rows or "CREATE" in sql, f"{place} gave no rows"
