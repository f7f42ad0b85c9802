"""What a language model is told: messages, each with the role of who says it."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; the last one of a conversation is the user's, and the model answers it."""

    role: Role
    text: str


Conversation = tuple[Message, ...]
