"""What every function of this room is: typed columns in, one typed column out, counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

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


def register_for_good(connection: Any, name: str, function: VectorFunction) -> None:
    """As `register`, for a name that other connections call, also when this one was closed.

    DuckDB holds the function's bare address, and frees it with the connection: so the small wrapper
    that it calls is kept until the process ends.
    """
    _KEPT.append(_create(connection, name, function, folded=True))


def _create(connection: Any, name: str, function: VectorFunction, folded: bool) -> Any:
    def counted_parameters(*columns: "pa.ChunkedArray") -> "pa.Array":
        return function.compute(*columns)

    # DuckDB compares the parameters' number with the signature it finds.
    names = [f"column{n}" for n in range(len(function.parameters))]
    counted_parameters.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.POSITIONAL_ONLY) for name in names]
    )
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
