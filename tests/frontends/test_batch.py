"""`augur predict`: files in, files out, whatever happens in between."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.frontends.screen import Screen

Done = subprocess.CompletedProcess[bytes]
Predict = Callable[..., Done]

SIX = (
    "SELECT i AS id, 'Cold room ' || i || ', kind staff' AS review, DATE '2024-02-29' AS day "
    "FROM range(6) r(i) ORDER BY hash(i)"
)


def command(database: Path | str, *arguments: str, index: str = "hotels") -> list[str]:
    fixed = ["--db", str(database), "--target", "rating", "--index", index]
    return [sys.executable, "-m", "augursql", "predict", *fixed, *arguments]


@pytest.fixture
def predict(indexed_file: Path, tmp_path: Path) -> Predict:
    """Runs `augur predict` in a folder with a database and `new.csv`; returns what came of it."""
    shutil.copy(indexed_file, tmp_path / "hotels.duckdb")
    duckdb.sql(f"COPY ({SIX}) TO '{tmp_path}/new.csv'")

    def run(*arguments: str, stdin: bytes = b"", index: str = "hotels", **options: Any) -> Done:
        line = command("hotels.duckdb", *arguments, index=index)
        options.setdefault("env", {**os.environ, "PYTHONPATH": paths()})
        return subprocess.run(line, input=stdin, capture_output=True, cwd=tmp_path, **options)

    return run


def paths() -> str:
    """What Python imports from, wherever it is started."""
    root = Path(__file__).parents[2]
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return os.pathsep.join([*(str(Path(path).resolve()) for path in given), str(root)])


def rows(path: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()


@pytest.mark.parametrize(
    "name", ["s.csv", "s.parquet", "s.json", "s.jsonl", "s.csv.gz", "a 'b'.tsv"]
)
def test_rows_keep_their_order_and_gain_a_column(
    predict: Predict, tmp_path: Path, name: str
) -> None:
    done = predict("--input", "new.csv", "--output", name)
    assert (done.returncode, done.stdout) == (0, b"")
    assert f"6 rows to {name}".encode() in done.stderr
    source = f"read_csv('{tmp_path}/{name}')" if "tsv" in name else f"'{tmp_path}/{name}'"
    source = source.replace("a 'b'", "a ''b''")
    written = duckdb.sql(f"FROM {source}")
    assert written.columns == ["id", "review", "day", "rating_predictions"]
    found = written.fetchall()
    assert [row[:3] for row in found] == rows(tmp_path / "new.csv")
    assert all(row[3] in range(1, 6) for row in found)
    assert not list(tmp_path.glob(".part-*"))
    if "tsv" in name:
        assert b"id\treview\tday\trating_predictions\n" in (tmp_path / name).read_bytes()


def test_all_forms_of_input_give_the_same(predict: Predict, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.json", "b.json"):
        duckdb.sql(f"COPY (FROM '{tmp_path}/new.csv') TO '{tmp_path}/{name}'")
    csv = (tmp_path / "new.csv").read_bytes()
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress(csv))
    wanted = predict("--input", "new.csv").stdout
    assert len(wanted.splitlines()) == 7
    for given in (["a.parquet"], ["a.json"], ["z.csv.gz"]):
        assert predict("--input", *given).stdout == wanted
    for name in ("a.json", "a.parquet"):
        assert predict("--input", "-", stdin=(tmp_path / name).read_bytes()).stdout == wanted
    twice = wanted + wanted.partition(b"\n")[2]
    assert predict("--input", "?.json").stdout == twice
    assert predict("--input", "a.json", "b.json").stdout == twice
    assert predict("--input", "-", "--input-format", "csv", stdin=csv).stdout == wanted


def test_details_and_names(predict: Predict) -> None:
    form = ("--input", "new.csv", "--output-format", "jsonl")
    done = predict(*form, "--with", "confidence,Probabilities", "--as", "stars")
    first = json.loads(done.stdout.splitlines()[0])
    assert list(first)[3:] == ["stars", "stars_probability", "stars_probabilities"]
    assert 0 < first["stars_probability"] <= 1
    assert list(json.loads(predict(*form).stdout.splitlines()[0]))[3:] == ["rating_predictions"]


@pytest.mark.parametrize(
    ("arguments", "index", "told"),
    [
        (
            ["--input", "nowhere.csv"],
            "hotels",
            'No files found that match the pattern "nowhere.csv"',
        ),
        (["--input", "new.csv", "--output", "x/y.csv"], "hotels", 'There is no folder "x".'),
        (["--input", "new.csv", "--output", "x.xls"], "hotels", "Names end in .csv"),
        (["--input", "new"], "hotels", "Names end in .csv"),
        (["--input", "new.csv"], "hotel", 'Did you mean "hotels"?'),
        (["--input", "other.csv"], "hotels", 'the input has no column "review". Did you mean'),
        (["--input", "new.csv", "--as", "DAY"], "hotels", 'The input has a column "DAY" already.'),
        (["--input", "new.csv", "--with", "confidense"], "hotels", 'Did you mean "confidence"?'),
        (["--input", "new.csv", "--target", "ratin"], "hotels", 'Did you mean "rating"?'),
        (["--input", "new.csv", "--db", "nowhere.duckdb"], "hotels", "There is no database"),
        (["--input", "new.csv", "--output", "."], "hotels", "is a folder"),
        (["--input", "new.csv", "--output", "/dev/full"], "hotels", "No space left on device"),
        (["--input", "new.csv", "--output", "/proc/x.csv"], "hotels", "/proc/"),
    ],
)
def test_what_cannot_be_done_is_told(
    predict: Predict, tmp_path: Path, arguments: list[str], index: str, told: str
) -> None:
    if "/dev/full" in arguments and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    (tmp_path / "other.csv").write_text("id,reviews\n1,x\n")
    device = os.path.exists("/dev/full")
    form = [] if told.startswith("Names") else ["--output-format", "csv"]
    done = predict(*arguments, *form, index=index)
    assert (done.returncode, done.stdout) == (1, b"")
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert "LINE" not in done.stderr.decode(), "the statement is not the user's"
    assert not list(tmp_path.glob(".part-*"))
    assert os.path.exists("/dev/full") == device
    assert not device or not os.path.isfile("/dev/full"), "a device is no file to be replaced"


def test_a_wrong_command_line(predict: Predict) -> None:
    assert predict("--output", "x.csv").returncode == 2
    assert predict("--input", "new.csv", "--on-error", "maybe").returncode == 2


def test_a_failure_leaves_what_was_there(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "scored.csv").write_text("before\n")
    (tmp_path / "late.csv").write_text("id,review\n" + "1,x\n" * 30_000 + "2\n3,y,z,w\n")
    assert predict("--input", "late.csv", "--output", "scored.csv").returncode == 1
    assert (tmp_path / "scored.csv").read_text() == "before\n"
    assert predict("--input", "new.csv", "--output", "scored.csv").returncode == 0
    assert len(rows(tmp_path / "scored.csv")) == 6
    assert not list(tmp_path.glob(".part-*"))


def test_a_link_stays_one(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "scored.csv").symlink_to(tmp_path / "elsewhere" / "scored.csv")
    assert predict("--input", "new.csv", "--output", "scored.csv").returncode == 0
    assert (tmp_path / "scored.csv").is_symlink()
    assert len(rows(tmp_path / "elsewhere" / "scored.csv")) == 6


def test_a_full_disk(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    mount = "mount -t tmpfs -o size=64k none small"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], cwd=tmp_path).returncode:
        pytest.skip("no file system of one's own can be mounted here")
    wide = "SELECT 'Cold room, kind staff' AS review, i, repeat(md5(i::VARCHAR), 4) AS more"
    duckdb.sql(f"COPY ({wide} FROM range(3000) r(i)) TO '{tmp_path}/wide.csv'")
    line = command("hotels.duckdb", "--input", "wide.csv", "--output", "small/scored.parquet")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount}; "$@"; status=$?; ls -A small; exit $status', "sh"]
        + line,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths()},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "small/scored.parquet could not be written: No space left on device." in done.stderr


def test_a_read_only_database_serves(predict: Predict, tmp_path: Path) -> None:
    before = (tmp_path / "hotels.duckdb").read_bytes()
    done = predict("--readonly", "--input", "new.csv")
    assert done.returncode == 0
    assert (tmp_path / "hotels.duckdb").read_bytes() == before


@pytest.fixture
def many(predict: Predict, tmp_path: Path) -> Path:
    """A file of 1,500 rows that take some seconds."""
    path = tmp_path / "many.csv"
    text = "i || repeat(' and the room was cold in the night ' || i, 10)"
    duckdb.sql(f"COPY (SELECT i AS id, {text} AS review FROM range(1500) r(i)) TO '{path}'")
    return path


def test_killed_it_goes_on_where_it_was(predict: Predict, many: Path) -> None:
    folder = many.parent
    arguments = ("--input", "many.csv", "--output", "scored.parquet")
    (folder / "scored.parquet").write_bytes(b"what was there")
    process = subprocess.Popen(
        command("hotels.duckdb", *arguments),
        cwd=folder,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths()},
    )
    wal = folder / "hotels.duckdb.wal"
    for _ in range(600):
        time.sleep(0.05)
        if wal.exists() and wal.stat().st_size > 200_000:
            break
    process.kill()
    assert process.wait() == -9, "it was not done yet"
    assert (folder / "scored.parquet").read_bytes() == b"what was there"
    done = predict(*arguments)
    assert done.returncode == 0, done.stderr
    words = done.stderr.decode().replace(",", "").split()
    evaluated = int(words[words.index("texts") - 1])
    known = int(words[words.index("known") - 1])
    assert known > 50
    assert evaluated + known == 1500
    assert rows(folder / "scored.parquet", "id") == [(number,) for number in range(1500)]
    assert not list(folder.glob(".part-*"))


def test_a_bar_and_ctrl_c(predict: Predict, many: Path) -> None:
    line = command(many.parent / "hotels.duckdb", "--input", str(many), "--output")
    screen = Screen([*line[3:], str(many.parent / "scored.csv")], many.parent)
    assert "/1500 [" in screen.until("%|")
    screen.send("\x03")
    screen.until("Interrupted.")
    assert screen.leave() == 130
    assert not (many.parent / "scored.csv").exists()
    assert not list(many.parent.glob(".part-*"))
