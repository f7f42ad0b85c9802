"""Scripts in the shell: output modes, dot commands, completion; see test_terminal for a person."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.database.session import Session
from augursql.errors import StorageError
from augursql.frontends.shell.completion import candidates
from augursql.frontends.shell.look import Look
from augursql.frontends.shell.main import open_session
from augursql.frontends.shell.names import Names, read
from augursql.frontends.shell.parts import Part, complete, parts
from augursql.frontends.shell.script import Script

VALUES = """
SELECT * FROM (VALUES
    (1, NULL, 'x|y "z", é', ['a b', NULL], {'k': 1.5}, DATE '2020-01-31', true, 1.10),
    (2, 5, E'two\\nlines', [], NULL, NULL, false, NULL)) AS v(i, n, s, l, st, d, b, de)
"""


class Shell:
    """A script whose output is kept."""

    def __init__(self, look: Look | None = None, path: str = ":memory:") -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.script = Script(open_session(path, False), self.out, self.err, look, open_session)

    def __call__(self, text: str, status: int = 0) -> str:
        """What the text prints on the output."""
        before = len(self.out.getvalue())
        assert self.script.run(text) == status, self.err.getvalue()
        return self.out.getvalue()[before:]


@pytest.fixture
def shell() -> Iterator[Shell]:
    opened = Shell()
    yield opened
    opened.script.close()


def test_csv_as_duckdbs_shell_writes_it(shell: Shell) -> None:
    assert shell(f".mode csv\n{VALUES}") == (
        "i,n,s,l,st,d,b,de\n"
        '1,NULL,"x|y ""z"", é","[a b, NULL]",{\'k\': 1.5},2020-01-31,true,1.10\n'
        '2,5,"two\nlines",[],NULL,NULL,false,NULL\n'
    )
    assert shell(".headers off\n.nullvalue ''\n.separator ;\nSELECT NULL, 'a;b'") == ';"a;b"\n'


def test_json_can_be_read(shell: Shell) -> None:
    rows = [
        {"i": 1, "n": None, "s": 'x|y "z", é', "l": ["a b", None], "st": {"k": 1.5}}
        | {"d": "2020-01-31", "b": True, "de": 1.1},
        {"i": 2, "n": 5, "s": "two\nlines", "l": [], "st": None, "d": None, "b": False, "de": None},
    ]
    assert json.loads(shell(f".mode json\n{VALUES}")) == rows
    lines = shell(f".mode jsonlines\n{VALUES}").splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert shell(".mode json\nSELECT 1 AS a WHERE false") == "[]\n"
    plain = shell(".mode json\nSELECT 'nan'::DOUBLE AS a, '{\"x\": 1}'::JSON AS j, 'a\"b' AS s")
    assert json.loads(plain) == [{"a": None, "j": {"x": 1}, "s": 'a"b'}]


def test_line_list_tabs_and_markdown(shell: Shell) -> None:
    two = "SELECT 1 AS a, 'x|y' AS long UNION ALL SELECT 22, NULL ORDER BY a"
    assert shell(f".mode line\n{two}") == ("    a = 1\n long = x|y\n\n    a = 22\n long = NULL\n")
    assert shell(f".mode list\n{two}") == "a|long\n1|x|y\n22|NULL\n"
    assert shell(f".mode tabs\n{two}") == "a\tlong\n1\tx|y\n22\tNULL\n"
    assert shell(f".mode markdown\n{two}") == (
        "|  a | long |\n|---:|------|\n|  1 | x\\|y |\n| 22 | NULL |\n"
    )


def test_a_box_is_cut_with_a_note(shell: Shell) -> None:
    cut = shell(".maxrows 4\nFROM range(100)")
    assert "100 rows, 4 shown" in cut
    assert cut.count("·") == 3
    assert [f"│ {n:>6} │" in cut for n in (0, 1, 2, 97, 98, 99)] == [
        *(True, True, False),
        *(False, True, True),
    ]
    assert "shown" not in shell(".maxrows 0\nFROM range(100)")
    narrow = shell(".maxwidth 30\nSELECT repeat('x', 200) AS a, 1 AS b")
    assert max(map(len, narrow.splitlines())) <= 30
    assert "…" in narrow
    wide = shell(".maxwidth 60\nSELECT " + ", ".join(f"{n} AS col_{n}" for n in range(30)))
    assert {len(line) for line in wide.splitlines()[:-1]} <= set(range(40, 61))
    assert [f"col_{n}" in wide for n in (0, 1, 28, 29, 15)] == [True] * 4 + [False]
    assert "30 columns, 5 shown" in wide
    assert "\x1b" not in shell("SELECT E'a\\x1b[31mb' AS a"), "a value cannot steer the terminal"


@pytest.mark.parametrize(
    "value",
    [
        "INTERVAL 3 MONTH + INTERVAL 30 SECOND",
        "TIMESTAMPTZ '2020-01-01 10:00:00+00'",
        "TIMESTAMP '2020-01-01 10:00:00.5'",
        "0.1::FLOAT",
        "2e20::DOUBLE",
        "MAP {'a': [1, NULL]}",
        "{'a': 'it''s', 'b': DATE '2020-01-01'}",
        "'\\xAA\\x01b'::BLOB",
        "170141183460469231731687303715884105727::HUGEINT",
        "'101'::BIT",
        "TIMETZ '10:00:00+01'",
        "'a'::ENUM('a', 'b[')",
        "'infinity'::DATE",
        "0.000000000001::DECIMAL(38, 12)",
        "[['a, b'], NULL]",
    ],
)
def test_values_look_as_duckdb_casts_them(shell: Shell, value: str) -> None:
    connection = shell.script.terminal.session.connection
    wanted = connection.execute(f"SELECT CAST({value} AS VARCHAR)").fetchall()[0][0]
    assert shell(f".mode list\n.headers off\nSELECT {value}") == f"{wanted}\n"


def test_the_time_zone_of_the_session_is_kept(shell: Shell) -> None:
    shell(".mode list\n.headers off\nSET TimeZone = 'Asia/Tokyo'")
    assert shell("SELECT TIMESTAMPTZ '2020-01-01 00:00:00+00'") == "2020-01-01 09:00:00+09\n"


def test_showing_values_leaves_a_transaction_alone(shell: Shell) -> None:
    shell("BEGIN; CREATE TABLE t AS SELECT DATE '2020-01-01' AS d; FROM t; ROLLBACK;")
    assert shell(".tables") == ""


def test_explain_is_plain_text(shell: Shell) -> None:
    told = shell("EXPLAIN SELECT 42")
    assert "explain_key" not in told
    assert told[0] in "┌╭", "no box around the plan's own"
    both = shell("EXPLAIN SELECT embed('a')")
    assert both.startswith("SELECT embed('a')\n\ncall 1 ")
    assert "\n\nrules       none changes this statement\n\n" in both
    assert "explain_key" in shell(".explain off\nEXPLAIN SELECT 42")


def test_lists_of_names(database: str) -> None:
    shell = Shell(path=database)
    shell("CREATE TABLE other(i INT); CREATE INDEX plain ON other(i); CREATE VIEW v AS SELECT 1")
    assert shell(".tables") == "other\nreviews\nv\n"
    assert shell(".tables o%") == "other\n"
    assert shell(".indexes") == "hotels\nplain\n"
    assert shell(".indexes reviews") == "hotels\n"
    assert shell(".models") == "minilm\n"
    schema = shell(".schema")
    assert "CREATE TABLE reviews(" in schema
    assert "augur" not in schema
    assert 'CREATE INDEX "hotels" ON' in schema
    assert shell(".schema other").startswith("CREATE TABLE other(i INTEGER);")
    shell.script.close()


def test_output_goes_to_files_and_programs(shell: Shell, tmp_path: Path) -> None:
    shell.script.terminal.look.mode = "csv"
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert shell(f".once {one}\nSELECT 1 AS a;\nSELECT 2 AS a;") == "a\n2\n"
    assert one.read_text() == "a\n1\n"
    text = f".output {two}\nSELECT 3 AS a;\nSELECT 4 AS a;\n.output\nSELECT 5 AS a"
    assert shell(text) == "a\n5\n"
    assert two.read_text() == "a\n3\na\n4\n"
    shell(f".output '|cat > {one}'\nSELECT 6 AS a;\n.output")
    assert one.read_text() == "a\n6\n"
    shell(".output /nowhere/x", status=1)
    assert "/nowhere/x" in shell.err.getvalue()


def test_read_open_print_timer_changes_echo(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "a script.sql"
    script.write_text("CREATE TABLE t(i INT);\n.print it's done\nSELECT count(*) AS n FROM t")
    assert "it's done\n" in shell(f".read '{script}'")
    assert shell(".changes on\nINSERT INTO t VALUES (1), (2)") == "changes: 2\n"
    assert "Run Time (s): real " in shell(".timer on\nSELECT 1")
    assert shell(".timer off\n.echo on\n.print x").endswith(".print x\nx\n")
    file = tmp_path / "other.duckdb"
    shell(f".echo off\n.open {file}\nCREATE TABLE here(i INT)")
    assert shell(".tables") == "here\n"
    shell(".open /nowhere/x.duckdb", status=1)
    assert shell(".tables") == "", "in memory now"
    assert file.exists()


def test_wrong_commands_say_what_there_is(shell: Shell) -> None:
    for line, told in (
        (".tabels", 'Did you mean ".tables"?'),
        (".mode boxx", 'Did you mean "box"?'),
        (".timer maybe", ".timer on|off"),
        (".read nowhere.sql", "nowhere.sql"),
        (".print 'x", ""),
        (".read 'x", "a quote does not end"),
    ):
        shell(line, status=0 if not told else 1)
        assert told in shell.err.getvalue()
    assert shell(".tab") == shell(".tables"), "a beginning is enough"
    with pytest.raises(SystemExit) as left:
        shell(".exit 3")
    assert left.value.code == 3


def test_errors_stop_a_script_unless_it_says_otherwise(shell: Shell) -> None:
    assert shell(".mode list\n.headers off\nSELECT 1;\nSELECT nope;\nSELECT 2;", 1) == "1\n"
    assert shell(".bail off\nSELECT 1;\nSELECT nope;\nSELECT 2;", 1) == "1\n2\n"


def test_a_file_that_cannot_be_opened_is_an_error() -> None:
    with pytest.raises(StorageError):
        open_session("/nowhere/x.duckdb", False)


def test_parts() -> None:
    text = "-- no; command\n.mode csv\nSELECT ';' /* ; */ AS \"a;\";;\n.print a;b\nSELECT\n.5"
    assert list(parts(text)) == [
        Part("mode csv", True, True),
        Part("SELECT ';' /* ; */ AS \"a;\"", False, True),
        Part("print a;b", True, True),
        Part("SELECT\n.5", False, False),
    ]
    assert complete("SELECT 1;  -- said\n")
    assert complete("")
    assert not complete("SELECT ';")
    assert not complete("SELECT $$;$$")


NAMES = Names(
    tables={"reviews": ["id", "review", "Stay Length"], "hotels": ["hotel", "city"]},
    schemas=["main"],
    indexes={"by_review": "main.reviews", "titles": "main.reviews"},
    models=["minilm", "small"],
    functions=["predict", "search", "count", "concat"],
    keywords=["SELECT", "SET", "USING", "INDEX", "WITH", "CONFIDENCE"],
    settings=["threads", "augur_dtype", "augur_seed"],
)


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("SEL", ["SELECT"]),
        ("sel", ["select"]),
        ("SELECT * FROM r", ["reviews"]),
        ("SELECT * FROM reviews AS x WHERE x.", ["id", "review", '"Stay Length"']),
        ("SELECT reviews.re", ["review"]),
        ('SELECT "St', ['"Stay Length"']),
        ("SELECT predict('rating', review USING INDEX ", ["by_review", "titles"]),
        ("SELECT predict('rating', review USING ", ["INDEX", "MODEL", "HNSW", "SAMPLE"]),
        ("SELECT predict('re", ["review'"]),
        ("FROM search('t", ["titles'"]),
        ("SELECT predict('rating', review, index := 'by", ["by_review'"]),
        ("SELECT embed(review USING MODEL s", ["small"]),
        ("REFRESH INDEX by", ["by_review"]),
        ("SET augur_", ["augur_dtype", "augur_seed"]),
        ("SHOW I", ["INDEXES"]),
        ("SELECT 1; DROP INDEX tit", ["titles"]),
        ("SELECT 'any text ", []),
        ("SELECT coun", ["count("]),
        ("SELECT predict('r', review WITH CONF", ["CONFIDENCE"]),
    ],
)
def test_completion(before: str, texts: list[str]) -> None:
    assert [found.text for found in candidates(before, NAMES)] == texts


def test_columns_of_the_statements_tables_come_first() -> None:
    found = candidates("SELECT count(*) FROM hotels WHERE c", NAMES)
    offered = [candidate.text for candidate in found]
    assert offered == ["city", "classify(", "confidence", "count(", "concat("]


def test_names_are_read_from_the_catalog(database: str) -> None:
    session = Session(database)
    session.execute("CREATE VIEW best AS SELECT hotel FROM reviews").fetchall()
    names = read(session.connection)
    session.close()
    assert set(names.tables) == {"reviews", "best"}
    assert "rating" in names.tables["reviews"]
    assert list(names.indexes) == ["hotels"]
    assert list(names.models) == ["minilm"]
    assert {"predict", "count", "read_csv"} <= set(names.functions)
    assert {"SELECT", "GIVEN"} <= set(names.keywords)
    assert {"augur_seed", "threads"} <= set(names.settings)


def augur(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "augursql", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


def test_options_that_duckdbs_users_know(tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("SELECT 2 AS a;")
    done = augur("-csv", "-noheader", "-c", "SELECT 1 AS a", "-f", str(script), "-c", "SELECT 3")
    assert (done.stdout, done.stderr, done.returncode) == ("1\n2\n3\n", "", 0)
    assert augur(":memory:", "SELECT 7 AS a", "--list").stdout == "a\n7\n"
    assert augur("-cmd", ".mode json", stdin="SELECT 1 AS a").stdout == '[{"a":1}]\n'
    done = augur("-no-bail", "-csv", "-noheader", stdin="SELECT 1; SELECT nope; SELECT 2")
    assert (done.stdout, done.returncode) == ("1\n2\n", 1)
    assert augur("-c", ".exit 4", "-c", "SELECT 1").returncode == 4
    file = str(tmp_path / "a.duckdb")
    assert augur(file, "-c", "CREATE TABLE t(i INT)").returncode == 0
    done = augur(file, "-readonly", "-c", "INSERT INTO t VALUES (1)")
    assert done.returncode == 1
    assert "read-only" in done.stderr
    assert augur("-nonsense").returncode == 2


def test_a_command_waits_for_nothing_that_a_person_needs() -> None:
    code = (
        "import sys; from augursql.frontends.shell.main import run; run(['-c', 'SELECT 42']); "
        "print([m for m in ('prompt_toolkit', 'pyarrow', 'numpy', 'sqlglot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_nothing_is_said_at_the_end(database: str) -> None:
    done = augur(database, "-csv", "-noheader", "-c", "SELECT name FROM (SHOW INDEXES)")
    assert (done.stdout, done.stderr, done.returncode) == ("hotels\n", "", 0)
