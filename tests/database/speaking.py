"""A language model for tests: it reads prompts by rules, and writes down what it was asked."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from augursql.engine.generation.constraint import Constraint
from augursql.engine.generation.conversation import Conversation
from augursql.engine.generation.sampling import Sampling
from augursql.engine.repository.store import Artifact
from augursql.types import Monitor

Write = Callable[[Conversation, Sampling], str]


@dataclass(frozen=True)
class DoubledScores:
    probabilities: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.int32]


@dataclass(frozen=True)
class DoubledCompletion:
    text: str
    confidence: float
    tokens: int
    generated: int
    finished: bool


class DoubledChat:
    def render(self, conversation: Conversation) -> str:
        return "\n".join(f"{message.role}: {message.text}" for message in conversation)


def words(text: str) -> set[str]:
    """The words of a message's data, without tags."""
    return set(re.findall(r"\w+", re.sub(r"</?[a-z_0-9]+>", " ", text.lower())))


def shown(conversation: Conversation) -> list[tuple[str, str]]:
    """The examples of a prompt: rows and their answers."""
    turns = zip(conversation[1:-1:2], conversation[2:-1:2], strict=True)
    return [(user.text, answer.text) for user, answer in turns]


@dataclass
class DoubledModel:
    """Labels: that of the example with the most long words of the row, else one that the row names,
    else the first. Free answers: `write`, else the smallest that the constraint allows.
    """

    write: Write | None = None
    scored: list[Conversation] = field(default_factory=list)
    generated: list[Conversation] = field(default_factory=list)
    adapters: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    constraints: list[Constraint | None] = field(default_factory=list)

    memory_bytes: int = 0

    def attach(self, adapter: Artifact) -> None:
        self.attached.append(adapter.digest)

    def close(self) -> None:
        return None

    @property
    def chat(self) -> DoubledChat:
        return DoubledChat()

    @property
    def asked(self) -> list[Conversation]:
        return self.scored + self.generated

    def score(
        self,
        conversations: Sequence[Conversation],
        labels: Sequence[str],
        monitor: Monitor,
        adapter: str = "",
    ) -> DoubledScores:
        self.scored += conversations
        self.adapters.append(adapter)
        probabilities = np.full((len(conversations), len(labels)), 0.2 / max(len(labels) - 1, 1))
        for row, conversation in zip(probabilities, conversations, strict=True):
            row[_label(conversation, labels)] = 0.8 if len(labels) > 1 else 1.0
        return DoubledScores(probabilities, self.count_tokens(conversations))

    def generate(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        constraint: Constraint | None,
        monitor: Monitor,
        adapter: str = "",
    ) -> list[DoubledCompletion]:
        self.generated += conversations
        self.adapters.append(adapter)
        self.samplings.append(sampling)
        self.constraints.append(constraint)
        found = []
        for conversation, tokens in zip(
            conversations, self.count_tokens(conversations).tolist(), strict=True
        ):
            text = self._text(conversation, sampling, constraint)
            length = min(len(text.split()), sampling.max_tokens)
            found.append(DoubledCompletion(text, 0.5, tokens, length, True))
        return found

    def count_tokens(self, conversations: Sequence[Conversation]) -> npt.NDArray[np.int32]:
        counts = [sum(len(message.text.split()) for message in said) for said in conversations]
        return np.array(counts, np.int32)

    def label_tokens(self, labels: Sequence[str]) -> int:
        return sum(len(label.split()) for label in labels)

    def tokens_per_second(self) -> float:
        return 100.0

    def _text(
        self, conversation: Conversation, sampling: Sampling, constraint: Constraint | None
    ) -> str:
        if self.write is not None:
            return self.write(conversation, sampling)
        if constraint is None:
            return f" {conversation[-1].text.upper()} "
        if constraint.kind == "choice":
            return str(json.loads(constraint.text)[0])
        return constraint.text if constraint.kind == "regex" else _smallest(constraint.text)


def _label(conversation: Conversation, labels: Sequence[str]) -> int:
    row, turns = words(conversation[-1].text), shown(conversation)
    long = {word for word in row if len(word) > 3}
    known = [(len(long & words(text)), answer) for text, answer in turns]
    for _, answer in sorted(known, key=lambda pair: -pair[0]):
        if answer in labels:
            return list(labels).index(answer)
    return next((n for n, label in enumerate(labels) if label.lower() in row), 0)


def _smallest(text: str) -> str:
    return json.dumps(_instance(json.loads(text)))


def _instance(schema: dict[str, Any]) -> Any:
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: _instance(part) for name, part in schema["properties"].items()}
        case "array":
            return [_instance(schema["items"])]
        case "string":
            formats = {"date": "2024-02-29", "date-time": "2024-02-29T12:00:00Z"}
            return formats.get(schema.get("format", ""), "some text")
        case "boolean":
            return True
        case "integer":
            return schema["maximum"]
    return 2.5
