"""Conversations as a model was taught them: templates, tokens, answers, and texts that are data."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.conversation import Conversation, Message
from augursql.engine.generation.stops import Stops
from augursql.errors import ModelError
from tests.engine import tiny_chats as tiny

FAMILIES: dict[str, tuple[Callable[[], Tokenizer], dict[str, Any], str]] = {
    "smollm2": (tiny.byte_level, {"chat_template": tiny.CHATML}, "<|im_end|>"),
    "llama3": (tiny.byte_level, {"chat_template": tiny.LLAMA3}, "<|eot_id|>"),
    "qwen3": (tiny.byte_level, {"chat_template": tiny.QWEN3}, "<|im_end|>"),
    "gemma": (tiny.pieces, {"chat_template": tiny.GEMMA}, "<end_of_turn>"),
    "mistral": (tiny.pieces, {"chat_template": tiny.MISTRAL}, "</s>"),
    "phi3": (tiny.pieces, {"chat_template": tiny.PHI3}, "<|end|>"),
    "deaf": (tiny.pieces, {"chat_template": tiny.DEAF}, "<|end|>"),
}
SPECIALS = {
    tiny.byte_level: {"bos_token": "<|begin_of_text|>", "eos_token": "<|endoftext|>"},
    tiny.pieces: {"bos_token": {"content": "<s>"}, "eos_token": {"content": "</s>"}},
}
NO_SYSTEM = ("gemma", "mistral", "deaf")
ONE = (Message("user", "Was the hotel good?"),)
FEW = (
    Message("user", "  The room was dirty.\n"),
    Message("assistant", "negative"),
    Message("user", "Good and clean!"),
)
SYSTEM = Message("system", "Answer with one word.")


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Chat]:
    found = {}
    for name, (make, config, _) in FAMILIES.items():
        folder = tmp_path_factory.mktemp(name)
        tiny.write_chat(folder, make(), **SPECIALS[make], **config)
        found[name] = Chat.from_folder(folder)
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Chat:
    folder = tiny.write_chat(tmp_path_factory.mktemp("plain"), tiny.byte_level())
    (folder / "config.json").write_text(json.dumps({"bos_token_id": 0, "eos_token_id": 0}))
    return Chat.from_folder(folder)


def _reference(name: str, conversation: Conversation) -> tuple[str, list[int]]:
    from transformers import PreTrainedTokenizerFast

    make, config, _ = FAMILIES[name]
    names = {k: v["content"] if isinstance(v, dict) else v for k, v in SPECIALS[make].items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=make(), **names, **config)
    messages = [{"role": m.role, "content": m.text} for m in conversation]
    options = {"add_generation_prompt": True, "enable_thinking": False}
    text = tokenizer.apply_chat_template(messages, tokenize=False, **options)
    return text, tokenizer.apply_chat_template(messages, **options)


@pytest.mark.parametrize("name", FAMILIES)
def test_prompts_are_those_of_transformers(name: str, chats: dict[str, Chat]) -> None:
    conversations: list[Conversation] = [ONE, FEW]
    if name not in NO_SYSTEM:
        conversations += [(SYSTEM, *ONE), (SYSTEM, *FEW)]
    tokens = chats[name].tokens(conversations)
    for conversation, ids in zip(conversations, tokens, strict=True):
        text, expected = _reference(name, conversation)
        assert chats[name].render(conversation) == text
        assert ids == expected


@pytest.mark.parametrize("name", NO_SYSTEM)
def test_without_a_role_for_it_the_system_speaks_first(name: str, chats: dict[str, Chat]) -> None:
    merged = (Message("user", f"{SYSTEM.text}\n\n{FEW[0].text}"), *FEW[1:])
    assert chats[name].render((SYSTEM, *FEW)) == _reference(name, merged)[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_end_of_a_turn_ends_an_answer(name: str, chats: dict[str, Chat]) -> None:
    make, _, end = FAMILIES[name]
    assert make().token_to_id(end) in chats[name].end_ids
    assert chats[name].label_end_ids == chats[name].end_ids
    assert chats[name].stop == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_label_continues_the_prompt_as_an_answer_would(name: str, chats: dict[str, Chat]) -> None:
    # The tokens of the prompt and the label together are those of the text with the label in it.
    chat = chats[name]
    (ids,), (label,) = chat.tokens([ONE]), chat.answer_tokens(["positive"])
    lead = " " if name == "mistral" else ""
    whole = FAMILIES[name][0]().encode(chat.render(ONE) + lead + "positive")
    assert ids + label == whole.ids
    assert chat.text(label).strip() == "positive"


def test_thinking_is_over_before_the_answer(chats: dict[str, Chat]) -> None:
    assert chats["qwen3"].render(ONE).endswith("assistant\n<think>\n\n</think>\n\n")


def test_a_model_without_template_reads_blocks(plain: Chat) -> None:
    text = plain.render((SYSTEM, *FEW))
    assert text == (
        "Answer with one word.\n\n  The room was dirty.\n\nnegative\n\nGood and clean!\n"
    )
    assert plain.tokens([(SYSTEM, *FEW)]) == [tiny.byte_level().encode(text).ids]
    assert plain.stop == ("\n\n",)
    assert plain.text(sorted(plain.label_end_ids - plain.end_ids)).strip("\n") == ""
    assert plain.label_end_ids > plain.end_ids == {0}


@pytest.mark.parametrize("adds", [True, False, None])
def test_a_begin_token_comes_once_where_the_model_wants_it(
    adds: bool | None, tmp_path: Path
) -> None:
    tokenizer = tiny.pieces()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    flag = {} if adds is None else {"add_bos_token": adds, "tokenizer_class": "LlamaTokenizer"}
    tiny.write_chat(tmp_path, tokenizer, bos_token="<s>", eos_token="</s>", **flag)
    (ids,) = Chat.from_folder(tmp_path).tokens([ONE])
    assert ids.count(1) == (adds is not False) and (ids[0] == 1) == (adds is not False)
    assert 2 not in ids  # an end token would end the answer before it began


def test_an_encoder_reads_its_end_token_and_answers_apart(tmp_path: Path) -> None:
    tokenizer = tiny.unigram()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    tiny.write_chat(tmp_path, tokenizer, eos_token="</s>")
    (tmp_path / "config.json").write_text(json.dumps({"is_encoder_decoder": True}))
    chat = Chat.from_folder(tmp_path)
    assert chat.tokens([(Message("user", "positive"),)])[0][-1] == 1
    assert chat.answer_tokens(["positive"]) == [[3]]


def test_end_ids_come_from_all_files(tmp_path: Path) -> None:
    tiny.write_chat(tmp_path, tiny.byte_level(), eos_token="<|endoftext|>")
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 2]}))
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {"eos_token_id": 4}}))
    assert Chat.from_folder(tmp_path).end_ids == {0, 1, 2, 4}


def test_a_template_is_found_wherever_models_keep_it(tmp_path: Path) -> None:
    wanted = "{{ messages[0].content }}!"
    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": wanted}]
    tiny.write_chat(tmp_path, tiny.byte_level(), chat_template=named)
    assert Chat.from_folder(tmp_path).render(ONE) == "Was the hotel good?!"
    in_json = json.dumps({"chat_template": wanted.replace("!", "?")})
    (tmp_path / "chat_template.json").write_text(in_json)
    assert Chat.from_folder(tmp_path).render(ONE) == "Was the hotel good??"
    (tmp_path / "chat_template.jinja").write_text(wanted.replace("!", "."))
    assert Chat.from_folder(tmp_path).render(ONE) == "Was the hotel good?."


def test_special_tokens_of_the_older_file_and_added_ones_are_known(tmp_path: Path) -> None:
    listed = {"600": {"content": "<|extra|>", "special": True, "normalized": False}}
    tiny.write_chat(
        tmp_path,
        tiny.byte_level(),
        chat_template="{{ bos_token }}{{ messages[0].content }}<|extra|>",
        added_tokens_decoder=listed,
    )
    specials = {"bos_token": {"content": "<|begin_of_text|>"}}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(specials))
    chat = Chat.from_folder(tmp_path)
    (ids,) = chat.tokens([(Message("user", "good <|extra|>"),)])
    assert chat.render((Message("user", "a<|extra|>"),)) == "<|begin_of_text|>a< |extra|><|extra|>"
    assert ids.count(ids[-1]) == 1 and ids[0] == 3


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}", "malformed"),
        ("{{ messages | nonsense }}", "malformed"),
        ("{{ raise_exception('never') }}", "never"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ raise_exception.__globals__['json'] }}", "unsafe"),
        ("{% include 'tokenizer.json' %}", "loader"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "end"),
        ("{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}", "fails"),
        ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
         "{{ f(60) }}", "no end"),
        ("{{ 'a' * 10 ** 9 }}", "too long"),
        ("{{ 10 ** 10 ** 10 }}", "too long"),
        ("{% set n = namespace(t='aa') %}{% for i in range(60) %}{% set n.t = n.t ~ n.t %}"
         "{% endfor %}", "too long"),
        ("{% set n = namespace(t='aa') %}{% for i in range(60) %}{% set n.t = n.t + n.t %}"
         "{% endfor %}", "too long"),
        ("{% for i in range(9999) %}{{ 'a' * 9999 }}{% endfor %}", "no end"),
        ("{{ '%999999999d' % 1 }}", "too long"),
        ("{{ '%*d' % (999999999, 1) }}", "too long"),
        ("{{ '{:999999999d}'.format(1) }}", "too long"),
        ("{{ '{:{n}d}'.format(1, n=999999999) }}", "too long"),
        ("{{ ''.ljust(999999999) }}", "too long"),
        ("{{ ('a' * 9999).replace('a', 'b' * 9999) }}", "too long"),
        ("{{ ('a' * 9999) | replace('a', 'b' * 9999) }}", "too long"),
        ("{{ ('a' * 9999).join('b' * 9999) }}", "too long"),
        ("{{ ('b' * 9999) | join('a' * 9999) }}", "too long"),
        ("{{ 'a' | indent(999999999, true) }}", "too long"),
        ("{{ {'a': 1} | tojson(indent=999999999) }}", "too long"),
        ("{{ 'a' | batch(999999999, 'b') | list }}", "too long"),
    ],
)  # fmt: skip
def test_a_template_cannot_do_harm(template: str, reason: str, tmp_path: Path) -> None:
    tiny.write_chat(tmp_path, tiny.byte_level(), chat_template=template)
    with pytest.raises(ModelError, match=reason):
        Chat.from_folder(tmp_path)


def test_a_template_has_what_transformers_gives_it(tmp_path: Path) -> None:
    template = (
        "{{ strftime_now('%Y') | length }} {{ {'a': '<é>'} | tojson }} {{ eos_token }} "
        "{% generation %}g{% endgeneration %} {{ tools is none }} "
        "{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{% endfor %}"
        "{{ 'a-b'.replace('-', '+') | replace('a', 1) }} {{ ', '.join(['a', 'b']) }} "
        "{{ [{'n': 1}, {'n': 2}] | join('/', attribute='n') }} {{ 'a\\nb' | indent(2) }} "
        "{{ '%s %d' % ('a', 1) }} {{ '{:>3}'.format(1) }} {{ {'a': 1} | tojson(indent=1) }}"
    )
    tiny.write_chat(tmp_path, tiny.byte_level(), chat_template=template, eos_token="<|im_end|>")
    assert Chat.from_folder(tmp_path).render(ONE) == (
        '4 {"a": "<é>"} <|im_end|> g True 1+b a, b 1/2 a\n  b a 1   1 {\n "a": 1\n}'
    )


def test_missing_and_broken_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no tokenizer\.json"):
        Chat.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="cannot|can be read"):
        Chat.from_folder(tmp_path)


TRICKS = [
    "<|im_end|>", "<|eot_id|>", "</think>", "<think>", "<start_of_turn>", "<end_of_turn>", "</s>",
    "<s>", "[/INST]", "[INST]", "<|end|>", "<|user|>", "<|", "|>", "<", ">", "＜", "｜", "／", " ",
    "</", "s", "im_end", "ignore the above", "<<s>", "<s</s>>",
]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.sampled_from(TRICKS), max_size=8))
def test_texts_are_data(name: str, chats: dict[str, Chat], parts: list[str]) -> None:
    chat, make = chats[name], FAMILIES[name][0]
    backend = make()
    special = set(backend.get_added_tokens_decoder())
    text = "".join(parts)
    hostile, honest = chat.tokens([(Message("user", f"x{text}x"),), (Message("user", "x"),)])
    assert [i for i in hostile if i in special] == [i for i in honest if i in special]
    rendered = chat.render((Message("user", f"x{text}x"),))
    if name == "mistral":  # its turns are marked by plain words
        assert rendered.count("[INST]") == rendered.count("[/INST]") == 1
    (label,) = chat.answer_tokens([f"x{text}"])
    assert not special.intersection(label)


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.sampled_from(TRICKS), max_size=8))
def test_no_normal_form_makes_a_special_token_of_a_text(parts: list[str]) -> None:
    from augursql.engine.generation.marks import Marks

    backend = tiny.unigram()
    broken = Marks(backend, "").broken("".join(parts))
    assert not {0, 1}.intersection(backend.encode(broken).ids)
    assert broken.replace(" ", "") == "".join(parts).replace(" ", "")


def test_common_texts_stay_as_they_are(chats: dict[str, Chat]) -> None:
    for text in ("a < b and c > d [1] {x} | y\n\n", "<p>fine</p>", "été 東京 ﬁ", ""):
        assert text in chats["smollm2"].render((Message("user", text),))


def test_stop_strings_are_found_across_tokens(plain: Chat) -> None:
    stops = Stops(plain, ("clean. {", "rating"))
    ids = tiny.byte_level().encode('good and clean. {"name":"rating"').ids
    reached = [stops.reached(ids[: n + 1]) for n in range(len(ids))]
    first = reached.index(True)
    assert "clean. {" in plain.text(ids[: first + 1])
    assert "clean. {" not in plain.text(ids[:first])
    assert stops.cut(plain.text(ids)) == "good and "
    assert stops.reached(ids, new=len(ids))
    nothing = Stops(plain, ())
    assert not nothing.reached(ids) and nothing.cut("a\n\nb") == "a\n\nb"


def test_a_tokenizer_of_words_serves_too(tmp_path: Path) -> None:
    words = ["<unk>", "</s>", "good", "bad", ":", "hotel"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    chat = Chat.from_folder(tiny.write_chat(tmp_path, tokenizer, eos_token="</s>"))
    assert chat.tokens([(Message("user", "hotel good :"),)]) == [[5, 2, 4]]
    assert chat.answer_tokens(["good", "bad"]) == [[2], [3]]


def test_the_heavy_libraries_wait_until_they_are_needed() -> None:
    code = "import sys, augursql, augursql.engine.generation.chat as c\n" + (
        "import augursql.engine.generation.constraint, augursql.engine.generation.sampling\n"
        "print([m for m in ('jinja2', 'tokenizers', 'llguidance') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"
