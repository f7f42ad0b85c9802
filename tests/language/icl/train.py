"""Makes a small language model that learns from the examples in its prompt.

    python -m tests.language.icl.train [--out FOLDER] [--threads N]

It starts from a fixed seed, goes from short conversations of few labels to long ones, and leaves
the model as any other Llama: config.json, model.safetensors, the tokenizer's files. At the end
it says how well the model answers messages it has not seen.
"""

import argparse
import copy
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from tests.language.icl import measure
from tests.language.icl.episodes import Episode, Level, episode
from tests.language.icl.task import TOPICS
from tests.language.icl.tokenizer import END, PAD, START, write_tokenizer

FOLDER = Path(__file__).parent / "model"
# Steps at each level, and episodes a step.
LEVELS = (
    (Level(labels=3, examples=4, noise=0, task=0, pairs=False), 450, 48),
    (Level(labels=6, examples=6, noise=1, task=4, pairs=False), 120, 40),
    (Level(labels=12, examples=8, noise=2, task=15, pairs=False), 130, 32),
    (Level(labels=12, examples=8, noise=4, task=60, pairs=True), 300, 24),
    (Level(labels=12, examples=8, noise=4, task=200, pairs=True), 200, 16),
)
RATE, WARMUP = 2e-3, 100
# An answer that no example tells is a guess, and the end after a label is easily learned.
GUESS, CLOSE = 0.1, 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens int64 [n, t]; then, for m tokens to be predicted: their row and place in the row, what
    they weigh, whether the first of an answer that is told, and the topic of their message."""

    tokens: torch.Tensor
    row: torch.Tensor
    place: torch.Tensor
    weight: torch.Tensor
    told: torch.Tensor
    topic: torch.Tensor


class Trainer:
    """Draws batches and makes steps. A second head, thrown away in the end, asks the middle of the
    model for the message's topic: what an answer is about is then known early, and how answers are
    found soon follows."""

    def __init__(self, folder: Path) -> None:
        self._random = Random(0)
        torch.manual_seed(0)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = LlamaForCausalLM(_config(len(self._tokenizer)))
        self._topics = torch.nn.Linear(self.model.config.hidden_size, len(TOPICS))
        parameters = [*self.model.parameters(), *self._topics.parameters()]
        self._optimizer = torch.optim.AdamW(parameters, RATE, betas=(0.9, 0.98), weight_decay=0.01)
        steps = sum(count for _, count, _ in LEVELS)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: min((step + 1) / WARMUP, 1.05 - step / steps)
        )

    def step(self, level: Level, count: int) -> tuple[float, float]:
        """Learn from `count` episodes; the loss, and how many of the told answers were right."""
        batch = self._batch([episode(self._random, level) for _ in range(count)])
        states = self.model.model(batch.tokens, output_hidden_states=True).hidden_states
        before = (batch.row, batch.place - 1)
        logits = self.model.lm_head(states[-1][before])
        wanted = batch.tokens[batch.row, batch.place]
        losses = cross_entropy(logits, wanted, reduction="none") * batch.weight
        loss = losses.sum() / batch.weight.sum()
        middle = torch.cat([states[2][before], states[2][batch.row, batch.place]])
        about = cross_entropy(self._topics(middle), batch.topic.repeat(2))
        self._optimizer.zero_grad()
        (loss + 0.5 * about).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        right = (logits.argmax(1) == wanted)[batch.told].float().mean()
        return loss.item(), right.item()

    def _batch(self, episodes: list[Episode]) -> Batch:
        encoded = [self._encode(one) for one in episodes]
        pad = self._tokenizer.convert_tokens_to_ids(PAD)
        tokens = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(ids) for ids, _ in encoded], batch_first=True, padding_value=pad
        )
        marks = [(row, *mark) for row, (_, marks) in enumerate(encoded) for mark in marks]
        row, place, weight, told, topic = (
            torch.tensor(list(part)) for part in zip(*marks, strict=True)
        )
        return Batch(tokens, row, place, weight, told, topic)

    def _encode(self, one: Episode) -> tuple[list[int], list[tuple[int, float, bool, int]]]:
        """An episode's tokens; and (place, weight, told, topic) of each token of its answers."""
        messages = [{"role": role, "content": text} for role, text in one.messages]
        ids = self._tokenizer.apply_chat_template(messages)
        start, end, assistant = self._tokenizer.convert_tokens_to_ids([START, END, "assistant"])
        begins = [i + 3 for i in range(len(ids) - 1) if ids[i : i + 2] == [start, assistant]]
        marks = []
        for begin, topic, told in zip(begins, one.topics, one.told, strict=True):
            close = ids.index(end, begin)
            marks.append((begin, 1.0 if told else GUESS, told, topic))
            marks += [(i, CLOSE, False, topic) for i in range(begin + 1, close + 1)]
        return ids, marks


def _config(vocabulary: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=None,
        pad_token_id=0,
        eos_token_id=2,
    )


def train(folder: Path) -> None:
    """Write a model into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    size = write_tokenizer(folder)
    trainer = Trainer(folder)
    parameters = sum(p.numel() for p in trainer.model.parameters())
    print(f"{size} tokens, {parameters / 1e6:.2f} million parameters", flush=True)
    began = time.monotonic()
    for number, (level, steps, count) in enumerate(LEVELS, 1):
        recent = []
        for step in range(1, steps + 1):
            recent.append(trainer.step(level, count))
            if step % 50 == 0 or step == steps:
                loss, right = (sum(part) / len(recent) for part in zip(*recent, strict=True))
                spent = time.monotonic() - began
                print(
                    f"{spent:5.0f} s, level {number}, step {step}: loss {loss:.3f},"
                    f" answers right that an example tells {right:.0%}",
                    flush=True,
                )
                recent = []
        copy.deepcopy(trainer.model).half().save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    train(options.out)
    measure.main(options.out)
