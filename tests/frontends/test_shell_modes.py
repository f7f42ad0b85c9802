"""Output modes and dot commands against DuckDB's own shell, and what ours says of the others."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.frontends.shell.commands import COMMANDS, ELSEWHERE
from augursql.frontends.shell.look import MODES
from augursql.frontends.shell.options import parsed
from tests.frontends.test_shell import Shell, augur

VALUES = (
    "SELECT 1 AS a, 'x|y\"z<b>' AS \"lo ng\", NULL::INT AS n, [1, 2] AS l, DATE '2020-01-01' AS d "
    "UNION ALL SELECT 22, 'its', 3, NULL, NULL ORDER BY a"
)


@pytest.fixture
def shell() -> Iterator[Shell]:
    opened = Shell()
    yield opened
    opened.script.close()


@pytest.fixture(scope="module")
def duckdb_shell() -> str:
    cli = pytest.importorskip("duckdb_cli")
    return str(Path(cli.__file__).with_name("duckdb"))


def asked(duckdb_shell: str, script: str) -> str:
    done = subprocess.run(
        [duckdb_shell, "-no-init", ":memory:"], input=script, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "mode",
    ["column", "html", "jsonlines", "line", "list", "quote", "table", "tabs", "tcl", "trash"],
)
@pytest.mark.parametrize("headers", ["on", "off"])
def test_modes_that_are_the_same_in_duckdbs_shell(
    shell: Shell, duckdb_shell: str, mode: str, headers: str
) -> None:
    values = VALUES.replace("[1, 2]", "'[1, 2]'") if mode == "tcl" else VALUES
    script = f".mode {mode}\n.headers {headers}\n{values};\n"
    theirs = asked(duckdb_shell, script)
    ours = shell(script)
    if mode == "tcl":
        ours = ours.replace("\\[", "[")  # Tcl would run what stands in brackets.
    if mode == "table":  # Ours align names and numbers as our box does.
        ours, theirs = (re.sub(" +", "", text) for text in (ours, theirs))
    assert ours == theirs


def test_insert_can_be_run_again(shell: Shell) -> None:
    shell(
        "CREATE TABLE t AS SELECT * FROM (VALUES (1, 'it''s', true, 1.5, 'nan'::DOUBLE, "
        "[DATE '2020-01-01'], NULL), (2, NULL, false, 2, 3, NULL, NULL)) v(i, s, b, d, f, l, n)"
    )
    inserts = shell(".mode insert 'u p'\nFROM t")
    assert inserts.startswith(
        'INSERT INTO "u p"("i","s","b","d","f","l","n") VALUES(1,\'it\'\'s\',true,1.5'
    )
    shell(f'CREATE TABLE "u p" AS FROM t LIMIT 0;\n{inserts}')
    assert (
        shell('.mode list\n.headers off\nSELECT count(*) FROM (FROM t INTERSECT FROM "u p")')
        == "2\n"
    )


def test_ascii_latex_and_widths(shell: Shell) -> None:
    assert shell(".mode ascii\nSELECT 1 AS a, 'x' AS b") == "a\x1fb\x1e1\x1fx\x1e"
    assert shell(".separator \\t \\r\\n\nSELECT 1 AS a, 'x' AS b") == "a\tb\r\n1\tx\r\n"
    latex = shell(".mode latex\nSELECT 1 AS a_b, '5 % & more' AS b")
    assert latex.splitlines()[0] == "\\begin{tabular}{|rl|}"
    assert "a\\_b" in latex
    assert "5 \\% \\& more \\\\" in latex
    assert shell(".mode column\n.width 5 -4\nSELECT 1 AS a, 2 AS b") == (
        "a         b\n-----  ----\n1         2\n"
    )


def test_import(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("i;s\n1;one\n2;two\n")
    (tmp_path / "b").write_text('{"i": 3, "s": "three"}\n')
    text = f".mode list\n.headers off\n.changes on\n.import {tmp_path}/a.csv main.t --delim ;"
    assert shell(text) == "changes: 2\n"
    assert shell(f".import --json {tmp_path}/b t") == "changes: 1\n"
    assert shell("SELECT sum(i), max(s) FROM t") == "6|two\n"
    for wrong, told in (
        (".import a.csv", "Usage: .import FILE TABLE"),
        (".import b t", "does not tell a format"),
        (".import nowhere.csv t", "nowhere.csv"),
        (".import a.csv t --delim", "--delim needs a value"),
    ):
        shell(wrong, status=1)
        assert told in shell.err.getvalue()


def test_the_last_result_uncut(shell: Shell) -> None:
    shell(".last", status=1)
    assert "no last result" in shell.err.getvalue()
    assert "shown" in shell(".maxrows 5\nSELECT i, repeat('x', 200) AS s FROM range(50) r(i)")
    whole = shell("INSTALL_NOT; .last", status=1) or shell(".last")
    assert "shown" not in whole
    assert "x" * 200 in whole
    assert len(whole.splitlines()) == 50 + 6


def test_open_new_begins_afresh(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "a.duckdb"
    shell(f".open '{file}'\nCREATE TABLE t(i INT)")
    assert f"filename: {file}\n" in shell(".show")
    assert shell(f".open --readonly {file}\n.tables") == "t\n"
    shell("CREATE TABLE u(i INT)", status=1)
    assert shell(f".open --new {file}\n.tables") == ""
    shell("CREATE TABLE u(i INT)")
    shell(".open --sql x", status=1)
    assert "Usage: .open" in shell.err.getvalue()


def test_every_command_of_duckdbs_shell_is_known(duckdb_shell: str) -> None:
    listed = re.sub(r"\x1b\[\d*m", "", asked(duckdb_shell, ".help -all\n"))
    theirs = re.findall(r"^\.(\w+)", listed, re.MULTILINE)
    assert len(theirs) > 40
    assert set(theirs) <= {*COMMANDS, *ELSEWHERE}
    assert not set(COMMANDS) & set(ELSEWHERE)
    modes = re.findall(r"^    (\w+) {5,}", listed, re.MULTILINE)
    assert set(modes) - {"duckbox"} == set(MODES)


def test_every_option_of_duckdbs_shell_is_known(
    duckdb_shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = subprocess.run([duckdb_shell, "-help"], capture_output=True, text=True).stdout
    theirs = set(re.findall(r"^\S*  (-[\w-]+)", listed, re.MULTILINE))
    assert len(theirs) > 30
    for option in theirs - {"-dark-mode", "-light-mode", "-safe", "-ui", "-unredacted"}:
        with pytest.raises(SystemExit) as end:
            parsed([option, "--help"])
        assert end.value.code == 0 or "expected one argument" in capsys.readouterr().err, option


def test_what_duckdbs_shell_alone_has_is_told(shell: Shell) -> None:
    for name, instead in ELSEWHERE.items():
        shell(f".{name} x", status=1)
        assert f"DuckDB's .{name} is not here. {instead}" in shell.err.getvalue()


def test_usage_is_told(shell: Shell) -> None:
    for line, told in (
        (".headers", "Usage: .headers on|off"),
        (".maxrows many", "Usage: .maxrows COUNT"),
        (".width a", "Usage: .width NUM..."),
        (".prompt", "Usage: .prompt MAIN ?CONTINUE?"),
        (".pager no-such-program", 'there is no program "no-such-program"'),
        (".startup_text some", '.startup_text knows no "some"'),
        (".mode csv t", "only mode insert takes a table"),
        (".shell", "Usage: .shell CMD ARGS..."),
        (".edit", "no terminal for an editor"),
        (".e", "may mean .echo, .edit, .exit, .explain"),
    ):
        shell(line, status=1)
        assert told in shell.err.getvalue()


def test_options_for_batches(tmp_path: Path) -> None:
    assert augur("-no-stdin", stdin="SELECT 1").stdout == ""
    assert augur("-batch", "-list", stdin="SELECT 1 AS a").stdout == "a\n1\n"
    done = augur("-csv", "-newline", "\\r\\n", "-separator", "\\t", "-c", "SELECT 1 AS a, 2 AS b")
    assert done.stdout == "a\tb\n1\t2\n", "the test reads \\r\\n as \\n"
    allowed = "SELECT current_setting('allow_unsigned_extensions') AS a"
    assert augur("-list", "-unsigned", "-c", allowed).stdout == "a\ntrue\n"
    assert augur("-list", "-c", allowed).stdout == "a\nfalse\n"
    file = str(tmp_path / "a.duckdb")
    done = augur(file, "-storage-version", "v1.2.0", "-c", "CREATE TABLE t(i INT)")
    assert (done.returncode, done.stderr) == (0, "")
    done = augur(file, "-storage-version", "v99", "-c", "SELECT 1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
