"""Which files of a model are wanted: its ONNX graph if it has one, else safetensors to export.

The same choice serves a repository of the hub, where only these files are downloaded, and a local
folder. Pickled weights and code are never among them.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from augursql.errors import ModelError

_GRAPHS = ("onnx/model.onnx", "model.onnx")
_DATA_SUFFIXES = ("_data", ".data")
_TEXTS = frozenset(
    (
        "config.json",
        "modules.json",
        "sentence_bert_config.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "README.md",
    )
)
_OLD_TOKENIZERS = frozenset(
    (
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "added_tokens.json",
        "sentencepiece.bpe.model",
        "spiece.model",
        "tokenizer.model",
    )
)
_STEP = re.compile(r"\d+_\w+/config\.json")
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of the files that are wanted, relative to the model's folder.

    `graph` is the ONNX file, '' when the `weights` are to be exported; `data` are the files that
    hold a large graph's tensors; `tokenizer` is tokenizer.json, or the older files it can be
    converted from; `texts` are the configuration.
    """

    graph: str
    data: tuple[str, ...]
    weights: tuple[str, ...]
    tokenizer: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """All of them; the large ones last."""
        model = (self.graph, *self.data) if self.graph else self.weights
        return [*self.texts, *self.tokenizer, *model]

    @property
    def converts_tokenizer(self) -> bool:
        """Whether tokenizer.json has to be made."""
        return "tokenizer.json" not in self.tokenizer


def choose_files(source: str, names: Collection[str]) -> Layout:
    """Choose among the files of the model `source`. Raises ModelError when it cannot be used."""
    present = set(names)
    graph = next((name for name in _GRAPHS if name in present), "")
    weights = tuple(sorted(n for n in present if _WEIGHTS.fullmatch(n)))
    if not graph and not weights:
        raise nothing_usable(source, present)
    if not graph and "config.json" not in present:
        raise ModelError(
            f'The model "{source}" has weights, but no config.json that says what they are.',
            hint="Save the whole model with transformers' save_pretrained.",
        )
    return Layout(
        graph=graph,
        data=tuple(graph + suffix for suffix in _DATA_SUFFIXES if graph + suffix in present),
        weights=() if graph else weights,
        tokenizer=chosen_tokenizer(source, present),
        texts=tuple(sorted(n for n in present if n in _TEXTS or _STEP.fullmatch(n))),
    )


def chosen_tokenizer(source: str, present: set[str]) -> tuple[str, ...]:
    """tokenizer.json, or the older files that it can be made of. Raises ModelError without any."""
    tokenizer = tuple(sorted(present & {"tokenizer.json"} or present & _OLD_TOKENIZERS))
    if not tokenizer:
        raise ModelError(
            f'The model "{source}" has no tokenizer.json, and none can be made from its files.',
            hint="Save its tokenizer with transformers' save_pretrained into the same folder.",
        )
    return tokenizer


def nothing_usable(source: str, present: Collection[str]) -> ModelError:
    """The error of a source that has no weights which can be read."""
    if any(name.endswith(_PICKLES) for name in present):
        return ModelError(
            f'The model "{source}" has only pickled weights (such as pytorch_model.bin).',
            hint="Pickles can run code, so they are never loaded. "
            "Choose a model with safetensors or ONNX files, or convert it yourself.",
        )
    return ModelError(
        f'The model "{source}" has neither onnx/model.onnx, model.onnx nor model.safetensors.',
        hint="Is it a model for sentence embeddings, a language model, or an adapter of one?",
    )
