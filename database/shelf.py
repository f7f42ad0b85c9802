"""Language models in memory, which all sessions of a database share, within a budget."""

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from augursql.errors import ModelError

if TYPE_CHECKING:
    from augursql.engine.repository.store import Artifact

_POLL_S = 0.1


class LoadedModel(Protocol):
    """A language model in memory, as far as the shelf is concerned; several threads may use it."""

    @property
    def memory_bytes(self) -> int:
        """What it takes now, its adapters and caches included."""
        ...

    def attach(self, adapter: "Artifact") -> None:
        """Makes an adapter available, by its digest; one that is there already stays."""
        ...

    def close(self) -> None:
        """Gives its memory back; nobody uses it any more."""
        ...


@dataclass(slots=True)
class _Place:
    """A model on the shelf; while it is loaded it is None, and takes `expected` bytes."""

    expected: int
    users: int = 1
    used: int = 0
    model: LoadedModel | None = None

    @property
    def bytes(self) -> int:
        return self.expected if self.model is None else self.model.memory_bytes


@dataclass(frozen=True, slots=True)
class Need:
    """What a model will take in memory, and what all models together may take (0: anything)."""

    expected: int
    budget: int


@dataclass(slots=True)
class Shelf:
    """Lends models. What nobody uses goes when there is no room, what was used longest ago first;
    where all are in use, who wants another waits.
    """

    _places: dict[Hashable, _Place] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _times: "itertools.count[int]" = field(default_factory=itertools.count)

    @contextmanager
    def lent(
        self, key: Hashable, need: Need, load: Callable[[], LoadedModel], check: Callable[[], None]
    ) -> Iterator[LoadedModel]:
        """The model of that key, loaded if it is not there, for as long as the block runs.

        One thread uses one model at a time. Raises ModelError for a model that is larger than the
        whole budget, and what `load` and `check` raise; `check` is called while it waits.
        """
        place = self._taken(key, need, check)
        try:
            yield place.model if place.model is not None else self._loaded(place, need, load)
        finally:
            self._give_back(key, place)

    def bytes(self) -> int:
        """What all models take together."""
        with self._changed:
            return sum(place.bytes for place in self._places.values())

    def clear(self) -> None:
        """Closes the models that nobody uses."""
        with self._changed:
            self._drop(0, limit=0)

    def _taken(self, key: Hashable, need: Need, check: Callable[[], None]) -> _Place:
        """A place with the model, or a new one, in which we are to load it."""
        if need.budget and need.expected > need.budget:
            # Each session has a shelf, and most never see a language model.
            from augursql.engine.repository.sizing import gigabytes

            raise ModelError(
                f"This language model needs {gigabytes(need.expected)} of memory, and all of them "
                f"together may take {gigabytes(need.budget)}.",
                hint="SET augur_model_memory_mb allows more; a smaller dtype in CREATE OR REPLACE "
                "MODEL needs less.",
            )
        with self._changed:
            while True:
                place = self._places.get(key)
                if place is not None and place.model is not None:
                    place.users += 1
                    return place
                if place is None and self._drop(need.expected, limit=need.budget or None):
                    place = self._places[key] = _Place(need.expected)
                    return place
                self._changed.wait(_POLL_S)
                check()

    def _loaded(self, place: _Place, need: Need, load: Callable[[], LoadedModel]) -> LoadedModel:
        model = load()
        with self._changed:
            place.model = model
            self._drop(0, limit=need.budget or None)
            self._changed.notify_all()
            return model

    def _give_back(self, key: Hashable, place: _Place) -> None:
        with self._changed:
            place.users -= 1
            place.used = next(self._times)
            if place.model is None:  # it could not be loaded
                del self._places[key]
            self._changed.notify_all()

    def _drop(self, more: int, limit: int | None) -> bool:
        """Closes models until `more` bytes fit below the limit; whether they do."""
        if limit is None:
            return True
        idle = [key for key, place in self._places.items() if not place.users]
        idle.sort(key=lambda key: -self._places[key].used)
        while sum(place.bytes for place in self._places.values()) + more > limit:
            if not idle:
                return False
            model = self._places.pop(idle.pop()).model
            if model is not None:
                model.close()
        return True
