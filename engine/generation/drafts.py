"""Prompts before it is known how much of them fits: the kinds of `fitting.Draft`."""

from dataclasses import dataclass

from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.prompts import Example, Field, Task, asked, labelled, numbered


@dataclass(frozen=True, slots=True)
class LabelledDraft:
    """A row to be labelled; `known` are the examples, the most similar first."""

    task: Task
    fields: tuple[Field, ...]
    known: tuple[Example, ...] = ()

    @property
    def examples(self) -> int:
        return len(self.known)

    @property
    def longest(self) -> int:
        return max((len(field.text) for field in self.fields), default=0)

    def written(self, examples: int, longest: int) -> Conversation:
        return labelled(self.task, self.known[:examples][::-1], _cut(self.fields, longest))


@dataclass(frozen=True, slots=True)
class AskedDraft:
    """A template with its values; `rows` are those retrieved, the most similar first."""

    task: Task
    pieces: tuple[str | int, ...]
    fields: tuple[Field, ...]
    rows: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        return len(self.rows)

    @property
    def longest(self) -> int:
        return max((len(field.text) for field in self.fields), default=0)

    def written(self, examples: int, longest: int) -> Conversation:
        fields = _cut(self.fields, longest)
        return asked(self.task, self.pieces, self.rows[:examples], fields)


@dataclass(frozen=True, slots=True)
class NumberedDraft:
    """Texts that are asked about together."""

    task: Task
    texts: tuple[str, ...]

    @property
    def examples(self) -> int:
        return 0

    @property
    def longest(self) -> int:
        return max(map(len, self.texts), default=0)

    def written(self, examples: int, longest: int) -> Conversation:
        return numbered(self.task, [text[:longest] for text in self.texts])


def _cut(fields: tuple[Field, ...], longest: int) -> tuple[Field, ...]:
    return tuple(Field(field.tag, field.text[:longest]) for field in fields)
