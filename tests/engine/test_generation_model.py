"""A loaded language model: labels scored along a trie, answers written in one batch."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from augursql.engine.generation.constraint import Constraint
from augursql.engine.generation.conversation import Conversation, Message
from augursql.engine.generation.decoder import Decoder
from augursql.engine.generation.loading import load_language_model
from augursql.engine.generation.model import Identity, LanguageModel
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.generation.prefixes import Trunk, prefix_order
from augursql.engine.generation.sampling import Sampling
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.request import Request
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.runtime.sessions import MemoryExhaustedError
from augursql.errors import (
    InterruptedStatementError,
    InvalidValueError,
    ModelError,
    StorageError,
)
from augursql.types import SilentMonitor
from tests.language_models import write_adapter, write_language_model

QUIET = SilentMonitor()
LABELS = ["w3 w4", "w3 w5 w6", "w3 w5 w7", "w8", "w3"]
Load = Callable[[str], LanguageModel]


class Cancelled(SilentMonitor):
    def check(self) -> None:
        raise InterruptedStatementError("The statement was cancelled.")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Store]:
    root = tmp_path_factory.mktemp("language")
    source = write_language_model(root / "source", vocab_size=24)
    store = Store(root / "home" / "models")
    return obtain(str(source), store, offline=True, monitor=QUIET), store


@pytest.fixture(scope="module")
def load(stored: tuple[Artifact, Store]) -> Load:
    def loaded(dtype: str) -> LanguageModel:
        artifact = stored[1].get(stored[0].digest)
        assert artifact is not None
        return load_language_model(artifact, stored[1], LanguageOptions(dtype=dtype), QUIET)

    return loaded


def asked(text: str) -> Conversation:
    return (Message("system", "w1 w2 w3 "), Message("user", text))


TEXTS = [" ".join(f"w{(7 * i + k) % 22}" for k in range(size)) for i, size in enumerate((1, 30, 7))]
CONVERSATIONS = [asked(text) for text in (*TEXTS, TEXTS[1], "w9 " * 60)]


def log_softmax(values: np.ndarray) -> np.ndarray:
    shifted = values - values.max()
    return shifted - np.log(np.exp(shifted).sum())


def logits_after(model: LanguageModel, ids: list[int]) -> np.ndarray:
    decoder = model.decoder
    return decoder.every(decoder.cache(1, len(ids)), np.array(ids))[-1].astype(np.float64)


def test_labels_are_scored_as_by_one_pass_for_each_of_their_tokens(load: Load) -> None:
    model = load("fp32")
    ends = sorted(model.chat.label_end_ids)
    found = model.score(CONVERSATIONS, LABELS, QUIET).probabilities
    ids = {word: model.chat.answer_tokens([word])[0][0] for word in ("w3", "w4", "w5", "w6")}
    ids |= {word: model.chat.answer_tokens([word])[0][0] for word in ("w7", "w8")}
    for row, prompt in zip(found, model.chat.tokens(CONVERSATIONS), strict=True):
        first = log_softmax(logits_after(model, prompt)[[ids["w3"], ids["w8"]]])
        second = logits_after(model, [*prompt, ids["w3"]])
        ended = np.logaddexp.reduce(second[ends])
        inner = log_softmax(np.array([second[ids["w4"]], second[ids["w5"]], ended]))
        third = log_softmax(
            logits_after(model, [*prompt, ids["w3"], ids["w5"]])[[ids["w6"], ids["w7"]]]
        )
        expected = [
            first[0] + inner[0],
            first[0] + inner[1] + third[0],
            first[0] + inner[1] + third[1],
            first[1],
            first[0] + inner[2],
        ]
        np.testing.assert_allclose(row, np.exp(expected), rtol=1e-4)
        assert row.sum() == pytest.approx(1)


def test_many_labels_cost_one_pass_more_and_not_one_each(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("int8")
    runs = list[int]()
    run = Decoder._run

    def counted(self: Decoder, *arguments: object) -> object:
        runs.append(1)
        return run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "_run", counted)
    labels = [f"w{a} w{b} w{c}" for a in range(4) for b in range(5) for c in range(4)]
    model.score([asked("w1 w2")], labels, QUIET)
    assert len(labels) == 80 and len(runs) == 2


@pytest.mark.parametrize("dtype", ["int8", "int4", "fp32"])
def test_a_row_scores_and_writes_the_same_whatever_is_beside_it(load: Load, dtype: str) -> None:
    model = load(dtype)
    sampling = Sampling(max_tokens=12, temperature=1.0, top_p=0.9, seed=5)
    scores = model.score(CONVERSATIONS, LABELS, QUIET).probabilities
    greedy = model.generate(CONVERSATIONS, Sampling(max_tokens=12), None, QUIET)
    drawn = model.generate(CONVERSATIONS, sampling, None, QUIET)
    assert len({answer.text for answer in drawn}) > 1
    for place, conversation in enumerate(CONVERSATIONS):
        alone = model.score([conversation], LABELS, QUIET).probabilities[0]
        np.testing.assert_allclose(scores[place], alone, rtol=1e-4)
        (one,) = model.generate([conversation], Sampling(max_tokens=12), None, QUIET)
        assert one.text == greedy[place].text
        (one,) = model.generate([conversation], sampling, None, QUIET)
        assert one.text == drawn[place].text


def test_equal_seeds_write_the_same_and_others_do_not(load: Load) -> None:
    model = load("int8")

    def drawn(seed: int) -> list[str]:
        sampling = Sampling(max_tokens=12, temperature=1.5, seed=seed)
        return [a.text for a in model.generate(CONVERSATIONS, sampling, None, QUIET)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_more_rows_than_the_caches_have_room_for(load: Load) -> None:
    roomy = load("int8")
    identity = Identity("m", "int8", roomy.context, 24)
    tight = LanguageModel(identity, roomy.chat, roomy._wardrobe, 0, cache_bytes=1)
    sampling = Sampling(max_tokens=9)
    rows = CONVERSATIONS * 5
    expected = [a.text for a in roomy.generate(rows, sampling, None, QUIET)]
    assert [a.text for a in tight.generate(rows, sampling, None, QUIET)] == expected


def test_answers_end_at_a_stop_string_or_are_told_to_be_cut(load: Load) -> None:
    model = load("int8")
    free = model.generate(CONVERSATIONS, Sampling(max_tokens=12), None, QUIET)
    long = next(a for a in free if len(set(a.text.split())) > 2)
    place, word = free.index(long), long.text.split()[2]
    (stopped,) = model.generate(
        [CONVERSATIONS[place]], Sampling(max_tokens=12, stop=(word,)), None, QUIET
    )
    assert stopped.text == long.text[: long.text.index(word)].strip()
    assert stopped.finished
    (cut,) = model.generate([CONVERSATIONS[place]], Sampling(max_tokens=2), None, QUIET)
    assert cut.text == " ".join(long.text.split()[:2])
    assert not cut.finished and cut.generated == 2
    assert cut.tokens == len(model.chat.tokens([CONVERSATIONS[place]])[0])
    assert 0 < cut.confidence <= 1


def test_a_constraint_leaves_only_answers_of_its_form(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source", letters=True)
    artifact = obtain(str(source), store, offline=True, monitor=QUIET)
    model = load_language_model(artifact, store, LanguageOptions(), QUIET)
    rows = [asked(text) for text in ("a", "bb", "cc dd")]
    choice = Constraint("choice", '["w3 w4", "w8"]')
    answers = model.generate(rows, Sampling(max_tokens=8), choice, QUIET)
    assert {answer.text for answer in answers} <= {"w3 w4", "w8"}
    assert all(answer.finished for answer in answers)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    for most, finished in ((12, True), (3, False)):
        json_ = Constraint("json", json.dumps(schema))
        for answer in model.generate(rows, Sampling(max_tokens=most), json_, QUIET):
            assert answer.generated <= most
            assert not finished or list(json.loads(answer.text)) == ["n"]


def test_prompts_that_begin_alike_are_computed_once(load: Load) -> None:
    decoder = load("int8").decoder
    shared = np.arange(20) % 22
    prompts = [np.append(shared, [tail, 3]) for tail in (5, 9, 5)] + [np.arange(4)]
    trunk = Trunk(decoder)
    for place in prefix_order(prompts):
        trunk.read(prompts[place], lambda: None)
    # 4 of the short one that all begin like, 16 + 2, 2 and, of the one that is there twice, 1.
    assert trunk.computed == 4 + 18 + 2 + 1


def test_prompts_beyond_the_context_are_refused(load: Load) -> None:
    model = load("int8")
    for ask in (
        lambda c: model.score(c, LABELS, QUIET),
        lambda c: model.generate(c, Sampling(), None, QUIET),
    ):
        with pytest.raises(InvalidValueError, match="204 tokens, and .* takes 128"):
            ask([asked("w1 " * 201)])


def test_a_cancelled_call_stops_and_leaves_the_model_usable(load: Load) -> None:
    model = load("int8")
    before = model.score(CONVERSATIONS, LABELS, QUIET).probabilities
    for ask in (
        lambda: model.score(CONVERSATIONS, LABELS, Cancelled()),
        lambda: model.generate(CONVERSATIONS, Sampling(), None, Cancelled()),
    ):
        with pytest.raises(InterruptedStatementError):
            ask()
    np.testing.assert_array_equal(model.score(CONVERSATIONS, LABELS, QUIET).probabilities, before)


def test_nothing_and_what_it_costs(load: Load) -> None:
    model = load("int8")
    assert model.score([], LABELS, QUIET).probabilities.shape == (0, 5)
    assert model.generate([], Sampling(), None, QUIET) == []
    assert model.count_tokens(CONVERSATIONS).tolist() == [4, 33, 10, 33, 63]
    assert model.tokens_per_second() > 0


def test_graphs_are_made_once_and_checked(stored: tuple[Artifact, Store], load: Load) -> None:
    artifact, store = stored
    load("int8")
    made = store.get(artifact.digest)
    assert made is not None and made.manifest.variants["int8"].cosine > 0.99
    times = [made.path / name for name in made.manifest.variants["int8"].files]
    before = [path.stat().st_mtime_ns for path in times]
    load("int8")
    assert [path.stat().st_mtime_ns for path in times] == before


def test_a_damaged_graph_is_not_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source")
    artifact = obtain(str(source), store, offline=True, monitor=QUIET)
    load_language_model(artifact, store, LanguageOptions(), QUIET)
    found = store.get(artifact.digest)
    assert found is not None
    data = next(name for name in found.manifest.variants["int8"].others)
    with (found.path / data).open("r+b") as file:
        file.write(b"\xff" * 64)
    with pytest.raises(StorageError, match="damaged"):
        load_language_model(found, store, LanguageOptions(), QUIET)


def test_weights_that_do_not_fit_the_configuration_leave_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source", num_hidden_layers=3)
    artifact = obtain(str(source), store, offline=True, monitor=QUIET)
    with pytest.raises(ModelError, match="no tensor .*layers.2"):
        load_language_model(artifact, store, LanguageOptions(), QUIET)
    found = store.get(artifact.digest)
    assert found is not None and not found.manifest.variants
    assert not list(store.root.glob(".tmp-*"))


def test_a_precision_that_is_not_known_is_refused(load: Load) -> None:
    with pytest.raises(ModelError, match="does not run in fp16"):
        load("fp16")


def test_adapters_over_one_base_change_their_own_calls_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source")
    base = obtain(str(source), store, offline=True, monitor=QUIET)
    model = load_language_model(base, store, LanguageOptions(), QUIET)
    before = model.score(CONVERSATIONS, LABELS, QUIET).probabilities
    with pytest.raises(ModelError, match="not attached"):
        model.score(CONVERSATIONS, LABELS, QUIET, "unknown")
    tuned = []
    for alpha in (8, 32):
        folder = write_adapter(tmp_path / f"adapter{alpha}", lora_alpha=alpha)
        request = Request(base=base)
        adapter = obtain(str(folder), store, offline=True, monitor=QUIET, request=request)
        model.attach(adapter)
        tuned.append(adapter.digest)
    scores = [model.score(CONVERSATIONS, LABELS, QUIET, name).probabilities for name in tuned]
    assert not np.allclose(scores[0], scores[1], atol=1e-3)
    assert not np.allclose(scores[0], before, atol=1e-3)
    np.testing.assert_allclose(model.score(CONVERSATIONS, LABELS, QUIET).probabilities, before)
    again = model.score(CONVERSATIONS, LABELS, QUIET, tuned[0]).probabilities
    np.testing.assert_allclose(again, scores[0], rtol=1e-5)


@pytest.mark.parametrize("failure", [MemoryExhaustedError("bad_alloc"), MemoryError()])
def test_memory_that_does_not_suffice_is_told_and_the_model_goes_on(
    load: Load, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    model = load("fp32")
    before = model.score(CONVERSATIONS, LABELS, QUIET).probabilities

    def exhausted(*arguments: object) -> None:
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(model.decoder, "branch", exhausted)
        with pytest.raises(ModelError, match="more memory"):
            model.score(CONVERSATIONS[::-1], LABELS, QUIET)
        patched.setattr(model.decoder, "step", exhausted)
        with pytest.raises(ModelError, match="more memory"):
            model.generate(CONVERSATIONS, Sampling(max_tokens=4), None, QUIET)
    after = model.score(CONVERSATIONS, LABELS, QUIET).probabilities
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_the_size_of_the_vocabulary_is_that_of_the_part_that_reads_text(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source", letters=True)
    config = source / "config.json"
    told = json.loads(config.read_text())
    outer = {"architectures": told["architectures"], "vocab_size": 7}
    config.write_text(json.dumps({**outer, "model_type": "novel", "text_config": told}))
    artifact = obtain(str(source), store, offline=True, monitor=QUIET)
    model = load_language_model(artifact, store, LanguageOptions(dtype="fp32"), QUIET)
    form = Constraint("choice", '["9z"]')
    (found,) = model.generate(CONVERSATIONS[:1], Sampling(max_tokens=4), form, QUIET)
    assert found.text == "9z"


def test_the_speed_of_a_model_with_a_short_context(tmp_path: Path) -> None:
    store = Store(tmp_path / "home" / "models")
    source = write_language_model(tmp_path / "source", max_position_embeddings=32)
    artifact = obtain(str(source), store, offline=True, monitor=QUIET)
    model = load_language_model(artifact, store, LanguageOptions(dtype="fp32"), QUIET)
    assert model.tokens_per_second() > 0


def test_a_long_prompt_can_be_cancelled_on_its_way(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("augursql.engine.generation.prefixes.PIECE", 16)
    model, calls = load("int8"), list[int]()

    class Later(SilentMonitor):
        def check(self) -> None:
            calls.append(1)
            if len(calls) == 3:
                raise InterruptedStatementError("The statement was cancelled.")

    with pytest.raises(InterruptedStatementError):
        model.score([asked("w1 " * 90)], LABELS, Later())
    whole = model.score([asked("w1 " * 90)], LABELS, QUIET).probabilities
    monkeypatch.undo()
    at_once = load("int8").score([asked("w1 " * 90)], LABELS, QUIET).probabilities
    np.testing.assert_allclose(whole, at_once, rtol=1e-4)
