import subprocess
import sys

import pytest

from augursql.planner.scan import speaks_augur


@pytest.mark.parametrize(
    "text",
    [
        "SELECT predict('rating', review USING INDEX hotels) FROM reviews",
        "SELECT Predict /* here */ ('rating', review)",
        "SELECT predict -- here\n('rating', review)",
        "select EMBED\n(x)",
        "SELECT 1similarity(a, b)",
        "FROM search('hotels', 'view')",
        "CREATE INDEX i ON t USING HNSW (x)",
        "create or replace\tmodel m FROM 'x'",
        "DROP INDEX IF EXISTS i",
        "refresh/**/index i",
        "SHOW INDEXES",
        "SELECT Extract (review, {dish: 'VARCHAR'})",
        "SELECT extract(review,\nreturns := 'STRUCT(dish VARCHAR)')",
        "SELECT summarize(review)",
        "SELECT * FROM a JOIN b ON matches(a.x, b.y)",
        "SELECT rerank('q', x), prompt_agg('q', x), summarize_agg/**/(x)",
        "desc model m",
        "SET augur_seed = 1",
        "FROM augur_calls()",
        "PREDICT rating GIVEN SELECT 1",
    ],
)
def test_our_words_are_seen(text: str) -> None:
    assert speaks_augur(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT model, index, prompt, search FROM embeddings WHERE similarity > 0.5",
        "CREATE TABLE models (name VARCHAR)",
        "CREATE INDEX i ON t (x)",
        "SELECT * FROM classify ORDER BY predict",
        "DESCRIBE t",
        "SUMMARIZE t",
        "SELECT extract(year FROM day), regexp_matches(name, 'a'), rerank FROM matches",
    ],
)
def test_plain_sql_passes(text: str) -> None:
    assert not speaks_augur(text)


def test_plain_sql_does_not_load_sqlglot() -> None:
    code = (
        "import sys; from augursql.planner.scan import speaks_augur; import augursql.planner;"
        "from augursql.planner.parse import parse;"
        "parse('DROP INDEX i; SELECT search FROM t; SHOW INDEXES; SELECT predict(x)');"
        "sys.exit('sqlglot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
