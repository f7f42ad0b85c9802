"""What the statements about sources that are attached by ADBC mean: values, as in `plan`."""

from dataclasses import dataclass, field

from augursql.planner.lexer import Span
from augursql.planner.plan import Options, Statement


@dataclass(frozen=True, slots=True)
class Sources:
    """What a session has attached by ADBC, and the secrets for it: names in lower case."""

    attached: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(Statement):
    """ATTACH 'address' AS name (TYPE adbc, ...); `place` is that of the name."""

    name: str
    address: str
    options: Options = ()
    or_replace: bool = False
    if_not_exists: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach(Statement):
    """DETACH of a source that is attached by ADBC."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSecret(Statement):
    """CREATE SECRET name (TYPE adbc, ...)"""

    name: str
    options: Options = ()
    or_replace: bool = False
    if_not_exists: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSecret(Statement):
    """DROP SECRET of a secret of type adbc."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSource(Statement):
    """INSERT INTO a table of a source, or CREATE TABLE there AS: the rows of `query`.

    `parts` is the table's name, the source first; `columns` are those that INSERT names; `place` is
    that of the name.
    """

    parts: tuple[str, ...]
    query: Statement
    creates: bool = False
    columns: tuple[str, ...] | None = None
    by_name: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


Administrative = Attach | Detach | CreateSecret | DropSecret
