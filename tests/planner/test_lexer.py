import pytest

from augursql.planner.lexer import literal, quoted, statements, tokenize


def values(text: str) -> list[str]:
    tokens = tokenize(text)
    assert tokens is not None
    return [token.value for token in tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'it''s'", ["it's"]),
        ('"a""b"', ['a"b']),
        ("$$a;'b$$", ["a;'b"]),
        ("$x$ $$ $x$", [" $$ "]),
        ("$1 || $name", ["$1", "||", "$name"]),
        ("E'a\\'b''\\n\\x41\\u00e9\\101\\q'", ["a'b'\nA\u00e9Aq"]),
        ("a -- 'x\nb", ["a", "b"]),
        ("a -- 'x\rb", ["a", "b"]),
        ("a /* ' /* \" */ ' */ b", ["a", "b"]),
        ("x=?", ["x", "=", "?"]),
        ("a=>-1", ["a", "=>", "-", "1"]),
        ("1_000.5e-3", ["1_000.5e-3"]),
        ("größe😀", ["größe😀"]),
        ("a\u00a0b", ["a", "b"]),
    ],
)
def test_tokens_follow_duckdbs_rules(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize("text", ["'abc", '"abc', "$$abc", "$x$ $$", "/* /* */", "E'a\\'"])
def test_what_does_not_end_has_no_tokens(text: str) -> None:
    assert tokenize(text) is None


def test_statements_keep_what_stands_between_semicolons() -> None:
    text = "SELECT 1; ; -- a;b\n SELECT ';' /* ; */; -- end"
    tokens = tokenize(text)
    assert tokens is not None
    parts = [text[start:end] for start, end, _ in statements(text, tokens)]
    assert parts == ["SELECT 1", " -- a;b\n SELECT ';' /* ; */"]


def test_quoting() -> None:
    assert quoted('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
