"""What the planner's rules save: evaluations, counted exactly, and time, with rules on and off.

    python benchmarks/planner.py

The encoder is a table of words, so that what is timed is everything but the model. Exits with
1 where a count or a time misses its target. One thread counts: with several, DuckDB cuts the same
rows into other chunks in every run. What is compared to a per cent is processor time, which other
programs of the machine disturb least.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from data import table, verdict

import augursql
from augursql.frontends.dbapi.connection import Connection
from augursql.frontends.dbapi.errors import Error

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.rules.counting import counted  # noqa: E402
from tests.rules.encoder import write_encoder  # noqa: E402

ROWS = 100_000
REPETITIONS = 15
LONGEST_PLANNING, SLOWEST = 0.003, 1.05
SCHEMA = f"""
CREATE TABLE labelled AS SELECT id, 'w' || id AS text, ['a', 'b', 'c'][1 + id % 3] AS label
    FROM range(300) r(id);
CREATE TABLE facts AS SELECT id, id % 1000 AS dim, id % 100 AS g, 'f' || id AS text,
    'o' || id % 10 AS word, hash(id) % 10000 AS day FROM range({ROWS}) r(id);
CREATE TABLE dims AS SELECT id, 'd' || id AS name FROM range(1000) r(id);
CREATE TABLE pairs AS SELECT id, 'p' || id AS text, 'q' || id AS other FROM range(256) r(id);
CREATE TABLE few AS SELECT id, id % 7 AS k, 'f' || id AS text FROM range(1000) r(id);
CREATE INDEX i ON labelled USING HNSW (text)
"""
LABEL = "predict('label', {} USING INDEX i)"
TEXT = LABEL.format("text")
# What is asked, the statement, and the most texts that the model may have to see.
CASES = (
    (
        "a filter above a join",
        f"SELECT f.id FROM facts f JOIN dims d ON f.dim = d.id WHERE {LABEL.format('f.text')} = 'a'"
        " AND f.id + d.id < 200",
        100,
    ),
    ("ORDER BY ... LIMIT 10", f"SELECT id, {TEXT} FROM facts ORDER BY day, id LIMIT 10", 10),
    ("an alias in SELECT and WHERE", f"SELECT id, {TEXT} AS p FROM facts WHERE p = 'a'", ROWS),
    ("the same, written twice", f"SELECT id, {TEXT} AS p FROM facts WHERE {TEXT} = 'a'", ROWS),
    ("10 distinct values in 100,000 rows", f"SELECT {LABEL.format('word')} FROM facts", 10),
    ("early stop: = 'a' LIMIT 5", f"SELECT id FROM facts WHERE {TEXT} = 'a' LIMIT 5", 2_048),
    ("DISTINCT ON", f"SELECT DISTINCT ON (g) g, {TEXT} FROM facts ORDER BY g, id", 100),
    (
        "a join on predicted attributes",
        f"SELECT count(*) FROM pairs a JOIN pairs b ON a.id <> b.id AND {LABEL.format('a.text')}"
        f" = {LABEL.format('b.text')}",
        256,
    ),
    (
        "a semantic join by threshold",
        "SELECT count(*) FROM pairs a JOIN pairs b ON similarity(a.text, b.other) > 0.5",
        512,
    ),
    (
        "ORDER BY similarity() on an index",
        "SELECT id FROM labelled ORDER BY similarity(text, 'near what') DESC LIMIT 10",
        1,
    ),
)
# Nothing to place, nothing repeated, nothing to leave out.
HELPLESS = (
    f"SELECT {TEXT} FROM few",
    f"SELECT id, {TEXT} AS p FROM few",
    f"SELECT * , {TEXT} AS p FROM few",
    f"SELECT id FROM few WHERE {TEXT} = 'a'",
    f"SELECT {TEXT} AS p, count(*) FROM few GROUP BY p",
    f"SELECT count({TEXT}) FROM few",
    f"SELECT DISTINCT {TEXT} FROM few",
    "SELECT embed(text) FROM few",
    "SELECT avg(similarity(text, 'w3')) FROM few",
    "SELECT classify(text, ['w1', 'w2', 'w3']) FROM few",
    f"SELECT id, {TEXT} AS p FROM few ORDER BY p, id",
    f"SELECT upper({TEXT}) FROM few",
    f"SELECT id FROM few WHERE {TEXT} IN ('a', 'b')",
    f"SELECT {TEXT} FROM few UNION ALL SELECT {LABEL.format('word')} FROM facts WHERE id < 1000",
    f"WITH c AS (SELECT {TEXT} AS p FROM few) SELECT p FROM c",
    f"SELECT max({TEXT}) OVER () FROM few",
    f"SELECT p FROM (SELECT {TEXT} AS p FROM few) AS s",
    f"CREATE OR REPLACE TABLE made AS SELECT id, {TEXT} AS p FROM few",
    "SELECT id, rank FROM search('i', 'w3', k := 10)",
    "SELECT predict('label', text USING INDEX i WITH CONFIDENCE).confidence FROM few",
)
FIVE_JOINS = (
    "SELECT a.id, " + ", ".join(f"{LABEL.format(f'{t}.text')} AS p{t}" for t in "abcdef") + " "
    "FROM few a JOIN few b USING (id) JOIN few c USING (id) JOIN few d USING (id) "
    "JOIN few e USING (id) LEFT JOIN few f USING (id) "
    "WHERE a.k = 3 AND similarity(a.text, 'w3') > 0.1 AND similarity(b.text, c.text) < 0.9 "
    f"AND {LABEL.format('b.text')} = 'a' AND classify(c.text, ['w1', 'w2']) = 'w1' "
    "ORDER BY a.id LIMIT 10"
)


@contextmanager
def database() -> Iterator[Connection]:
    """A connection with the tables, the model and the index; no statement remembers another's."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"{table}{n}" for table in "wopq" for n in range(300)]
        words += [f"f{n}" for n in range(ROWS)]
        write_encoder(Path(folder) / "tiny", words)
        settings = {"home": f"{folder}/home", "dtype": "fp32", "progress": "off", "cache": "off"}
        with augursql.connect(settings=settings, config={"threads": 1}) as con:
            con.execute(f"CREATE MODEL tiny FROM '{folder}/tiny'")
            con.execute("SET augur_encoder = 'tiny'")
            con.execute(SCHEMA)
            con.execute(f"SELECT {TEXT} FROM few").fetchall()  # fits the predictor
            yield con


def run(
    con: Connection, sql: str, rules: str, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, int | None]:
    """Seconds and evaluated texts; None where DuckDB refuses the statement."""
    con.execute(f"SET augur_rules = '{rules}'")
    with counted() as evaluations:
        started = clock()
        try:
            cursor = con.execute(sql)
            if cursor.description:
                cursor.fetchall()
        except Error:
            return clock() - started, None
        return clock() - started, evaluations.texts


def evaluations(con: Connection) -> list[str]:
    """The cases, counted and timed; returns those that miss their target."""
    rows, missed = [], []
    for name, sql, most in CASES:
        (before, off), (after, on) = run(con, sql, "off"), run(con, sql, "on")
        if on is None or on > most:
            missed.append(f"{name}: {on if on is not None else 'refused'}, {most} are needed")
        shown = [f"{count:,}" if count is not None else "refused" for count in (off, on, most)]
        rows.append((name, *shown, f"{before:.3f} s", f"{after:.3f} s"))
    table(("case", "evaluated, off", "on", "at most", "time, off", "on"), rows)
    return missed


def overhead(con: Connection) -> list[str]:
    """Queries that no rule can help, alternating with and without rules, in processor time."""
    rows, missed = [], []
    for sql in HELPLESS:
        ratio, seconds = _ratio(con, sql)
        if ratio > SLOWEST:  # once more, for longer: a busy machine is not the rules' fault
            ratio, seconds = _ratio(con, sql, 3 * REPETITIONS)
        if ratio > SLOWEST:
            missed.append(f"{100 * (ratio - 1):.1f} % slower with rules: {sql}")
        rows.append((sql[:70], f"{1000 * seconds:.1f} ms", f"{100 * (ratio - 1):+.1f} %"))
    table(("query that no rule can help", "without rules", "with them"), rows)
    return missed


def _ratio(con: Connection, sql: str, repetitions: int = REPETITIONS) -> tuple[float, float]:
    seconds: dict[str, list[float]] = {"off": [], "on": []}
    for number in range(repetitions):
        for rules in ("off", "on") if number % 2 else ("on", "off"):
            seconds[rules].append(run(con, sql, rules, time.process_time)[0])
    without = statistics.median(seconds["off"])
    return statistics.median(seconds["on"]) / without, without


def planning(con: Connection) -> list[str]:
    """Ten calls and five joins: the text to DuckDB's SQL, without running it.

    The planner itself is symbolic; around it the session reads its catalog and asks whether the
    index lacks rows, and which share of rows a condition on predictions lets pass.
    """
    from augursql.planner.bind import bind
    from augursql.planner.parse import parse
    from augursql.planner.reading import Reading
    from augursql.planner.rules import rewrite, search

    con.execute("SET augur_rules = 'on'")
    con.execute(FIVE_JOINS).fetchall()
    queries = con._session._interpreter._queries
    (query,) = parse(FIVE_JOINS)
    planned = queries.prepare(query, 0)
    names = queries.catalog()
    bind(query, names)

    facts = replace(planned.reading.facts, passing=lambda position, condition: None)

    def rules() -> None:
        reading = Reading(bind(query, names), facts)
        search(reading)
        rewrite(reading)

    medians, rows = dict[str, float](), list[tuple[str, str]]()
    steps: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(FIVE_JOINS),
        "bind and rules": rules,
        "emit": lambda: planned.renderer().text(),
        "with the session's reads of its catalog": lambda: queries.prepare(*parse(FIVE_JOINS), 0),
    }
    for name, step in steps.items():
        seconds = []
        for _ in range(50):
            started = time.process_time()
            step()
            seconds.append(time.process_time() - started)
        medians[name] = statistics.median(seconds)
        rows.append((name, f"{1000 * medians[name]:.2f} ms"))
    whole = medians["parse"] + medians["bind and rules"] + medians["emit"]
    rows.insert(3, ("planning: the sum", f"{1000 * whole:.2f} ms"))
    table(("planning ten calls and five joins", "median processor time"), rows)
    if whole > LONGEST_PLANNING:
        return [f"planning {1000 * whole:.2f} ms > {1000 * LONGEST_PLANNING:.0f} ms"]
    return []


def main() -> None:
    with database() as con:
        missed = evaluations(con) + planning(con) + overhead(con)
    verdict(missed)


if __name__ == "__main__":
    main()
