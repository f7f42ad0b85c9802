"""The shell as a person uses it: keys go into a real terminal, and its screen is read."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from augursql.frontends.dbapi.connection import Connection
from tests.frontends.screen import Screen

LONG = "SELECT count(predict('rating', x USING INDEX hotels)) AS n FROM long_texts;"
Opened = Callable[..., Screen]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens shells that share a home; those that still run are ended behind the test."""
    screens = []

    def open_one(*arguments: str, size: tuple[int, int] = (40, 100)) -> Screen:
        screens.append(Screen(arguments, tmp_path, size))
        return screens[-1]

    yield open_one
    for screen in screens:
        screen.child.close(force=True)


def test_a_statement_of_many_lines(opened: Opened) -> None:
    screen = opened()
    assert "a database in memory" in screen.until("augur>")
    assert "  ...>" in screen.run("SELECT 41 + 1", waits_for="  ...>")
    screen.send("\r-- a comment; no end\r")
    screen.send("AS answer\r")
    screen.send(";\r")
    shown = screen.until("     42 │")
    assert shown.count("  ...>") == 4
    screen.send(".quit\r")
    assert screen.leave() == 0


COMPLETED = [
    (
        "SELECT predict('rati",
        "rating'",
        ", review USING INDEX hotels) > 0 AS a FROM reviews;",
        "true",
    ),
    (
        "SELECT predict('rating', review USING INDEX ho",
        "hotels",
        ") > 0 AS a FROM reviews;",
        "true",
    ),
    ("SELECT count(revi", "review", ") AS n FROM reviews;", "60"),
    ("SELECT count(*) AS n FROM rev", "reviews", ";", "60"),
    ("SELECT embed('a' USING MODEL mini", "minilm", ") IS NULL AS lost;", "false"),
    ("SET augur_see", "augur_seed", " = 7;", "augur_seed = 7"),
    ("DESC", "DESCRIBE", " reviews;", "rating"),
    ("FROM 'answ", "answers.csv", "';", "fourty-two"),
    (".tab", ".tables", "", "reviews"),
    (".mode markd", ".mode markdown", "", "augur>"),
]


def test_tab_completes_names_of_all_kinds(opened: Opened, database: str, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("answer\nfourty-two\n")
    screen = opened(database)
    screen.run(f".cd {tmp_path}")
    for typed, completed, rest, answer in COMPLETED:
        screen.clear()
        screen.send(typed)
        screen.until(typed)
        screen.send("\t")
        screen.until(lambda shown: completed in shown.splitlines()[0])  # noqa: B023
        screen.send(rest + "\r")
        assert answer in screen.until(lambda shown: "\n" in shown and shown.endswith("augur>"))
    screen.send("\x04")
    assert screen.leave() == 0


def test_ctrl_c_empties_the_line_and_ctrl_d_leaves(opened: Opened) -> None:
    screen = opened()
    screen.until("augur>")
    screen.send("SELECT 'never'")
    screen.until("never")
    screen.send("\x03")
    screen.until(lambda shown: shown.count("augur>") == 2)
    assert "      1 │" in screen.run("SELECT 1 AS here;")
    screen.send("\x04")
    assert screen.leave() == 0


def test_ctrl_c_stops_a_long_prediction_and_not_the_shell(opened: Opened, database: str) -> None:
    with Connection(database, settings={"progress": "off"}) as connection:
        connection.execute(
            "CREATE TABLE long_texts AS SELECT i || repeat(' the room was cold ' || i, 40) AS x "
            "FROM range(100000) r(i)"
        )
    screen = opened(database)
    screen.run("SET augur_execution = 'staged';")
    screen.send(LONG + "\r")
    assert "/100000 [" in screen.until("%|"), "the bar knows its end"
    screen.send("\x03")
    pressed = time.monotonic()
    screen.until("Interrupted.")
    assert time.monotonic() - pressed < 10, "one second on a quiet machine"
    assert "      1 │" in screen.run("SELECT 1 AS here;")
    screen.send("SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i);\r")
    time.sleep(0.5)
    screen.send("\x03")
    screen.until("Interrupted.")
    assert "      2 │" in screen.run("SELECT 2 AS here;")
    screen.send("\x04")
    assert screen.leave() == 0


def test_history_is_kept_without_secrets(opened: Opened, tmp_path: Path) -> None:
    screen = opened()
    screen.run("SELECT 'first' AS a;")
    screen.run("CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET 'hidden');")
    screen.run("SELECT 'second' AS a;")
    screen.send("\x1b[A\x1b[A\x1b[A")
    screen.until(lambda shown: shown.endswith("AS a;") and "first" in shown.splitlines()[-1])
    screen.send("\x03\x04")
    assert screen.leave() == 0
    again = opened()
    again.until("augur>")
    again.send("\x1b[A\x1b[A")
    assert "SELECT 'first' AS a;" in again.until("first")
    again.send("\r")
    again.until("│ first")
    history = tmp_path / "history"
    assert "hidden" not in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(shutil.which("less") is None, reason="there is no less here")
def test_a_long_result_goes_through_the_pager(opened: Opened) -> None:
    screen = opened(size=(24, 80))
    shown = screen.run("FROM range(200);")
    assert "200 rows, 40 shown" in shown
    screen.send(".last\r")
    screen.until(lambda shown: shown.endswith(":"))
    assert "augur>" not in screen.lines[-1]
    screen.send("/ 150 \r")
    screen.until("150")
    screen.send("\x03")
    time.sleep(0.2)
    screen.send("q")
    screen.until(lambda shown: shown.endswith("augur>"))
    assert "      1 │" in screen.run("SELECT 1 AS here;")
    screen.run(".pager off")
    screen.run(".maxrows 0")
    assert "200 rows" in screen.run("FROM range(200);")


def test_errors_have_a_caret_and_colour(opened: Opened, database: str) -> None:
    screen = opened(database)
    shown = screen.run("SELECT predict('rating', review USING INDEX hotel) FROM reviews;")
    assert 'There is no index "hotel".' in shown
    assert 'Did you mean "hotels"?' in shown
    line = next(number for number, text in enumerate(screen.lines) if text.strip() == "^^^^^")
    assert screen.lines[line - 1][screen.lines[line].index("^") :].startswith("hotel)")
    assert screen.colour(line, "^") == "red"
    screen.run(".highlight_errors off")
    screen.run("SELECT nope;")
    line = next(number for number, text in enumerate(screen.lines) if "^" in text)
    assert screen.colour(line, "^") == "default"


def test_what_is_typed_is_coloured(opened: Opened) -> None:
    screen = opened()
    screen.until("augur>")
    screen.send("SELECT predict('a', 1)")
    screen.until("1)")
    line, words = screen.screen.cursor.y, ("SELECT", "predict", "'a'", "1")
    screen.until(lambda shown: len({screen.colour(line, word) for word in words}) == 4)
    assert "default" not in [screen.colour(line, word) for word in words]
    screen.send("\x03")
    screen.run(".highlight off")
    screen.send("SELECT 1")
    screen.until("SELECT 1")
    assert screen.colour(screen.screen.cursor.y, "SELECT") == "default"


def test_ones_own_file_runs_first_and_no_script_sees_it(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / ".augurrc").write_text(
        ".startup_text none\n.mode csv\n.prompt 'sql> '\nSELECT nope;"
    )
    screen = opened()
    shown = screen.until(lambda shown: shown.endswith("sql>"))
    assert "AugurSQL" not in shown
    assert "Binder Error" in shown, "and its error does not keep the person out"
    screen.send("SELECT 1 AS a;\r")
    screen.until(lambda shown: "\na\n1\n" in shown)
    screen.send("exit\r")
    assert screen.leave() == 0
    script = opened("-c", "SELECT 1 AS a")
    assert "│" in script.until("│")


def test_edit_runs_what_the_editor_leaves(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/41/42/")
    screen = opened()
    screen.run("SELECT 41 AS answer;")
    assert "     42 │" in screen.run(".edit")
    monkeypatch.setenv("EDITOR", "nowhere")
