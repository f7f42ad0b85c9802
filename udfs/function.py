"""What every function of this room is: typed columns in, one typed column out, counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from augursql.errors import AugurError
from augursql.udfs.tally import Counts, Tally

if TYPE_CHECKING:
    import pyarrow as pa


# What DuckDB holds by its bare address: kept until the process ends, whatever is closed before.
_KEPT: list[Any] = []


@dataclass(frozen=True, slots=True)
class VectorFunction:
    """A DuckDB function before it has a name.

    `parameters` and `returns` are DuckDB type names; `compute` takes one Arrow column per
    parameter, with NULLs in place, and returns one of the same length. `foresee` takes distinct
    texts and tells what they would cost.
    """

    parameters: tuple[str, ...]
    returns: str
    compute: "Callable[..., pa.Array]"
    tally: Tally
    foresee: Callable[[Sequence[str]], Counts]


def register(connection: Any, name: str, function: VectorFunction, *, folded: bool = True) -> None:
    """Makes `function` callable from SQL on every connection of the DuckDB instance.

    DuckDB takes it for a function that always gives the same, which lets it join by calls, refer to
    them by an alias and compute them after LIMIT; but it also computes a call with constant inputs
    when it only plans, unless it is not `folded`. `special` NULL handling hands NULLs over, so that
    a row's position is its identity.
    """
    _create(connection, name, function, folded)


def register_for_good(
    connection: Any, name: str, function: VectorFunction, *, folded: bool = True
) -> None:
    """As `register`, for a name that other connections call, also when this one was closed.

    DuckDB holds the function's bare address, and frees it with the connection: so the small wrapper
    that it calls is kept until the process ends.
    """
    _KEPT.append(_create(connection, name, function, folded))


def positional(function: Any, count: int) -> None:
    """Has a function of any number of parameters say that it takes `count`, as DuckDB checks."""
    names = [f"column{n}" for n in range(count)]
    function.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_ONLY) for n in names])


def _create(connection: Any, name: str, function: VectorFunction, folded: bool) -> Any:
    def counted_parameters(*columns: "pa.ChunkedArray") -> "pa.Array":
        try:
            return function.compute(*columns)
        except Exception as error:
            # DuckDB tells a server's clients the text, and the files that it was raised from.
            kind = "" if isinstance(error, AugurError) else f"{type(error).__name__}: "
            raise AugurError(f"{kind}{error}") from None

    counted_parameters.__code__ = counted_parameters.__code__.replace(co_filename="AugurSQL")
    positional(counted_parameters, len(function.parameters))
    connection.create_function(
        name,
        counted_parameters,
        list(function.parameters),
        function.returns,
        type="arrow",
        null_handling="special",
        side_effects=not folded,
    )
    return counted_parameters
