"""Writes small transformers with random weights, and the vectors torch gives for some texts.

Run as a program of its own by `test_repository_export.py`: python tiny_transformers.py FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers as t
from tokenizers import Tokenizer, models, pre_tokenizers, processors

TEXTS = ["w1 w2 w3", "w4", "", "w5 w6 w7 w8 w9 w10 w11 w12 unknown w13", "w3 w2 w1 w1 w1"]
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
COMMON = {"vocab_size": 64, "intermediate_size": 64, "max_position_embeddings": 66, **SIZE}
IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
DISTIL = {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
# name -> (model, how its vectors are pooled, whether only an old tokenizer is there)
SHAPES = {
    "bert": (lambda: t.BertModel(t.BertConfig(**COMMON, **IDS)), "cls_token"),
    "mpnet": (lambda: t.MPNetModel(t.MPNetConfig(**COMMON, **IDS)), "mean_tokens"),
    "distilbert": (
        lambda: t.DistilBertModel(
            t.DistilBertConfig(**DISTIL, pad_token_id=1, max_position_embeddings=66)
        ),
        "lasttoken",
    ),
    "xlm-roberta": (lambda: t.XLMRobertaModel(t.XLMRobertaConfig(**COMMON, **IDS)), "mean_tokens"),
    "modernbert": (
        lambda: t.ModernBertModel(
            t.ModernBertConfig(
                **COMMON, **IDS, cls_token_id=0, sep_token_id=2, attn_implementation="eager"
            )
        ),
        "mean_tokens",
    ),
}


def main(root: Path) -> None:
    torch.manual_seed(0)
    for name, (build, mode) in SHAPES.items():
        folder = root / name
        (folder / "1_Pooling").mkdir(parents=True)
        tokenizer = _tokenizer()
        tokenizer.save_pretrained(folder)
        model = build().eval()
        model.save_pretrained(folder)
        modules = [
            {"path": path, "type": f"sentence_transformers.models.{kind}"}
            for path, kind in (("", "Transformer"), ("1_Pooling", "Pooling"))
        ]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling/config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
        vectors = [_vector(model, tokenizer, text, mode) for text in TEXTS]
        np.save(root / f"{name}.npy", np.stack(vectors))


def _tokenizer() -> t.PreTrainedTokenizerFast:
    words = SPECIALS + [f"w{i}" for i in range(59)]
    vocabulary = {w: i for i, w in enumerate(words)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return t.PreTrainedTokenizerFast(
        tokenizer_object=backend, **names, cls_token="<s>", sep_token="</s>", mask_token="<mask>"
    )


@torch.no_grad()
def _vector(
    model: torch.nn.Module, tokenizer: t.PreTrainedTokenizerFast, text: str, mode: str
) -> np.ndarray:
    encoded = tokenizer(text, return_tensors="pt")
    encoded.pop("token_type_ids", None)
    states = model(**encoded).last_hidden_state[0]
    pooled = {"mean_tokens": states.mean(0), "cls_token": states[0], "lasttoken": states[-1]}
    return pooled[mode].numpy()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
