"""The adapters of a model: several over one base, of which each call names one, or none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from augursql.engine.generation.adapted import ADAPTED, without_adapter
from augursql.engine.generation.adapter import read_adapter
from augursql.engine.generation.decoder import CacheShape, Decoder
from augursql.engine.generation.prefixes import Trunk
from augursql.engine.generation.weights import Floats
from augursql.engine.runtime.sessions import Session
from augursql.errors import ModelError

Inputs = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Worn:
    """A model with or without an adapter. Its `trunk` keeps the last prompt's keys and values,
    which are others with another adapter."""

    decoder: Decoder
    trunk: Trunk
    bytes: int


class Wardrobe:
    """A model is plain until the first adapter comes: then its weights are loaded once more, into
    the graph that takes adapters, and the plain one goes."""

    def __init__(
        self, base: Path, graph: Path, open_: Callable[[Path], tuple[Session, CacheShape]]
    ) -> None:
        """`base` is the folder of the model's own files, `graph` the plain graph's file; `open_`
        loads a graph."""
        self._base, self._graph, self._open = base, graph, open_
        self._session, self._shape = open_(graph)
        self._nothing: Inputs = {}
        self._worn = {"": self._with({})}

    @property
    def bytes(self) -> int:
        """What the adapters take in memory."""
        return sum(worn.bytes for worn in self._worn.values())

    def add(self, digest: str, folder: Path) -> None:
        """Makes the adapter in a folder available; one that is there already stays.

        Raises ModelError for one that does not fit.
        """
        if digest in self._worn:
            return
        found = read_adapter(folder, self._base)
        if not self._nothing:
            nothing = without_adapter(self._graph.parent)
            self._session, self._shape = self._open(self._graph.parent / ADAPTED)
            self._nothing, self._worn = nothing, {"": self._with(nothing)}
        self._worn[digest] = self._with({**self._nothing, **found})

    def worn(self, digest: str) -> Worn:
        """With that adapter, or '' for none. Raises ModelError for one that was not added."""
        if digest not in self._worn:
            raise ModelError("The adapter was not attached to its model.")
        return self._worn[digest]

    def _with(self, inputs: Inputs) -> Worn:
        decoder = Decoder(self._session, self._shape, inputs)
        return Worn(decoder, Trunk(decoder), sum(array.nbytes for array in inputs.values()))
