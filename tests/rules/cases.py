"""A random statement, and what of its result SQL determines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.rules.templates import ours, plain

Parameters = Sequence[object] | Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Case:
    """A statement as a template, with what is run around it.

    `order`: 'exact', every row has its place; 'bag', rows come in any order; 'limited', the
    statement chooses among the rows of `unlimited`, and only how many it chooses is determined,
    with the values of the columns `determined`, by position, in their order.
    `before` and `after` are plain statements; what those of `after` give is compared, too.
    """

    shape: str
    statement: str
    order: Literal["exact", "bag", "limited"] = "bag"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    parameters: Parameters = None
    unlimited: str = ""
    determined: tuple[int, ...] = ()

    def shown(self) -> str:
        """The statement twice, ours and plain, to be pasted."""
        lines = [f"-- {self.shape}, order: {self.order}, parameters: {self.parameters}"]
        lines += [f"{statement};" for statement in self.before]
        lines += [f"{ours(self.statement)};", f"-- plain: {plain(self.statement)};"]
        return "\n".join([*lines, *(f"{statement};" for statement in self.after)])
