"""Passwords, tokens and keys, wherever a text that goes to somebody may hold them.

Asterisks take their places, one for each character, so that offsets into the text still hold. Where
it is not sure how far a secret goes, more is masked rather than less: to the end of the string that
holds it.
"""

import re

Span = tuple[int, int]

_KEY = (
    r"(?:\w*(?:password|passwd|passphrase|pwd|secret|token|credentials?|api_?key|account_?key"
    r"|access_?key|private_?key|session_?key|connection_?string|authorization)"
    r"(?:_value|_string|_base64)?(?![^\W_]))"
)
# A string of SQL; one that does not end is one as well.
_STRING = r"""'(?:[^']|'')*(?:'|\Z)|(?P<tag>\$\w*\$).*?(?:(?P=tag)|\Z)"""
_STRINGS = re.compile(_STRING, re.DOTALL)
# What may stand in a string from the secret on: password=..., or user:password@host.
_WITHIN = re.compile(
    rf"{_KEY}[\"']*\s*(?:=>|:=|[:=])\s*(?P<value>.+)"
    r"|://[^\s/@:]*:(?P<login>.+)@"
    r"|\A'[\w.%+-]+:(?!//)(?P<bare>[^\s]+)@",
    re.IGNORECASE | re.DOTALL,
)
# Outside of strings, and in texts that are no SQL.
_ASSIGNED = re.compile(
    rf"{_KEY}[\"']*\s*(?:=>|:=|[:=]|\s(?=\s*(?:[eE]?'|\$)))\s*(?P<value>[eE]?(?:{_STRING})|(?:''|[^\s'])+)",
    re.IGNORECASE | re.DOTALL,
)
_LOGIN = re.compile(r"://[^\s/@:'\"]*:(?P<value>[^\s'\"]+)@", re.IGNORECASE)
_CREATES_SECRET = re.compile(
    r"\b(?:create|replace|temporary|temp|persistent)\s+secret\b(?P<rest>(?:[^;'$]|"
    rf"{_STRING}|\$)*)",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(rf"\b{_KEY}\s+(?P<value>[^\s,)']+)", re.IGNORECASE)
# Below this a part of a message would be masked by accident.
_SHORTEST = 3


def masked(text: str) -> str:
    """`text` with an asterisk for each character of what is secret in it."""
    found = secret_spans(text)
    if not found:
        return text
    characters = list(text)
    for start, end in found:
        characters[start:end] = ["*" if c != "\n" else c for c in characters[start:end]]
    return "".join(characters)


def without(message: str, secrets: frozenset[str]) -> str:
    """`message` without these values, and without what looks like a secret by itself."""
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            message = message.replace(value, "***")
        elif value:
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "***", message)
    return masked(message)


def secrets_of(text: str) -> frozenset[str]:
    """The values that are secret in a statement, as written and as meant."""
    values = set[str]()
    for start, end in secret_spans(text):
        written = text[start:end]
        for value in (written, written.replace("''", "'"), written.strip("'$")):
            values |= {value, value.replace("\\'", "'"), *value.split()}
    return frozenset(value for value in values if value.strip("'\"$*"))


def secret_spans(text: str) -> list[Span]:
    """Where secrets stand in a statement or message."""
    found = [match.span("value") for match in _ASSIGNED.finditer(text)]
    found += [match.span("value") for match in _LOGIN.finditer(text)]
    for string in _STRINGS.finditer(text):
        inner = _WITHIN.search(string.group())
        if inner is not None:
            group = str(inner.lastgroup)
            closed = len(string.group().rstrip("'"))
            until = string.start() + (closed if group == "value" else inner.end(group))
            found.append((string.start() + inner.start(group), until))
    for statement in _CREATES_SECRET.finditer(text):
        start, rest = statement.start("rest"), statement["rest"]
        found += [(start + s.start(), start + s.end()) for s in _STRINGS.finditer(rest)]
        found += [(start + s.start("value"), start + s.end("value")) for s in _BARE.finditer(rest)]
    return [(start, end) for start, end in found if start < end]
