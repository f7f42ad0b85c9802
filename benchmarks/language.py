"""A language model on a table: labels scored, texts written, memory; beside the usual ways.

    python benchmarks/language.py [--rows 200] [--others 32] [--rounds 2] [--genai FOLDER]

The model has the shape of SmolLM2-135M and random weights; it is made once, in a temporary folder.
All sides run in turn, round by round, and the best round of each counts. The others answer fewer
rows (`--others`), since each of theirs costs the same. Where the package
onnxruntime-genai is installed, `--genai` names the folder of the same model made by its builder
(`--keep FOLDER` leaves ours where that builder can read it).
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from data import table, verdict
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from augursql.engine.generation.conversation import Conversation, Message
from augursql.engine.generation.loading import load_language_model
from augursql.engine.generation.model import LanguageModel
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.generation.sampling import Sampling
from augursql.engine.repository.obtain import obtain
from augursql.engine.repository.store import Store
from augursql.types import SilentMonitor

SHAPE = dict(
    vocab_size=49152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=2048,
    tie_word_embeddings=True,
)
LABELS = ("awful", "bad", "fair", "good", "perfect")
SHARED, OWN = 600, 60
PROMPTS, SHORTEST, LONGEST, WRITTEN = 64, 50, 200, 64
BATCH = 16
QUIET = SilentMonitor()


def make_model(folder: Path) -> None:
    """Random weights, and a tokenizer of one token for each byte."""
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**SHAPE)).save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}))


def letters(count: int, random: np.random.Generator) -> str:
    return "".join(random.choice(list("abcdefghijklmnopqrstuvwxyz "), count))


def classifying(rows: int) -> list[Conversation]:
    random = np.random.default_rng(0)
    task = Message("system", letters(SHARED - 10, random))
    return [(task, Message("user", letters(OWN, random))) for _ in range(rows)]


def writing() -> list[Conversation]:
    random = np.random.default_rng(1)
    sizes = random.integers(SHORTEST, LONGEST + 1, PROMPTS)
    return [(Message("user", letters(size, random)),) for size in sizes]


def opened(store: Path, source: Path, dtype: str) -> LanguageModel:
    found = Store(store)
    artifact = obtain(str(source), found, offline=True, monitor=QUIET)
    return load_language_model(artifact, found, LanguageOptions(dtype=dtype), QUIET)


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def batches(prompts: list[list[int]]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Padded on the left, as generate() wants it."""
    for first in range(0, len(prompts), BATCH):
        some = prompts[first : first + BATCH]
        ids = torch.zeros(len(some), max(map(len, some)), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(some):
            ids[row, ids.shape[1] - len(prompt) :] = torch.tensor(prompt)
            mask[row, ids.shape[1] - len(prompt) :] = 1
        yield ids, mask


def generated(model: object, prompts: list[list[int]], count: int) -> None:
    for ids, mask in batches(prompts):
        options = dict(max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
        model.generate(input_ids=ids, attention_mask=mask, **options)


def with_genai(folder: str, prompts: list[list[int]], count: int) -> None:
    import onnxruntime_genai

    model = onnxruntime_genai.Model(folder)
    for ids, _ in batches(prompts):
        parameters = onnxruntime_genai.GeneratorParams(model)
        size = ids.shape[1] + count
        parameters.set_search_options(
            max_length=size, min_length=size, batch_size=len(ids), do_sample=False
        )
        generator = onnxruntime_genai.Generator(model, parameters)
        generator.append_tokens(ids.numpy().astype(np.int32))
        while not generator.is_done():
            generator.generate_next_token()


@contextmanager
def optimum_model(folder: Path) -> Iterator[object]:
    from optimum.onnxruntime import ORTModelForCausalLM

    with tempfile.TemporaryDirectory() as exported:
        model = ORTModelForCausalLM.from_pretrained(folder, export=True)
        model.save_pretrained(exported)
        yield model


def perplexity(model: LanguageModel, texts: list[list[int]]) -> float:
    decoder = model.decoder
    losses = list[float]()
    for ids in texts:
        logits = decoder.every(decoder.cache(1, len(ids)), np.asarray(ids)).astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        losses += (-logs[np.arange(len(ids) - 1), ids[1:]]).tolist()
    return float(np.exp(np.mean(losses)))


def peak_of_long_rows(store: Path, source: Path, sender: object) -> None:
    """In a process of its own: a chunk of 2,048 long rows; weights, caches and peak in bytes."""
    model = opened(store, source, "int8")
    random = np.random.default_rng(2)
    shared = letters(1_000 - OWN, random)
    rows = [(Message("user", shared + letters(OWN, random)),) for _ in range(2_048)]
    before = model.memory_bytes
    model.score(rows[:64], LABELS, QUIET)
    model.generate(rows, Sampling(max_tokens=4), None, QUIET)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sender.send((before, peak))


Speeds = dict[str, tuple[float, float]]  # rows a second labelled, tokens a second written


def speeds(
    rows: int, label: Callable[[], object], write: Callable[[], object]
) -> tuple[float, float]:
    return rows / seconds(label), PROMPTS * WRITTEN / seconds(write)


def of_ours(model: LanguageModel, rows: list[Conversation]) -> tuple[float, float]:
    sampling = Sampling(max_tokens=WRITTEN)
    model.score(rows[:1], LABELS, QUIET)
    return speeds(
        len(rows),
        lambda: model.score(rows, LABELS, QUIET),
        lambda: model.generate(writing(), sampling, None, QUIET),
    )


def of_generate(
    model: object, long: list[list[int]], short: list[list[int]]
) -> tuple[float, float]:
    generated(model, long[:1], 1)
    return speeds(
        len(long),
        lambda: generated(model, long, 1),
        lambda: generated(model, short, WRITTEN),
    )


def of_genai(folder: str, long: list[list[int]], short: list[list[int]]) -> tuple[float, float]:
    return speeds(
        len(long),
        lambda: with_genai(folder, long, 1),
        lambda: with_genai(folder, short, WRITTEN),
    )


def compare(options: argparse.Namespace, folder: Path, store: Path) -> list[str]:
    ours = {dtype: opened(store, folder, dtype) for dtype in ("int8", "fp32", "int4")}
    chat = ours["int8"].chat
    rows, few = classifying(options.rows), classifying(options.others)
    long, short = chat.tokens(few), chat.tokens(writing())
    sides: dict[str, Callable[[], tuple[float, float]]] = {}
    for dtype, model in ours.items():
        sides[f"AugurSQL {dtype}"] = partial(of_ours, model, rows if dtype == "int8" else few)
    for name, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        side = LlamaForCausalLM.from_pretrained(folder, dtype=kind).eval()
        sides[f"transformers {name}"] = partial(of_generate, side, long, short)
    for dtype in ("fp32", "int4") if options.genai else ():
        sides[f"onnxruntime-genai {dtype}"] = partial(
            of_genai, f"{options.genai}-{dtype}", long, short
        )
    found: Speeds = {}
    with optimum_model(folder) as side:
        sides["optimum fp32"] = partial(of_generate, side, long, short)
        for _ in range(options.rounds):
            for name, run in sides.items():
                before, now = found.get(name, (0.0, 0.0)), run()
                found[name] = max(before[0], now[0]), max(before[1], now[1])
                print(f"{name}: {now[0]:.2f} rows/s, {now[1]:.0f} tokens/s", flush=True)
    theirs = [speed for name, speed in found.items() if name.startswith("transformers")]
    base = max(labels for labels, _ in theirs), max(words for _, words in theirs)
    table(
        ("", "labels: rows/s", "x transformers", "writing: tokens/s", "x transformers"),
        [
            (name, f"{a:.2f}", f"{a / base[0]:.2f}", f"{b:.0f}", f"{b / base[1]:.2f}")
            for name, (a, b) in found.items()
        ],
    )
    exact = perplexity(ours["fp32"], short[:16])
    for dtype in ("int8", "int4"):
        share = perplexity(ours[dtype], short[:16]) / exact - 1
        print(f"perplexity of {dtype} to fp32: {share:+.3%}")
    return judged(found, base)


def judged(found: Speeds, base: tuple[float, float]) -> list[str]:
    labels, words = found["AugurSQL int8"]
    wanted = {
        "5 x transformers' rows a second": labels >= 5 * base[0],
        "5 x optimum's rows a second": labels >= 5 * found["optimum fp32"][0],
        "1.3 x transformers' tokens a second": words >= 1.3 * base[1],
    }
    for dtype in ("fp32", "int4"):
        rival = found.get(f"onnxruntime-genai {dtype}", (0.0, 0.0))
        reached = found[f"AugurSQL {dtype}"][1] >= rival[1]
        wanted[f"onnxruntime-genai's tokens a second in {dtype}"] = reached
    return [name for name, reached in wanted.items() if not reached]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--others", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--genai", default="", help="folders FOLDER-fp32 and FOLDER-int4")
    parser.add_argument("--keep", default="")
    parser.add_argument("--memory", action="store_true", help="only the memory of 2,048 long rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, store = Path(options.keep or Path(scratch, "model")), Path(scratch, "store")
        if not folder.is_dir():
            make_model(folder)
        missed = [] if options.memory else compare(options, folder, store)
        opened(store, folder, "int8")
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe()
        process = context.Process(target=peak_of_long_rows, args=(store, folder, sender))
        process.start()
        planned, peak = receiver.recv()
        process.join()
        print(f"2,048 rows of 1,000 tokens: peak {peak >> 20:,} MB; planned {planned >> 20:,} MB")
        if peak > planned + (1 << 30):
            missed.append("weights + caches + 1 GB of memory")
    verdict(missed)


if __name__ == "__main__":
    main()
