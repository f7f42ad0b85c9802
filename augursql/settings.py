"""The settings of a session: `SET augur_<name> = value`, `SHOW augur_<name>`, `RESET augur_<name>`.

A value given to `connect(..., settings={...})` wins over the environment variable
`AUGUR_<NAME>`, and that wins over the default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from augursql.errors import InvalidValueError, NameNotFoundError, candidates

PREFIX = "augur_"


def _default_home() -> str:
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local/share")
    return os.path.join(base, "augursql")


@dataclass(frozen=True, slots=True)
class Settings:
    """One value per setting. `docs/settings.md` describes each; a test compares the two."""

    encoder: str = "minilm"
    provider: str = "auto"
    dtype: str = "auto"
    threads: int = 0
    batch_tokens: int = 0
    exact_below: int = 20_000
    seed: int = 42
    memo_mb: int = 256
    model_memory_mb: int = 0
    cache: str = "on"
    cache_mb: int = 1_024
    rules: str = "on"
    execution: str = "auto"
    max_rows: int = 0
    max_tokens: int = 0
    max_seconds: int = 0
    progress: str = "auto"
    offline: bool = False
    home: str = ""

    @property
    def store(self) -> Path:
        """The folder of the local model store."""
        return Path(self.home or _default_home()) / "models"


CHOICES: Mapping[str, tuple[str, ...]] = {
    "provider": ("auto", "cpu", "cuda"),
    "dtype": ("auto", "fp32", "int8", "fp16"),
    "progress": ("auto", "on", "off"),
    "cache": ("on", "off"),
    "rules": ("on", "off"),
    "execution": ("auto", "inline", "staged"),
}
NAMES = tuple(field.name for field in fields(Settings))


def names() -> list[str]:
    """The settings' full names, `augur_encoder` and so on."""
    return [PREFIX + name for name in NAMES]


def changed(settings: Settings, name: str, given: object) -> Settings:
    """`settings` with one value changed; `name` with or without the prefix, any case.

    Raises NameNotFoundError for an unknown name and InvalidValueError for a value of a wrong type.
    """
    key = name.lower().removeprefix(PREFIX)
    value(settings, key)  # an unknown name is an error
    chosen: dict[str, Any] = {key: _converted(key, given)}
    return replace(settings, **chosen)


def value(settings: Settings, name: str) -> str | int | bool:
    """A setting's value. Raises NameNotFoundError for an unknown name."""
    key = name.lower().removeprefix(PREFIX)
    if key not in NAMES:
        raise NameNotFoundError(
            f'There is no setting "{PREFIX}{key}".', hint=candidates(PREFIX + key, names())
        )
    found: str | int | bool = getattr(settings, key)
    return found


def reset(settings: Settings, name: str) -> Settings:
    """`settings` with one value back at what a new session would have."""
    key = name.lower().removeprefix(PREFIX)
    return changed(settings, name, value(initial({}), key))


def initial(given: Mapping[str, object]) -> Settings:
    """What a session starts with: defaults, environment, then `given`."""
    settings = Settings()
    for name in NAMES:
        from_environment = os.environ.get(f"AUGUR_{name.upper()}")
        if from_environment is not None:
            settings = changed(settings, name, from_environment)
    for name, chosen in given.items():
        settings = changed(settings, name, chosen)
    return settings


def _converted(key: str, given: object) -> str | int | bool:
    default = getattr(Settings(), key)
    text = str(given).strip()
    if isinstance(default, bool):
        if text.lower() in ("true", "1", "on", "yes"):
            return True
        if text.lower() in ("false", "0", "off", "no"):
            return False
        raise InvalidValueError(f"{PREFIX}{key} is true or false, not {text!r}.")
    if isinstance(default, int):
        try:
            number = int(text)
        except ValueError:
            number = -1
        if number < 0:
            raise InvalidValueError(f"{PREFIX}{key} is a whole number from 0, not {text!r}.")
        return number
    options = CHOICES.get(key)
    if options is None:
        return text
    if text.lower() not in options:
        raise InvalidValueError(f"{PREFIX}{key} is one of {', '.join(options)}, not {text!r}.")
    return text.lower()
