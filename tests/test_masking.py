"""Secrets are masked wherever they stand in a text, and nothing else is."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augursql.errors import StatementError
from augursql.masking import masked, secrets_of, without

TEMPLATES = [
    "ATTACH 'host=h port=1 password={} user=u' AS pg (TYPE postgres)",
    "ATTACH 'host=h password=''{}''' AS pg (TYPE postgres)",
    "ATTACH 'postgresql://me:{}@h:1/db?x=1' AS wh (TYPE adbc)",
    "ATTACH 'snowflake://me:{}@account/db' AS wh (TYPE adbc)",
    "ATTACH 'me:{}@account/db' AS wh (TYPE adbc, DRIVER 'snowflake')",
    "ATTACH 'databricks://h/p?token={}' AS wh (TYPE adbc)",
    "CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET '{}', REGION 'eu')",
    "create or replace temporary secret (type postgres, password '{}')",
    "CREATE SECRET s (TYPE http, EXTRA_HTTP_HEADERS MAP {{'Authorization': 'Bearer {}'}})",
    "CREATE SECRET s (TYPE adbc, \"x.y\" '{}')",
    "CREATE SECRET s (TYPE s3, SECRET $${}$$)",
    "CREATE SECRET s (TYPE s3, SECRET '{}",
    "SET s3_secret_access_key = '{}'",
    "SET s3_secret_access_key='{}';",
    "FROM postgres_scan('dbname=x password={}', 'public', 't')",
    "SELECT 1 FROM users WHERE password = '{}'",
    "OPTIONS (api_key := '{}')",
]
MESSAGES = [
    'IO Error: Unable to connect to Postgres at "host=h password={}": refused',
    "failed: postgresql://me:{}@h/db",
    '{{"token": "{}"}}',
]
PLAIN = st.text(string.ascii_letters + string.digits + "+/!#%&*-_.~^", min_size=8, max_size=30)
ODD = st.text(string.ascii_letters + " '\"\\@:;,)$é", min_size=8, max_size=30)


@pytest.mark.parametrize("template", [*TEMPLATES, *MESSAGES])
@given(secret=PLAIN)
def test_a_secret_is_masked(template: str, secret: str) -> None:
    text = template.format(secret)
    assert secret not in masked(text)
    assert len(masked(text)) == len(text)


@pytest.mark.parametrize("template", [t for t in TEMPLATES if "'{}'" in t])
@given(secret=ODD)
def test_so_is_one_with_quotes_and_spaces(template: str, secret: str) -> None:
    secret = f"Xq7{secret}"
    assert "Xq7" not in masked(template.format(secret.replace("'", "''")))


@pytest.mark.parametrize("template", TEMPLATES)
@given(secret=PLAIN)
def test_what_a_statement_holds_is_taken_out_of_messages(template: str, secret: str) -> None:
    secrets = secrets_of(template.format(secret))
    assert secret not in without(f'syntax error at or near "{secret}"', secrets)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT predict('rating', review USING INDEX hotels) FROM reviews",
        "SET augur_max_tokens = 100",
        "CREATE TABLE tokens (token VARCHAR, secret INTEGER)",
        "SELECT secret, 'a' FROM passwords WHERE id = 'x'",
        "ATTACH 'hotels.duckdb' AS hotels (READ_ONLY)",
        "ATTACH '' AS pg (TYPE postgres, SECRET of_pg)",
        "FROM 's3://bucket/key/file.parquet'",
        "ATTACH 'postgresql://me@h:5432/db' AS wh (TYPE adbc, SECRET mine)",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


def test_errors_keep_masked_statements_only() -> None:
    sql = "CREATE SECRET s (TYPE adbc, PASSWORD 'hunter22') x"
    error = StatementError("After this, nothing more.", sql=sql, span=(len(sql) - 1, len(sql)))
    assert error.sql is not None and "hunter22" not in error.sql
    assert "hunter22" not in str(error)
    assert str(error).splitlines()[-1].index("^") == str(error).splitlines()[-2].index(") x") + 2
