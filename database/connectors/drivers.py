"""From what ATTACH says to an ADBC driver: which one, its options, and its dialect of SQL."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import quote, unquote

from augursql.errors import InvalidValueError, NameNotFoundError, SourceError
from augursql.masking import without

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_LOGIN = re.compile(r"://(?:([^/@]*)@)?")
# Of ATTACH and of CREATE SECRET; all others are the driver's own.
OWN = ("type", "driver", "dialect", "secret", "schema", "read_only")
_USER, _PASSWORD = ("user", "username"), ("password", "token")


@dataclass(frozen=True, slots=True)
class Target:
    """What a connection is made with. `options` may hold secrets, as `secrets` does."""

    driver: str
    dialect: str
    options: tuple[tuple[str, str], ...]
    secrets: frozenset[str]
    one_writer: bool = False

    def __repr__(self) -> str:
        return f"Target({self.driver})"


# The driver of each scheme, and sqlglot's name of the dialect.
_SCHEMES = {
    "postgresql": ("postgresql", "postgres"),
    "postgres": ("postgresql", "postgres"),
    "sqlite": ("sqlite", "sqlite"),
    "snowflake": ("snowflake", "snowflake"),
    "databricks": ("databricks", "databricks"),
    "bigquery": ("bigquery", "bigquery"),
    "mysql": ("mysql", "mysql"),
    "duckdb": ("duckdb", "duckdb"),
}


def target(address: str, options: Mapping[str, object], login: Mapping[str, object]) -> Target:
    """What ATTACH 'address' (options) connects to, with the values of a secret.

    Raises InvalidValueError for an address without a driver, NameNotFoundError for a variable of
    the environment that is not set.
    """
    known = {key: _expanded(str(value)) for key, value in {**options, **login}.items()}
    address = _expanded(address)
    scheme = address.partition(":")[0].lower()
    driver, dialect = _SCHEMES.get(scheme, ("", ""))
    driver = known.get("driver", driver)
    if not driver:
        raise InvalidValueError(
            f'There is no ADBC driver known for "{scheme}".',
            hint="Name it: (TYPE adbc, DRIVER 'adbc_driver_x' or the path of its library).",
        )
    dialect = known.get("dialect", dialect)
    user = next((known.pop(key) for key in _USER if key in known), None)
    password = next((known.pop(key) for key in _PASSWORD if key in known), None)
    if user is not None or password is not None:
        address = _with_login(address, scheme, user, password)
    own = {key: value for key, value in known.items() if key not in OWN}
    secrets = {password or "", *map(str, login.values()), *_secrets_of(address)}
    return Target(
        driver,
        dialect,
        tuple({**_connection(scheme, address), **own}.items()),
        frozenset(secrets | {quote(s, safe="") for s in secrets} | {unquote(s) for s in secrets}),
        one_writer=dialect == "sqlite",
    )


def connect(target: Target) -> Any:
    """A connection of adbc_driver_manager.dbapi that commits by itself.

    Raises SourceError when the driver is not there or refuses.
    """
    try:
        from adbc_driver_manager import dbapi
    except ImportError:
        raise SourceError(
            "ATTACH (TYPE adbc) needs the package adbc-driver-manager.",
            hint="pip install 'augursql[adbc]'",
        ) from None
    options = dict(target.options)
    try:
        return dbapi.connect(driver=_library(target.driver), db_kwargs=options, autocommit=True)
    except dbapi.Error as error:
        message = without(str(error).strip(), target.secrets)
        if "Could not load" not in message:
            raise SourceError(f"The source could not be reached: {message}") from None
    raise SourceError(
        f'The ADBC driver "{target.driver}" is not installed.',
        hint=f"pip install adbc-driver-{_short(target.driver)}, or name the driver or its library "
        "with (TYPE adbc, DRIVER '...').",
    )


def _library(driver: str) -> str:
    """The shared library of a driver that is installed as a package; others as they are named."""
    try:
        package = import_module(f"adbc_driver_{_short(driver)}")
    except ImportError:
        return driver
    path = getattr(package, "_driver_path", None)
    return driver if path is None else str(path())


def _short(driver: str) -> str:
    return driver.removeprefix("adbc_driver_")


def _connection(scheme: str, address: str) -> dict[str, str]:
    """The driver's options that say where the source is."""
    rest = address.partition(":")[2]
    if scheme == "sqlite":
        path = rest.removeprefix("//")
        return {"uri": path[1:] if path.startswith("//") else path}
    if scheme == "snowflake":  # Its driver takes what stands behind the scheme.
        return {"uri": rest.removeprefix("//")}
    if scheme == "bigquery":
        project, _, dataset = rest.removeprefix("//").partition("/")
        found = {"adbc.bigquery.sql.project_id": project}
        return {**found, "adbc.bigquery.sql.dataset_id": dataset} if dataset else found
    return {"uri": address}


def _with_login(address: str, scheme: str, user: str | None, password: str | None) -> str:
    """The address with a user and password of their own."""
    place = _LOGIN.search(address)
    if place is None:
        raise InvalidValueError(f"An address of {scheme or 'this kind'} has no USER and PASSWORD.")
    before = (place[1] or "").partition(":")[0]
    name = quote(user, safe="") if user is not None else before
    name = name or ("token" if scheme == "databricks" else "")
    login = name if password is None else f"{name}:{quote(password, safe='')}"
    return f"{address[: place.start()]}://{login}@{address[place.end() :]}"


def _secrets_of(address: str) -> set[str]:
    """What is secret in an address: its password, and what its parameters say."""
    place = _LOGIN.search(address)
    password = (place[1] or "").partition(":")[2] if place is not None else ""
    values = re.findall(r"(?i)(?:password|token|secret|key)\w*=([^&\s]+)", address)
    return {password, *values}


def _expanded(text: str) -> str:
    """`text` with each ${NAME} replaced by that variable of the environment."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise NameNotFoundError(f'The environment has no variable "{match[1]}".')
        return os.environ[match[1]]

    return _VARIABLE.sub(value, text)
