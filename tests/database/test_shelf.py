"""Language models in memory: loaded when used, shared, within a budget, the oldest goes first."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.database.catalog import Catalog
from augursql.database.language_models import LanguageModels, ServedModel
from augursql.database.memory import Memory
from augursql.database.session import Session
from augursql.database.shelf import Need, Shelf
from augursql.database.watch import Watch
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import (
    InterruptedStatementError,
    InvalidValueError,
    ModelError,
    NameNotFoundError,
)
from augursql.types import Monitor, SilentMonitor
from tests.language_models import write_adapter, write_language_model

GB = 1 << 30


class Model:
    """A model that only takes memory."""

    def __init__(self, name: str, memory_bytes: int = 1) -> None:
        self.name = name
        self.memory_bytes = memory_bytes
        self.closed = False
        self.adapters: set[str] = set()

    def attach(self, adapter: Artifact) -> None:
        self.adapters.add(adapter.digest)

    def close(self) -> None:
        self.closed = True


def use(shelf: Shelf, model: Model, budget: int = 0) -> Model:
    need = Need(model.memory_bytes, budget)
    with shelf.lent(model.name, need, lambda: model, lambda: None) as lent:
        assert isinstance(lent, Model)
        return lent


def test_a_model_is_loaded_once() -> None:
    shelf, first = Shelf(), Model("a")
    assert use(shelf, first) is first
    assert use(shelf, Model("a")) is first
    assert not first.closed


def test_what_was_used_longest_ago_goes_first() -> None:
    shelf = Shelf()
    a, b, c, d = (Model(name, 4) for name in "abcd")
    for model in (a, b, c):
        use(shelf, model, budget=12)
    use(shelf, a, budget=12)
    use(shelf, d, budget=12)
    assert [model.closed for model in (a, b, c, d)] == [False, True, False, False]
    assert shelf.bytes() == 12
    shelf.clear()
    assert all(model.closed for model in (a, b, c, d)) and shelf.bytes() == 0


def test_what_a_model_really_takes_counts() -> None:
    shelf, small, grown = Shelf(), Model("small", 4), Model("grown", 11)
    use(shelf, small, budget=12)
    with shelf.lent("grown", Need(4, 12), lambda: grown, lambda: None):
        assert small.closed


def test_a_model_in_use_stays_and_the_next_one_waits() -> None:
    shelf, a, b = Shelf(), Model("a", 8), Model("b", 8)
    in_use, done = threading.Event(), threading.Event()

    def work() -> None:
        with shelf.lent("a", Need(8, 12), lambda: a, lambda: None):
            in_use.set()
            done.wait(10)
            assert not a.closed

    thread = threading.Thread(target=work)
    thread.start()
    assert in_use.wait(10)
    checks = list[bool]()

    def check() -> None:
        checks.append(a.closed)
        done.set()

    with shelf.lent("b", Need(8, 12), lambda: b, check):
        assert a.closed
    assert checks and not checks[0]
    thread.join()


def test_waiting_can_be_cancelled() -> None:
    shelf = Shelf()

    def cancelled() -> None:
        raise InterruptedStatementError("cancelled")

    with shelf.lent("a", Need(8, 12), lambda: Model("a", 8), lambda: None):
        with pytest.raises(InterruptedStatementError):
            with shelf.lent("b", Need(8, 12), lambda: Model("b", 8), cancelled):
                raise AssertionError("there is no room")


def test_threads_that_want_the_same_model_load_it_once() -> None:
    shelf, loaded, lent = Shelf(), list[Model](), list[object]()

    def load() -> Model:
        time.sleep(0.05)
        loaded.append(Model("a"))
        return loaded[-1]

    def work() -> None:
        with shelf.lent("a", Need(1, 0), load, lambda: None) as model:
            lent.append(model)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1 and lent == loaded * 4


def test_a_model_that_cannot_be_loaded_leaves_no_place() -> None:
    shelf = Shelf()

    def fail() -> Model:
        raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        with shelf.lent("a", Need(8, 12), fail, lambda: None):
            raise AssertionError("it was not loaded")
    assert shelf.bytes() == 0
    assert use(shelf, Model("a")).name == "a"


def test_a_model_larger_than_the_budget() -> None:
    with pytest.raises(ModelError, match=r"needs 3\.0 GB .* may take 2\.0 GB") as caught:
        use(Shelf(), Model("a", 3 * GB), budget=2 * GB)
    assert "augur_model_memory_mb" in caught.value.hint


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with a language model, two adapters of it, and another precision of it."""
    folder = write_language_model(tmp_path / "base")
    settings = {"progress": "off", "home": str(tmp_path / "home"), "offline": True}
    made = Session(settings=settings)
    made.execute(f"CREATE MODEL llm FROM '{folder}' WITH (dtype = 'int8')")
    made.execute(f"CREATE MODEL same FROM '{folder}' WITH (dtype = 'int8')")
    made.execute(f"CREATE MODEL exact FROM '{folder}' WITH (dtype = 'fp32')")
    for name, rank in (("lora", 2), ("other", 4)):
        adapter = write_adapter(tmp_path / name, rank=rank)
        made.execute(f"CREATE MODEL {name} FROM '{adapter}' USING MODEL llm")
    yield made
    made.close()


def test_names_become_models_in_memory(session: Session) -> None:
    loads = list[LanguageOptions]()

    def load(artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor) -> Model:
        assert artifact.weights
        loads.append(options)
        return Model(artifact.digest, GB)

    catalog = Catalog(session.connection)
    models = LanguageModels(catalog, Watch(SilentMonitor()), Memory(), load)
    settings = session.settings

    def lent(model: ServedModel) -> Model:
        with model.in_use() as found:
            assert isinstance(found, Model)
            return found

    llm = models.get("LLM", settings)
    assert loads == []
    base = lent(llm)
    assert lent(models.get("same", settings)) is base
    adapters = [models.get(name, settings) for name in ("lora", "other")]
    assert [lent(adapter) for adapter in adapters] == [base, base]
    assert base.adapters == {adapter.adapter for adapter in adapters}
    assert lent(models.get("exact", settings)) is not base
    assert [options.dtype for options in loads] == ["int8", "fp32"]
    producers = {m.producer for m in [llm, *adapters, models.get("exact", settings)]}
    assert len(producers) == 4
    assert models.get("same", settings).producer == llm.producer
    with pytest.raises(InvalidValueError, match="is an encoder") as caught:
        models.get("minilm", settings)
    assert "exact" in caught.value.hint and "lora" in caught.value.hint
    with pytest.raises(NameNotFoundError, match='no model "lllm"'):
        models.get("lllm", settings)


def test_the_budget_is_a_setting(session: Session) -> None:
    made = list[Model]()

    def load(artifact: Artifact, store: Store, options: LanguageOptions, monitor: Monitor) -> Model:
        made.append(Model(options.dtype, 1 << 30))
        return made[-1]

    catalog = Catalog(session.connection)
    models = LanguageModels(catalog, Watch(SilentMonitor()), Memory(), load)
    session.execute("SET augur_model_memory_mb = 1500")
    for name in ("llm", "exact"):
        with models.get(name, session.settings).in_use():
            pass
    assert [model.closed for model in made] == [True, False]
    session.execute("SET augur_model_memory_mb = 500")
    with pytest.raises(ModelError, match="augur_model_memory_mb"):
        with models.get("llm", session.settings).in_use():
            pass
