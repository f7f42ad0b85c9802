"""Conversations to token ids and token ids to text, the way the model was taught them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augursql.engine.generation import special
from augursql.engine.generation.conversation import Conversation, Message
from augursql.engine.generation.marks import Marks
from augursql.engine.repository.profile import read_object
from augursql.errors import ModelError

if TYPE_CHECKING:
    from augursql.engine.generation.template import Template

# What conversations of ours never hold, to see what a template makes of each part.
_SYSTEM, _USER, _ANSWER = "Vexqo system.", "Vexqo user.", "Vexqo answer."


class Chat:
    """A model's tokenizer and chat template. Thread-safe.

    A model without a template (GPT-2, base models) gets a plain form: the system's text, then
    blocks of the user's text and the answer on a new line, with blank lines between.

    end_ids: ids that end an answer.
    label_end_ids: those, and in the plain form also ids of line ends, which end a label there.
    stop: strings that end an answer: the blank line of the plain form, else none.
    """

    def __init__(self, folder: Path) -> None:
        backend = special.read_tokenizer(folder)
        specials = special.read_specials(folder, backend)
        config = read_object(folder / "config.json")
        self._backend: Any = backend
        self._encodes = config.get("is_encoder_decoder") is True
        self._marks = Marks(backend, "")
        self._template = _template(folder, specials)
        self._affixes: tuple[list[int], list[int]] = ([], [])
        self._system_apart = self._template is None or self._knows_system()
        self._tail = self._render((Message("user", _USER),))
        self._lead, closing = "", ""
        if self._template is None:
            self._affixes = special.affixes(folder, backend, specials)
        else:
            self._lead, closing = self._surroundings()
            self._marks = Marks(backend, self._written() + closing)
        self.stop = ("\n\n",) if self._template is None else ()
        ends = special.end_ids(folder, backend, specials)
        self.end_ids = frozenset(ends | self._turn_end(closing))
        self.label_end_ids = self.end_ids | (self._line_ends() if self.stop else frozenset())

    @classmethod
    def from_folder(cls, folder: Path) -> "Chat":
        """Read tokenizer.json, the configurations and the template in `folder`.

        Raises ModelError for files that are missing, malformed or refuse a plain conversation.
        """
        return cls(folder)

    def render(self, conversation: Conversation) -> str:
        """The text that the model reads, up to where its answer begins.

        The texts of messages are data: strings of special tokens in them are broken. Where the
        template knows no system, its text goes before the first user's. Raises ModelError.
        """
        return self._render(
            tuple(Message(m.role, self._marks.broken(m.text)) for m in conversation)
        )

    def tokens(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        """The ids of n prompts, with a begin token where the model wants one. Raises ModelError."""
        before, after = self._affixes
        encoded = self._encode([self.render(c) for c in conversations])
        return [before + ids + after for ids in encoded]

    def answer_tokens(self, labels: Sequence[str]) -> list[list[int]]:
        """The ids by which each label continues a prompt, without an end token."""
        texts = [self._lead + self._marks.broken(label) for label in labels]
        alone = self._encode(texts)
        if self._encodes:  # the answer is a text of its own
            return alone
        (tail,) = self._encode([self._tail])
        whole = self._encode([self._tail + text for text in texts])
        return [
            ids[len(tail) :] if ids[: len(tail)] == tail else other
            for ids, other in zip(whole, alone, strict=True)
        ]

    def holds_special(self, text: str) -> bool:
        """Whether a special token stands in the text, by its letters."""
        return self._marks.broken(text) != text

    def text(self, ids: Sequence[int]) -> str:
        """The text of an answer's ids, special tokens skipped."""
        return str(self._backend.decode(list(ids), skip_special_tokens=True))

    def serialized(self) -> str:
        """The tokenizer as JSON, in the form of tokenizer.json."""
        return str(self._backend.to_str())

    def _encode(self, texts: list[str]) -> list[list[int]]:
        encoded = self._backend.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def _render(self, messages: Conversation, *, asks: bool = True) -> str:
        if self._template is None:
            return _plain(messages)
        if not self._system_apart:
            messages = _merged(messages)
        contents = [{"role": m.role, "content": m.text} for m in messages]
        return self._template.render(contents, asks=asks)

    def _knows_system(self) -> bool:
        """Whether the template takes a system message; some refuse it, some drop it unseen."""
        self._system_apart = True
        try:
            return _SYSTEM in self._render((Message("system", _SYSTEM), Message("user", _USER)))
        except ModelError:
            return False

    def _surroundings(self) -> tuple[str, str]:
        """What the template writes between a prompt and its answer, and behind the answer."""
        messages = (Message("user", _USER), Message("assistant", _ANSWER))
        try:
            whole = self._render(messages, asks=False)
        except ModelError:
            return "", ""
        lead, _, closing = whole.removeprefix(self._tail).partition(_ANSWER)
        return lead if lead.isspace() and whole.startswith(self._tail) else "", closing

    def _written(self) -> str:
        """A conversation of the template's own words."""
        system = (Message("system", _SYSTEM),)
        return self._render((*system, Message("user", _USER)))

    def _turn_end(self, closing: str) -> set[int]:
        """The special token that the template puts behind an answer, such as `<|im_end|>`."""
        closing = closing.lstrip()
        tokens = self._backend.get_added_tokens_decoder().items()
        ends = [(len(t.content), i) for i, t in tokens if closing.startswith(t.content)]
        return {max(ends)[1]} if ends else set()

    def _line_ends(self) -> frozenset[int]:
        head, one, two = self._encode(["a", "a\n", "a\n\n"])
        longer = [ids for ids in (one, two) if len(ids) > len(head) and ids[: len(head)] == head]
        return frozenset(ids[len(head)] for ids in longer)


def _template(folder: Path, specials: dict[str, str]) -> "Template | None":
    source = special.read_template(folder)
    if source is None:
        return None
    # Jinja2 is loaded for the models that need it.
    from augursql.engine.generation.template import Template

    return Template(source, specials)


def _plain(messages: Conversation) -> str:
    ends = {"system": "\n\n", "user": "\n", "assistant": "\n\n"}
    return "".join(message.text + ends[message.role] for message in messages)


def _merged(messages: Conversation) -> Conversation:
    """The system's texts in front of the first user's."""
    system = [m.text for m in messages if m.role == "system"]
    rest = [m for m in messages if m.role != "system"]
    if system and rest:
        rest[0] = Message(rest[0].role, "\n\n".join([*system, rest[0].text]))
    return tuple(rest)
