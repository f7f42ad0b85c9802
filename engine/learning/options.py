"""What a user may decide about fitting, with OPTIONS (...) or TOP k."""

from dataclasses import dataclass

from augursql.errors import InvalidValueError

STRATEGIES = ("auto", "vote", "head")
CLASS_WEIGHTS = ("auto", "none", "balanced")


@dataclass(frozen=True, slots=True)
class FitOptions:
    """`strategy` and `class_weight`: 'auto' lets cross-validation decide.

    `top` fixes the number of neighbours that vote; `seed` is that of folds and samples.
    """

    strategy: str = "auto"
    top: int | None = None
    class_weight: str = "auto"
    seed: int = 42

    def checked(self) -> "FitOptions":
        """These options. Raises InvalidValueError where one is unknown or out of range."""
        if self.strategy not in STRATEGIES:
            raise _unknown("strategy", self.strategy, STRATEGIES)
        if self.class_weight not in CLASS_WEIGHTS:
            raise _unknown("class_weight", self.class_weight, CLASS_WEIGHTS)
        if self.top is not None and self.top < 1:
            raise InvalidValueError(f"TOP is a number from 1, not {self.top}.")
        return self

    def allows(self, strategy: str) -> bool:
        """Whether a candidate of this strategy may be chosen."""
        return self.strategy in ("auto", strategy)


def _unknown(name: str, value: str, known: tuple[str, ...]) -> InvalidValueError:
    return InvalidValueError(
        f"There is no {name} {value!r}.", hint=f"Use one of: {', '.join(known)}."
    )
