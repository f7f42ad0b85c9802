"""Harlequin's adapter, as Harlequin's own tests try adapters, and the real program."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("harlequin", reason="Harlequin is not installed: make clients")
pytestmark = pytest.mark.filterwarnings("default")

from harlequin import Harlequin, HarlequinAdapter, HarlequinConnection  # noqa: E402
from harlequin.catalog import Catalog, CatalogItem  # noqa: E402
from harlequin.exception import HarlequinConnectionError, HarlequinQueryError  # noqa: E402
from harlequin.plugins import load_adapter_plugins  # noqa: E402

from augursql.frontends.harlequin import Adapter  # noqa: E402

MAIN = "SELECT hotel, predict('rating', review USING INDEX hotels) AS predicted FROM reviews"
WRONG = "SELECT predict('rating', review USING INDEX hotel) FROM reviews"


@pytest.fixture
def connection(database: str) -> Iterator[HarlequinConnection]:
    opened = Adapter([database], no_init=True).connect()
    yield opened
    opened.close()


def test_harlequin_finds_the_adapter() -> None:
    found = load_adapter_plugins()["augur"]
    assert found is Adapter and issubclass(found, HarlequinAdapter)


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(HarlequinConnectionError):
        Adapter([str(tmp_path / "none" / "hotels.duckdb")], no_init=True).connect()


def test_a_query(connection: HarlequinConnection) -> None:
    cursor = connection.execute(MAIN + ";")
    assert cursor is not None
    assert cursor.columns() == [("hotel", "s"), ("predicted", "##")]
    assert cursor.fetchall().num_rows == 60


def test_a_limit_is_a_limit_of_predictions(connection: Any) -> None:
    cursor = connection.execute(MAIN + " -- all of them")
    assert cursor.set_limit(7).fetchall().num_rows == 7
    asked = connection.execute("SELECT sum(rows) AS n FROM augur_calls()").fetchone()
    assert asked == (7,)


def test_statements(connection: HarlequinConnection) -> None:
    assert connection.execute("CREATE INDEX titles ON reviews USING HNSW (title)") is None
    shown = connection.execute("SHOW INDEXES")
    assert shown is not None and shown.set_limit(1).fetchall().num_rows == 1
    assert connection.execute("DROP INDEX titles") is None
    given = connection.execute("PREDICT rating USING INDEX hotels GIVEN FROM reviews LIMIT 3")
    assert given is not None and ("rating_predictions", "##") in given.columns()
    kept = connection.execute("WITH a AS (FROM reviews) INSERT INTO reviews FROM a LIMIT 0")
    assert kept is None


def test_an_error_is_ours_with_its_place(connection: HarlequinConnection) -> None:
    with pytest.raises(HarlequinQueryError) as caught:
        connection.execute(WRONG)
    assert 'Did you mean "hotels"?' in caught.value.msg
    assert caught.value.msg.endswith(WRONG + "\n" + " " * 52 + "^^^^^")
    with pytest.raises(HarlequinQueryError):
        connection.execute("selec")


def items(catalog: list[CatalogItem], *path: str) -> list[str]:
    for label in path:
        [item] = [i for i in catalog if i.label == label]
        catalog = item.children or item.fetch_children()  # type: ignore[attr-defined]
    return [item.label for item in catalog]


def test_the_catalog(connection: HarlequinConnection) -> None:
    catalog = connection.get_catalog()
    assert isinstance(catalog, Catalog)
    top = catalog.items
    assert [item.label for item in top] == ["hotels", "indexes", "models"]
    assert items(top, "indexes") == ["hotels"] and items(top, "indexes", "hotels") == ["review"]
    assert items(top, "models") == ["minilm"]
    assert items(top, "hotels") == ["main"]
    assert items(top, "hotels", "main") == ["reviews"]
    assert "review" in items(top, "hotels", "main", "reviews")
    found = connection.search_catalog("hotel")
    assert ("indexes",) in [result.parents for result in found]


def test_completions(connection: HarlequinConnection) -> None:
    found = {completion.label: completion for completion in connection.get_completions()}
    assert {"predict", "using index", "augur_seed", "hotels", "minilm", "select"} <= set(found)
    assert found["predict"].priority <= found["concat"].priority


def test_a_selection_of_ours_is_valid(connection: HarlequinConnection) -> None:
    assert connection.validate_sql(MAIN) == MAIN
    assert connection.validate_sql("SELECT 1") == "SELECT 1"
    assert connection.validate_sql("predict('rating', review USING") == ""
    assert connection.validate_sql("selec 1") == ""


def test_a_running_statement_is_cancelled(connection: HarlequinConnection) -> None:
    cursor = connection.execute(
        "SELECT count(embed(review || a || b)) FROM reviews, range(500) t(a), range(500) u(b)"
    )
    assert cursor is not None
    cancel = threading.Timer(1.0, connection.cancel)
    cancel.start()
    began = time.monotonic()
    assert cursor.fetchall() is None
    assert time.monotonic() - began < 30
    again = connection.execute(MAIN)
    assert again is not None and again.set_limit(1).fetchall().num_rows == 1


def test_the_program_shows_rows_and_our_error(database: str) -> None:
    async def drive() -> None:
        app = Harlequin(Adapter([database], no_init=True), record_history=False)

        async def until(condition: Any) -> None:
            for _ in range(300):
                await pilot.pause(0.1)
                if condition():
                    return
            raise AssertionError(f"It never came; {app.screen} shows {shown(app)}")

        async def submit(text: str) -> None:
            app.editor.text = text
            app.editor.focus()
            await until(lambda: app.editor.has_focus_within)
            await pilot.press("ctrl+j")

        async with app.run_test(size=(120, 36)) as pilot:
            await until(lambda: app.editor is not None and app.connection is not None)
            await submit(MAIN + " LIMIT 5")
            await until(lambda: [t.row_count for t in app.query("DataTable")] == [5])
            await until(lambda: app.results_viewer.has_focus_within)
            await submit(WRONG)
            await until(lambda: type(app.screen).__name__ == "ErrorModal")
            assert 'Did you mean "hotels"?' in shown(app)

    asyncio.run(drive())


def shown(app: Harlequin) -> str:
    return "\n".join(str(widget.render()) for widget in app.screen.query("Static"))


def test_its_command_without_a_screen(database: str) -> None:
    script = Path(sys.executable).parent / "hsql"
    done = subprocess.run(
        [str(script), "-a", "augur", database, "-c", MAIN + " LIMIT 2", "--format", "csv"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.splitlines()[0] == "hotel,predicted", done.stderr
    assert len(done.stdout.splitlines()) == 3
