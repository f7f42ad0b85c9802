"""What a model's own files say about its tokenizer: special tokens, end tokens, chat template."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from augursql.engine.repository.profile import read_object
from augursql.errors import ModelError

_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token")
# These classes of transformers put the begin token there themselves, whatever tokenizer.json says.
_BUILD_BEGIN = ("Llama", "CodeLlama", "Gemma")


def read_tokenizer(folder: Path) -> Any:
    """The tokenizers.Tokenizer of tokenizer.json, with the added tokens of tokenizer_config.json.

    Raises ModelError.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no tokenizer.json.",
            hint="Save the model's fast tokenizer beside it, with transformers' save_pretrained.",
        )
    library: Any = importlib.import_module("tokenizers")
    try:
        backend = library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"{path} is not a tokenizer that can be read: {error}") from error
    # A file may ask for padding and truncation of its own.
    backend.no_padding()
    backend.no_truncation()
    listed = read_object(folder / "tokenizer_config.json").get("added_tokens_decoder", {})
    for _, token in sorted(listed.items(), key=lambda item: int(item[0])):
        if backend.token_to_id(token["content"]) is None:
            options = {k: v for k, v in token.items() if k != "content"}
            backend.add_tokens([library.AddedToken(token["content"], **options)])
    return backend


def read_specials(folder: Path, backend: Any) -> dict[str, str]:
    """Special tokens by the names that chat templates use, such as `bos_token`: those it has."""
    config = read_object(folder / "config.json")
    sources = [
        read_object(folder / f) for f in ("tokenizer_config.json", "special_tokens_map.json")
    ]
    found: dict[str, str] = {}
    for name in _NAMES:
        contents = [_content(source.get(name)) for source in sources]
        number = config.get(f"{name}_id")
        if isinstance(number, int) and number >= 0:
            contents.append(backend.id_to_token(number))
        content = next((c for c in contents if c), None)
        if content:
            found[name] = content
    return found


def end_ids(folder: Path, backend: Any, specials: dict[str, str]) -> set[int]:
    """Ids after which the model has nothing more to say, as all of its files have it."""
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        config = read_object(folder / name)
        for section in (config, config.get("text_config")):
            if isinstance(section, dict):
                found.update(_numbers(section.get("eos_token_id")))
    known = backend.token_to_id(specials.get("eos_token", ""))
    return found if known is None else found | {known}


def affixes(folder: Path, backend: Any, specials: dict[str, str]) -> tuple[list[int], list[int]]:
    """The ids that go before and after a text which no chat template wraps."""
    encoding = backend.encode("a")
    mask, ids = encoding.special_tokens_mask, encoding.ids
    before: list[int] = []
    after: list[int] = []
    if 0 in mask:
        last = len(mask) - mask[::-1].index(0)
        before, after = ids[: mask.index(0)], ids[last:]
    config = read_object(folder / "tokenizer_config.json")
    if str(config.get("tokenizer_class", "")).startswith(_BUILD_BEGIN):
        begin = backend.token_to_id(specials.get("bos_token", ""))
        adds = config.get("add_bos_token", True) and begin is not None
        before = [begin] if adds else []
    # What comes after would end a decoder's answer before it began.
    encodes = read_object(folder / "config.json").get("is_encoder_decoder") is True
    return before, after if encodes else []


def read_template(folder: Path) -> str | None:
    """The source of the chat template, None where the model has none. Raises ModelError."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} is not readable text.") from error
    for name in ("chat_template.json", "tokenizer_config.json"):
        template = read_object(folder / name).get("chat_template")
        if isinstance(template, list):
            template = _default(template)
        if template is not None and not isinstance(template, str):
            raise ModelError(f"The chat_template of {folder / name} is not a text.")
        if template:
            return template
    return None


def _default(templates: list[Any]) -> Any:
    named = {t["name"]: t["template"] for t in templates if isinstance(t, dict) and len(t) >= 2}
    return named.get("default", next(iter(named.values()), None))


def _content(token: object) -> str | None:
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


def _numbers(value: object) -> Iterable[int]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, int) and v >= 0]
