"""What every function of this room is: typed columns in, one typed column out, counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import pyarrow as pa

from augursql.udfs.tally import Counts, Tally


@dataclass(frozen=True, slots=True)
class VectorFunction:
    """A DuckDB function before it has a name.

    `parameters` and `returns` are DuckDB type names; `compute` takes one Arrow column per
    parameter, with NULLs in place, and returns one of the same length. `foresee` takes distinct
    texts and tells what they would cost.
    """

    parameters: tuple[str, ...]
    returns: str
    compute: Callable[..., pa.Array]
    tally: Tally
    foresee: Callable[[Sequence[str]], Counts]


def register(connection: Any, name: str, function: VectorFunction) -> None:
    """Makes `function` callable from SQL on every connection of the DuckDB instance.

    DuckDB takes it for a function that always gives the same, which lets it join by calls, refer to
    them by an alias and compute them after LIMIT; that it may fold a call with constant inputs when
    it only plans is for the function itself to refuse. `special` NULL handling hands NULLs over,
    so that a row's position is its identity.
    """

    def counted_parameters(*columns: pa.ChunkedArray) -> pa.Array:
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
        side_effects=False,
    )
