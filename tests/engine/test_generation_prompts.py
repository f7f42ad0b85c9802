"""What a language model is told, and how much of it."""

from collections.abc import Sequence

import numpy as np
import pytest

from augursql.engine.generation.contextual import calibrated
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.drafts import AskedDraft, LabelledDraft
from augursql.engine.generation.fitting import fitted
from augursql.engine.generation.prompts import (
    Example,
    Field,
    Task,
    again,
    asked,
    broken,
    emptied,
    labelled,
    tags,
)
from augursql.errors import InvalidValueError

TASK = Task("Say what it is.", (("a", ""), ("b", "the second")))


def count(conversations: Sequence[Conversation]) -> np.ndarray:
    """A token for each character."""
    return np.array([sum(len(m.text) for m in said) for said in conversations], np.int32)


def test_what_is_shared_comes_first_and_the_row_last() -> None:
    examples = [Example((Field("x", "far"),), "a"), Example((Field("x", "near"),), "b")]
    said = labelled(TASK, examples, [Field("x", "row")])
    assert [m.role for m in said] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert said[0].text.startswith("Say what it is.\n") and "- a\n- b: the second" in said[0].text
    assert [m.text for m in said[1:]] == ["<x>far</x>", "a", "<x>near</x>", "b", "<x>row</x>"]
    other = labelled(TASK, examples, [Field("x", "another row")])
    assert said[:-1] == other[:-1]


def test_tags_are_plain_and_each_is_there_once() -> None:
    names = ["Größe (cm)", "größe", "2nd", "row", None, "日本", "a</b>"]
    assert tags(names) == [
        "gr_e_cm",
        "gr_e",
        "field_2nd",
        "row_2",
        "text",
        "text_2",
        "a_b",
    ]


@pytest.mark.parametrize(
    "attack",
    ["</x>", "< / X >", "<\u200b/x >", "<x>", "<x attribute>", "</y>", "<\n/\ufeffx\n>"],
)
def test_no_value_ends_or_begins_a_field(attack: str) -> None:
    shown = broken(f"before {attack} after", ["x", "y"])
    assert shown == f"before &lt;{attack[1:]} after"


@pytest.mark.parametrize("harmless", ["<b>", "1 <xy 2", "x > y", "<<", "&lt;x>"])
def test_other_text_stays(harmless: str) -> None:
    assert broken(harmless, ["x"]) == harmless


def test_templates_with_rows_and_values() -> None:
    said = asked(Task(""), ("Is ", 0, " like ", 1, ", ", 0, "?"), (), _fields("p", "q"))
    assert said[-1].text == "Is <a>p</a> like <b>q</b>, <a>p</a>?"
    assert said[0].role == "system" and "<a>" in said[0].text
    said = asked(Task("", form="Answer with a number."), ("Why?",), ("one", "</row>"), ())
    assert said[-1].text == (
        '<row number="1">\none\n</row>\n<row number="2">\n&lt;/row>\n</row>\n\nWhy?'
    )
    assert "numbered rows" in said[0].text and "Answer with a number." in said[0].text
    (only,) = asked(Task(""), ("Say hello",), (), ())
    assert (only.role, only.text) == ("user", "Say hello")


def test_another_try_and_an_empty_row() -> None:
    said = labelled(TASK, (), _fields("row"))
    tried = again(said, "7", "it is too much.")
    assert tried[: len(said)] == said
    assert (tried[-2].text, "too much" in tried[-1].text) == ("7", True)
    assert emptied(said, "a", "N/A") == (said[0], labelled(TASK, (), _fields("N/A"))[1])


def test_examples_go_before_the_row_is_cut() -> None:
    examples = tuple(Example(_fields(f"{n} " + "e" * 300), "a") for n in range(5))
    draft = LabelledDraft(TASK, _fields("r" * 300), examples)
    whole = int(count([draft.written(5, 300)])[0])
    for budget in range(whole, 400, -97):
        (prompt,) = fitted([draft], budget, count)
        assert count([prompt.conversation])[0] <= budget
        # The most similar ones stay, the very most similar one last.
        shown = [m.text[3:5].strip() for m in prompt.conversation[1:-1:2]]
        assert shown == [str(n) for n in reversed(range(prompt.examples))]
        if not prompt.truncated and prompt.examples < 5:
            assert count([draft.written(prompt.examples + 1, 300)])[0] > budget
        if prompt.truncated:
            assert prompt.examples == 0
    (prompt,) = fitted([draft], int(count([draft.written(0, 100)])[0]), count)
    assert prompt.truncated and "r" * 100 in prompt.conversation[-1].text
    with pytest.raises(InvalidValueError, match="does not fit"):
        fitted([draft], 20, count)


def test_the_longest_value_is_cut_first() -> None:
    draft = AskedDraft(Task(""), (0, 1), _fields("s" * 10, "l" * 900))
    (prompt,) = fitted([draft], 400, count)
    assert "s" * 10 in prompt.conversation[-1].text and prompt.truncated
    assert count([prompt.conversation])[0] == 400


def test_prompts_that_surely_fit_are_not_counted() -> None:
    def uncountable(conversations: Sequence[Conversation]) -> np.ndarray:
        raise AssertionError

    draft = LabelledDraft(TASK, _fields("row"))
    (prompt,) = fitted([draft], 2_000, uncountable)
    assert (prompt.examples, prompt.truncated) == (0, False)


def test_calibration_makes_the_model_say_nothing_of_nothing() -> None:
    bias = np.array([[0.9, 0.1]])
    assert calibrated(bias, bias) == pytest.approx(np.array([[0.5, 0.5]]))
    turned = calibrated(np.array([[0.8, 0.2]]), bias)
    assert turned[0, 1] > turned[0, 0] and turned.sum() == pytest.approx(1)
    assert np.isfinite(calibrated(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))).all()


def _fields(*values: str) -> tuple[Field, ...]:
    return tuple(Field(tag, value) for tag, value in zip("ab", values, strict=False))
