"""python -m tests.sqllogic FOLDER [--list FILE] [--jobs N] [--ours] [--verbose] [FILE ...]"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import duckdb

from augursql.planner.scan import speaks_augur
from tests.sqllogic.compare import Difference, Report, compare

FILES = Path(__file__).with_name("files.txt")
_SHOWN = 600


def listed(path: Path) -> list[str]:
    """The file names of a list, one a line, without comments."""
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def reports(root: Path, files: Iterable[str], jobs: int) -> Iterator[Report]:
    """A report for each file that is there, as soon as it is known."""
    with ThreadPoolExecutor(jobs) as pool:
        there = [file for file in files if (root / file).exists()]
        for done in as_completed(pool.submit(compare, root, file) for file in there):
            yield done.result()


def told(difference: Difference) -> str:
    return (
        f"{difference.file}:{difference.line}\n  {difference.sql[:_SHOWN]}\n"
        f"  ours:   {str(difference.ours)[:_SHOWN]}\n  duckdb: {str(difference.theirs)[:_SHOWN]}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.sqllogic", description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("DUCKDB_TESTS"))
    parser.add_argument("files", nargs="*", help="files to play, relative to the folder")
    parser.add_argument("--list", type=Path, help="a list of files; without one, all of test/")
    parser.add_argument("--ours", action="store_true", help="only files that hold words of ours")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.folder is None:
        parser.error("say where DuckDB's source is: FOLDER, or DUCKDB_TESTS in the environment")
    root = Path(options.folder).resolve()
    root = root.parent if root.name == "test" else root
    files = options.files or (listed(options.list) if options.list else _all(root))
    if options.ours:
        files = [f for f in files if speaks_augur((root / f).read_text(errors="replace"))]
    return summary(reports(root, files, options.jobs))


def _all(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "test").rglob("*.test"))


def summary(found: Iterable[Report]) -> int:
    """Prints differences as they come and the counts at the end; 1 where there was one."""
    began, files, statements, unstable, different = time.monotonic(), 0, 0, 0, 0
    reasons: Counter[str] = Counter()
    for report in found:
        if report.statements:
            files += 1
        if report.skipped:
            reasons[report.skipped] += 1
        statements += report.statements
        unstable += report.unstable
        different += len(report.differences)
        for difference in report.differences:
            print(told(difference), flush=True)
    for reason, count in reasons.most_common():
        print(f"skipped, wholly or from there on: {count:>5}  {reason}")
    print(
        f"DuckDB {duckdb.__version__}: {files} files, {statements} statements: "
        f"{statements - different - unstable} identical, {different} different, "
        f"{unstable} that DuckDB answers differently each time; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
