"""The adapters of a model: several over one base, of which each call names one, or none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from augursql.engine.generation.adapted import ADAPTED, without_adapter
from augursql.engine.generation.adapter import read_adapter
from augursql.engine.generation.decoder import Decoder
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.prefixes import Trunk
from augursql.engine.generation.weights import Floats
from augursql.errors import ModelError

Inputs = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Worn:
    """A model with or without an adapter. Its `trunk` keeps the last prompt's keys and values,
    which are others with another adapter."""

    decoder: Decoding
    trunk: Trunk
    bytes: int


class Wardrobe:
    """A model is plain until the first adapter comes: then its weights are loaded once more, into
    the graph that takes adapters, and the plain one goes."""

    def __init__(self, base: Path, graph: Path, open_: Callable[[Path], Decoding]) -> None:
        """`base` is the folder of the model's own files, `graph` the plain graph's file; `open_`
        loads a graph."""
        self._base, self._graph, self._open = base, graph, open_
        self._adapted: Decoder | None = None
        self._nothing: Inputs = {}
        self._worn = {"": _worn(open_(graph), 0)}

    @property
    def bytes(self) -> int:
        """What the adapters take in memory."""
        return sum(worn.bytes for worn in self._worn.values())

    @property
    def all(self) -> list[Worn]:
        return list(self._worn.values())

    def add(self, digest: str, folder: Path) -> None:
        """Makes the adapter in a folder available; one that is there already stays.

        Raises ModelError for one that does not fit.
        """
        if digest in self._worn:
            return
        graphs = self._graph.parent
        if not (graphs / ADAPTED).is_file():
            raise ModelError(
                "This model takes no adapters: its graph was made by another program.",
                hint="Adapters need a base of a family whose graphs are written here.",
            )
        found = read_adapter(folder, self._base)
        if self._adapted is None:
            self._nothing = without_adapter(graphs)
            opened = self._open(graphs / ADAPTED)
            if not isinstance(opened, Decoder):
                raise ModelError("The model's adapted graph is damaged.")
            self._adapted = opened
            self._worn = {"": _worn(opened.adapted(self._nothing), 0)}
        size = sum(array.nbytes for array in found.values())
        self._worn[digest] = _worn(self._adapted.adapted({**self._nothing, **found}), size)

    def worn(self, digest: str) -> Worn:
        """With that adapter, or '' for none. Raises ModelError for one that was not added."""
        if digest not in self._worn:
            raise ModelError("The adapter was not attached to its model.")
        return self._worn[digest]


def _worn(decoder: Decoding, size: int) -> Worn:
    return Worn(decoder, Trunk(decoder), size)
