"""Texts of users as data: no string in them may be read as a special token.

A review that holds `<|im_end|>` would otherwise end its own message. Such strings get a space after
their first character, so that people and models still read them, and the tokenizer sees text.
"""

import re
from collections.abc import Iterable
from typing import Any

_CONTROL = re.compile(r"[<\[{|].+[>\]}|]")
_WRITTEN = re.compile(r"\[/?[A-Z][A-Z_]*\]|<<?/?[^\s<>]{1,40}>>?")


class Marks:
    """The strings that steer a model, and how texts are kept free of them. Thread-safe."""

    def __init__(self, backend: Any, written: str) -> None:
        """`backend`: a tokenizers.Tokenizer; `written`: a text that the chat template wrote.

        All special tokens steer, and those added tokens and words of the template that look as if
        they did (`<think>`, `[INST]`): an added word or blank is text like any other.
        """
        tokens = backend.get_added_tokens_decoder().values()
        found = {t.content for t in tokens if t.special or _CONTROL.fullmatch(t.content)}
        found.update(_WRITTEN.findall(written))
        self._normalize = backend.normalizer.normalize_str if backend.normalizer else None
        if self._normalize:
            found.update([self._normalize(mark) for mark in found])
        # Normalisers put a space or its sign in front, which belongs to no mark.
        self._marks = frozenset(m for m in (mark.strip(" \u2581\t\n") for mark in found) if m)
        self._lengths = sorted({len(mark) for mark in self._marks}, reverse=True)
        self._firsts = frozenset(mark[0] for mark in self._marks)
        firsts = "".join(map(re.escape, sorted(self._firsts)))
        self._first = re.compile(f"[{firsts}]" if firsts else "(?!)")

    def broken(self, text: str) -> str:
        """`text` with a space inside every mark; the same text where there is none."""
        while places := list(self._places(text)):
            text = _spaced(text, places)
        if self._normalize is None or not any(self._places(self._normalize(text))):
            return text
        # Other characters (of full width, say) become a mark only in the tokenizer's normal form.
        opening = [(at, 2) for at, character in enumerate(text) if self._opens(character)]
        spaced = _spaced(text, opening)
        return spaced if not any(self._places(self._normalize(spaced))) else " ".join(text)

    def _places(self, text: str) -> Iterable[tuple[int, int]]:
        """Start and length of marks, from left to right, without overlaps."""
        end = 0
        for match in self._first.finditer(text):
            at = match.start()
            if at < end:
                continue
            for length in self._lengths:
                if text[at : at + length] in self._marks:
                    end = at + length
                    yield at, length
                    break

    def _opens(self, character: str) -> bool:
        return self._normalize is not None and not self._firsts.isdisjoint(
            self._normalize(character)
        )


def _spaced(text: str, places: list[tuple[int, int]]) -> str:
    """A space after the first character of each place; a mark of one character becomes a space."""
    parts, end = [], 0
    for at, length in places:
        parts.append(text[end : at + (length > 1)])
        parts.append(" ")
        end = at + 1
    return "".join([*parts, text[end:]])
