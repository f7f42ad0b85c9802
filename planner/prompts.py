"""The statements about stored prompts.

CREATE [OR REPLACE] PROMPT name AS 'template'       DROP PROMPT [IF EXISTS] name
SHOW PROMPTS                                        DESCRIBE PROMPT name
"""

from dataclasses import dataclass, field

from augursql.planner.cursor import Cursor
from augursql.planner.lexer import Span
from augursql.planner.models import Place, end
from augursql.planner.plan import Statement
from augursql.planner.template import placeholders


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePrompt(Statement):
    """With OR REPLACE, the next version of a prompt; `inputs` are the names in its template."""

    name: str
    template: str
    inputs: tuple[str, ...] = ()
    or_replace: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPrompt(Statement):
    """All versions of a prompt."""

    name: str
    if_exists: bool = False
    place: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ShowPrompts(Statement):
    """SHOW PROMPTS"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribePrompt(Statement):
    name: str


def create_prompt(cursor: Cursor, place: Place, or_replace: bool) -> CreatePrompt:
    """The statement behind CREATE PROMPT. Raises StatementError, also for a broken template."""
    name, at = cursor.name("the prompt")
    if not cursor.take("as"):
        raise cursor.error("CREATE PROMPT name is followed by AS 'template'.")
    token = cursor.sentence.token(cursor.position)
    if cursor.done or token.kind != "string":
        raise cursor.error("The template of a prompt is a string: AS 'Summarise {review}'.")
    cursor.position += 1
    end(cursor, "CREATE PROMPT", "nothing more")
    inputs = tuple(found.name for found in placeholders(token, cursor.sentence.whole))
    return CreatePrompt(
        *place, name=name, template=token.value, inputs=inputs, or_replace=or_replace, place=at
    )


def drop_prompt(cursor: Cursor, place: Place) -> DropPrompt:
    """The statement behind DROP PROMPT. Raises StatementError."""
    if_exists = cursor.take("if", "exists")
    name, at = cursor.name("the prompt")
    end(cursor, "DROP PROMPT", "nothing more")
    return DropPrompt(*place, name=name, if_exists=if_exists, place=at)
