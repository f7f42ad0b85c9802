"""docs/shell.md has a row for every command, output mode and option, and for none that is not."""

import re
from pathlib import Path

import pytest

from augursql.frontends.shell.commands import COMMANDS, ELSEWHERE
from augursql.frontends.shell.look import MODES
from augursql.frontends.shell.main import run

PAGE = (Path(__file__).parents[2] / "docs" / "shell.md").read_text(encoding="utf-8")


def first_cells(beginning: str) -> list[str]:
    """The code in the first cells of the table rows that begin so."""
    rows = re.findall(rf"^\| (`{beginning}(?:[^|]|\\\|)*) \|", PAGE, re.MULTILINE)
    return re.findall(r"`([^`]+)`", " ".join(rows).replace("\\|", "|"))


def test_commands() -> None:
    wanted = [f".{name} {command.arguments}".rstrip() for name, command in COMMANDS.items()]
    assert first_cells(r"\.") == wanted
    assert all(f"`.{name}`" in PAGE for name in ELSEWHERE)


def test_modes() -> None:
    assert [cell for cell in first_cells(r"[a-z]") if " " not in cell] == list(MODES)


@pytest.mark.parametrize(("command", "written"), [("", "-"), ("predict", "--")])
def test_options(command: str, written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run([*([command] if command else []), "--help"])
    listed = capsys.readouterr().out.partition("\noptions:\n")[2].partition("\nexamples:")[0]
    known = set(re.findall(r"(?<=[ ,])-{1,2}[a-z][a-z-]*", listed))
    shown = {cell.split()[0] for cell in first_cells(written)}
    shown = {option for option in shown if option.startswith("--") == (written == "--")}
    assert shown <= known
    wanted = {option for option in known if option.startswith("--")}
    assert {option.lstrip("-") for option in wanted} - {"command", "file", "help"} <= {
        option.lstrip("-") for option in shown
    }
