"""The model's tokenizer: bytes merged into the words of the task, with a chat template."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.language.icl.episodes import FILLERS, LABELS, TAGS, TASK
from tests.language.icl.task import WORDS

PAD, START, END = SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VOCABULARY = 1600


def write_tokenizer(folder: Path) -> int:
    """Write the tokenizer's files into a folder; how many tokens it knows."""
    topics = [word for words in WORDS.values() for word in words]
    words = sorted({*topics, *FILLERS, *LABELS, *TAGS, *TASK, "system", "user", "assistant"})
    marks = ["</", '": "', '"}', ", ", "\n- ", "'s"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*words, *(f" {word}" for word in words), *marks], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"eos_token": END, "pad_token": PAD, "additional_special_tokens": [START, END]}
    settings = {
        **special,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    _write(folder / "special_tokens_map.json", special)
    _write(folder / "tokenizer_config.json", settings)
    return int(tokenizer.get_vocab_size())


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
