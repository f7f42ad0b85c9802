"""Answers of a given form: every walk through the masks ends in a value that fits."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.constraint import Constraint, Grammar, Matcher
from augursql.engine.generation.sampling import allowed_ids
from augursql.errors import InvalidValueError, ModelError
from tests.engine import tiny_chats as tiny

VOCABULARY = 640  # more logits than the tokenizer has tokens, as many models have
REVIEW = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "rating": {"type": "integer", "minimum": 1, "maximum": 5},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 3}},
        "guest": {
            "type": "object",
            "properties": {
                "age": {"type": "number"},
                "kind": {"enum": ["business", "family"]},
                "when": {"type": "string", "format": "date"},
            },
            "required": ["age", "kind", "when"],
        },
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["name", "rating", "ok", "tags", "guest", "note"],
}
REVIEWS = {"type": "array", "items": REVIEW, "minItems": 1}
SCHEMAS = {"one": REVIEW, "list": REVIEWS, "number": {"type": "integer"}}


@pytest.fixture(scope="module", params=["bytes", "pieces"])
def chat(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chat:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "bytes":
        tokenizer, config = tiny.byte_level(), {"chat_template": tiny.CHATML}
    else:
        tokenizer, config = tiny.pieces(), {"chat_template": tiny.MISTRAL, "bos_token": "<s>"}
    ends = {"eos_token": "<|endoftext|>" if request.param == "bytes" else "</s>"}
    return Chat.from_folder(tiny.write_chat(folder, tokenizer, **config, **ends))


@pytest.fixture(scope="module")
def grammar(chat: Chat) -> Grammar:
    return Grammar(chat, VOCABULARY)


def _json(schema: object) -> Constraint:
    return Constraint("json", json.dumps(schema))


def _allowed(matcher: Matcher) -> list[int]:
    mask = np.zeros((VOCABULARY + 31) // 32, np.int32)
    matcher.mask(mask)
    return allowed_ids(mask, VOCABULARY).tolist()


def _walk(grammar: Grammar, matcher: Matcher, chat: Chat, seed: int, most: int) -> str:
    """What a model without any sense writes: tokens at random from the mask."""
    random = np.random.default_rng(seed)
    answer = matcher.begin(most)
    while not matcher.finished and len(answer) < most:
        token = int(random.choice(_allowed(matcher)))
        if token in chat.end_ids:
            assert matcher.complete
            matcher.advance(token)
        else:
            answer += matcher.take(token, most - len(answer))
    assert len(answer) <= most
    return chat.text(answer)


def _fits(schema: dict[str, object], text: str) -> bool:
    value = json.loads(text)
    if schema is SCHEMAS["number"]:
        return isinstance(value, int)
    items = value if schema is REVIEWS else [value]
    properties = REVIEW["properties"]
    assert isinstance(properties, dict)
    return bool(items) and all(
        list(item) == list(properties)
        and item["rating"] in range(1, 6)
        and item["guest"]["kind"] in ("business", "family")
        and re.fullmatch(r"\d{4}-\d\d-\d\d", item["guest"]["when"])
        and all(len(tag) >= 3 for tag in item["tags"])
        for item in items
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_answer_ends_as_a_whole_value(name: str, grammar: Grammar, chat: Chat) -> None:
    schema = SCHEMAS[name]
    shortest = grammar.matcher(_json(schema)).close(500)
    assert shortest is not None and _fits(schema, chat.text(shortest))
    for seed, more in enumerate((0, 1, 2, 3, 5, 8, 13, 40, 100)):
        matcher = grammar.matcher(_json(schema))
        text = _walk(grammar, matcher, chat, seed, len(shortest) + more)
        assert matcher.complete and _fits(schema, text), text


def test_an_answer_says_whether_its_end_is_the_models(grammar: Grammar, chat: Chat) -> None:
    constraint = Constraint("regex", "[a-z]+[.]")
    own, ended = grammar.matcher(constraint), grammar.matcher(constraint)
    a = next(t for t in _allowed(own) if chat.text([t]) == "a")
    assert own.take(a, 2) == ended.take(a, 2) == [a]
    dot = next(t for t in _allowed(own) if chat.text([a, t]) == "a.")
    assert own.take(dot, 1) == [dot]
    assert own.finished and own.complete and not own.closed
    assert chat.text([a, *ended.take(a, 1)]) == "a."
    assert ended.finished and ended.complete and ended.closed


def test_an_answer_that_cannot_be_whole_is_told(grammar: Grammar, chat: Chat) -> None:
    shortest = grammar.matcher(_json(REVIEW)).close(500)
    assert shortest is not None
    for most in (1, 2, 5, len(shortest) // 2):
        matcher = grammar.matcher(_json(REVIEW))
        assert matcher.close(most) is None
        _walk(grammar, matcher, chat, 0, most)
        assert not matcher.complete


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(12, 60))
def test_expressions_are_matched_whole(seed: int, most: int, grammar: Grammar, chat: Chat) -> None:
    for expression in (r"[a-z]+@[a-z]{2,5}\.(com|org)", r"^\d{3}-\d+$", r"(ab)*c|[A-Z][^x]{2,}"):
        matcher = grammar.matcher(Constraint("regex", expression))
        text = _walk(grammar, matcher, chat, seed, most)
        assert matcher.complete and re.fullmatch(expression, text, re.ASCII), text


def test_a_choice_is_one_of_its_texts(grammar: Grammar, chat: Chat) -> None:
    options = ["positive", "very (positive)", "negative.", "a|b", "été", 'say "x" \\ {1}']
    seen = set()
    for seed in range(60):
        matcher = grammar.matcher(Constraint("choice", json.dumps(options)))
        seen.add(_walk(grammar, matcher, chat, seed, 40))
        assert matcher.complete
    assert seen <= set(options) and len(seen) > 3


def test_an_end_token_may_come_exactly_where_the_value_may_end(
    grammar: Grammar, chat: Chat
) -> None:
    matcher = grammar.matcher(Constraint("regex", "12*"))
    assert not chat.end_ids.intersection(_allowed(matcher)) and not matcher.complete
    (one,), (two,) = chat.answer_tokens(["1", "2"])[0][-1:], chat.answer_tokens(["2"])[0][-1:]
    matcher.advance(one)
    assert chat.end_ids <= set(_allowed(matcher)) and matcher.complete
    matcher.advance(two)
    assert not matcher.finished
    matcher.advance(min(chat.end_ids))
    assert matcher.finished and matcher.complete
    with pytest.raises(InvalidValueError, match="does not fit"):
        grammar.matcher(Constraint("regex", "1")).advance(two)


def test_what_is_certain_is_written_without_the_model(grammar: Grammar, chat: Chat) -> None:
    matcher = grammar.matcher(_json(REVIEW))
    forced = matcher.forced()
    assert chat.text(forced).startswith('{"nam')
    assert matcher.begin(100) == forced
    # Compact: no white space where JSON would allow it.
    assert not any(chat.text([t]).isspace() for t in _allowed(grammar.matcher(_json(REVIEWS))))


def test_rows_are_apart_and_grammars_shared(grammar: Grammar, chat: Chat) -> None:
    constraint = Constraint("choice", '["good", "bad"]')
    first, second = grammar.matcher(constraint), grammar.matcher(constraint)
    before = _allowed(second)
    first.advance(_allowed(first)[0])
    assert _allowed(second) == before
    masks = grammar.masks([first, None, second])
    assert masks.shape == (3, (VOCABULARY + 31) // 32) and masks.dtype == np.int32
    assert (masks[1] == -1).all() and (masks[0] != masks[2]).any()
    assert allowed_ids(masks[2], VOCABULARY).tolist() == before


def test_strings_have_an_end(grammar: Grammar, chat: Chat) -> None:
    matcher = grammar.matcher(_json({"type": "string"}))
    quote = next(t for t in _allowed(matcher) if chat.text([t]) == '"')
    matcher.advance(quote)
    a = next(t for t in _allowed(matcher) if chat.text([quote, t]) == '"a')
    count = 0
    while a in _allowed(matcher):
        matcher.advance(a)
        count += 1
    assert 500 < count < 5000


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Constraint("regex", "(a"), "regular expression .*unclosed group"),
        (Constraint("regex", "(?=a)b"), "look-around"),
        (Constraint("json", "{"), "JSON schema .*not JSON"),
        (Constraint("json", "[]"), "another kind than dict"),
        (Constraint("json", '{"type": "strin"}'), "strin"),
        (Constraint("choice", "[]"), "not a list of texts"),
        (Constraint("choice", '["a", 1]'), "not a list of texts"),
    ],
)
def test_bad_constraints_are_refused(constraint: Constraint, reason: str, grammar: Grammar) -> None:
    with pytest.raises(InvalidValueError, match=re.compile(reason, re.DOTALL)):
        grammar.matcher(constraint)


def test_a_tokenizer_of_words_cannot_be_constrained(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "good": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    chat = Chat.from_folder(tiny.write_chat(tmp_path, tokenizer))
    with pytest.raises(ModelError, match="does not serve"):
        Grammar(chat, 2)
