"""Who may connect: users by token, from a TOML file, or whoever has the token of this run."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augursql import settings as setting
from augursql.errors import InvalidValueError, StorageError

SHORTEST = 16


@dataclass(frozen=True, slots=True)
class User:
    """`token_sha256` is the token's digest in hexadecimal. `settings` are ours, without prefix."""

    name: str
    token_sha256: str
    read_only: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)

    def owns(self, token: str) -> bool:
        """Whether it is this user's token; takes the same time whichever it is."""
        return hmac.compare_digest(digest(token), self.token_sha256)


def digest(token: str) -> str:
    """What a users file may hold in place of the token. Tokens are long and random, so one round
    of SHA-256 keeps them."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_users(path: Path) -> list[User]:
    """The users of a file with one table for each:

        [alice]
        token = "..."           # or token_sha256, its digest
        read_only = true
        settings = { budget_texts = 10000 }

    Raises StorageError where it cannot be read, InvalidValueError for what it should not hold.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f'The users of "{path}" cannot be read: {error}') from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidValueError(f'"{path}" is no TOML: {error}') from error
    if not found:
        raise InvalidValueError(
            f'"{path}" has no users.', hint='One is a table with a token: [alice] token = "..."'
        )
    return [_user(name, given) for name, given in found.items()]


def _user(name: str, given: Any) -> User:
    if not isinstance(given, dict):
        raise InvalidValueError(f'"{name}" is no user.', hint=f'Write [{name}] and token = "...".')
    unknown = sorted(set(given) - {"token", "token_sha256", "read_only", "settings"})
    if unknown:
        raise InvalidValueError(
            f'The user "{name}" has "{unknown[0]}", which means nothing here.',
            hint="A user has token or token_sha256, read_only and settings.",
        )
    token, known = given.get("token"), given.get("token_sha256")
    if (token is None) == (known is None):
        raise InvalidValueError(f'The user "{name}" needs either token or token_sha256.')
    if token is not None and (not isinstance(token, str) or len(token) < SHORTEST):
        raise InvalidValueError(
            f'The token of "{name}" is too short to be safe.',
            hint=f"Use {SHORTEST} characters or more, such as those of: openssl rand -hex 16",
        )
    own = given.get("settings", {})
    setting.initial(own)  # A wrong one is told of now, and not to the user.
    read_only = given.get("read_only", False)
    if not isinstance(read_only, bool):
        raise InvalidValueError(f'read_only of "{name}" is true or false.')
    return User(name, known or digest(token or ""), read_only, own)
