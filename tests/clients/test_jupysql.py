"""A notebook with %%sql, run by a kernel of its own."""

from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed: make clients")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: make clients")
pytest.importorskip("sql.magic", reason="JupySQL is not installed: make clients")
pytestmark = pytest.mark.filterwarnings("default")

OPENED = """
%load_ext sql
%config SqlMagic.displaycon = False
import augursql
con = augursql.connect({database!r})
%sql con --alias hotels
"""


def run(*cells: str) -> list[str]:
    """Runs cells in a fresh kernel; what each of them shows, as text."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbclient.NotebookClient(notebook, timeout=200, allow_errors=True).execute()
    return ["\n".join(map(_text, cell.outputs)) for cell in notebook.cells]


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.data["text/plain"])


def test_magics_with_a_connection_of_ours(database: str) -> None:
    shown = run(
        OPENED.format(database=database),
        "%%sql\nSELECT hotel, predict('rating', review USING INDEX hotels) AS predicted\n"
        "FROM reviews LIMIT 3",
        "rated = %sql FROM (PREDICT rating USING INDEX hotels GIVEN SELECT review FROM reviews)\n"
        "rated.DataFrame().rating_predictions.count()",
        "%sql SELECT predict('rating', review USING INDEX hotel) FROM reviews",
        "wanted = 'no hot water'",
        "%sql SELECT rank FROM search('hotels', '{{wanted}}', k := 2)",
        "%%sql\nCREATE TABLE scored (id INTEGER)",
        "%%sql --save mean --no-execute\n"
        "SELECT hotel, avg(predict('rating', review USING INDEX hotels)) FROM reviews GROUP BY 1",
        "%sql --with mean SELECT count(*) AS hotels FROM mean",
    )
    table = [line for line in shown[1].splitlines() if line.startswith("|")]
    assert len(table) == 4 and "predicted" in table[0]
    assert "60" in shown[2]
    assert 'Did you mean "hotels"?' in shown[3] and "^^^^^" in shown[3]
    assert "|  1   |" in shown[5] and "|  2   |" in shown[5]
    assert "Error" not in shown[6]
    assert "hotels" in shown[8] and "Error" not in shown[8]


def test_magics_with_sqlalchemy(database: str) -> None:
    pytest.importorskip("augursql.frontends.sqlalchemy")
    shown = run(
        f"%load_ext sql\n%sql augur:///{database}",
        "%sql SELECT predict('rating', review USING INDEX hotels) AS rated FROM reviews LIMIT 2",
        "%sqlcmd tables",
        "%sql SELECT predict('rating', review USING INDEX hotel) FROM reviews",
    )
    assert "rated" in shown[1]
    assert "reviews" in shown[2]
    assert 'Did you mean "hotels"?' in shown[3]


def test_a_notebook_shows_the_progress_bar(database: str) -> None:
    shown = run(
        f"import augursql\ncon = augursql.connect({database!r})",
        "con.execute('SELECT count(embed(title || i)) FROM reviews, range(60) t(i)').fetchall()",
    )
    assert "embed: " in shown[1] and "(3600,)" in shown[1]
