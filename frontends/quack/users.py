"""Who may connect: users by token, from a TOML file, or whoever has the token of this run."""

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augursql import settings as setting
from augursql.errors import InvalidValueError, StorageError

SHORTEST = 16
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class User:
    """`token_sha256` is the token's digest in hexadecimal. `settings` are ours, without prefix."""

    name: str
    token_sha256: str
    read_only: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)

    def owns(self, token: str) -> bool:
        """Whether it is this user's token; takes the same time whatever it is."""
        return hmac.compare_digest(digest(token), self.token_sha256)


ANYBODY = User("", "")


def digest(token: str) -> str:
    """What a users file may hold in place of the token. Tokens are long and random, so one round
    of SHA-256 keeps them."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_users(path: Path) -> list[User]:
    """The users of a file with one table for each:

        [alice]
        token = "..."           # or token_sha256, its digest
        read_only = true
        settings = { max_rows = 10000 }

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
    users = [_user(name, given) for name, given in found.items()]
    named = dict[str, str]()
    for user in users:
        other = named.setdefault(user.token_sha256, user.name)
        if other != user.name:
            raise InvalidValueError(f'"{other}" and "{user.name}" have the same token.')
    return users


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
    if known is not None and not (isinstance(known, str) and _DIGEST.fullmatch(known.lower())):
        raise InvalidValueError(
            f'token_sha256 of "{name}" is no SHA-256 in hexadecimal.',
            hint="This prints it: printf %s TOKEN | sha256sum",
        )
    own = given.get("settings", {})
    if not isinstance(own, dict):
        raise InvalidValueError(f'settings of "{name}" is a table: settings = {{ max_rows = 10 }}')
    setting.initial(own)  # A wrong one is told of now, and not to the user.
    read_only = given.get("read_only", False)
    if not isinstance(read_only, bool):
        raise InvalidValueError(f'read_only of "{name}" is true or false.')
    return User(name, known.lower() if known else digest(token or ""), read_only, own)
