"""The Python blocks of docs/connect run, from top to bottom, and print what stands below them."""

import contextlib
import io
import re
import textwrap
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^ *# ->(?: (.*))?$", re.MULTILINE)
NEEDED = {
    "python": ("pyarrow",),
    "pandas": ("pandas", "polars", "sqlalchemy", "duckdb_sqlalchemy"),
    "sqlalchemy": ("sqlalchemy", "duckdb_sqlalchemy"),
}


@pytest.mark.parametrize("page", NEEDED)
def test_every_block_prints_what_it_says(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in NEEDED[page]:
        pytest.importorskip(module)
    (tmp_path / "sql_examples").symlink_to(ROOT / "sql_examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUGUR_PROGRESS", "off")
    text = (ROOT / "docs" / "connect" / f"{page}.md").read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    blocks = [match[1] for match in BLOCK.finditer(text)]
    assert blocks
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
            exec(compile(textwrap.dedent(block), f"{page}.md", "exec"), names)
        told = [line.rstrip() for line in printed.getvalue().splitlines()]
        assert told == PRINTED.findall(block), block
