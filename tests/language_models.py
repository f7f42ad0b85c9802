"""Folders of small language models with random weights, as the hub would hold them."""

import json
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

HIDDEN, INNER, WORDS, LAYERS = 32, 32, 24, 2
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "vocab_size": WORDS,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
}
NORMS = (2 * LAYERS + 1) * HIDDEN
PARAMETERS = WORDS * HIDDEN + LAYERS * (4 * HIDDEN * HIDDEN + 3 * HIDDEN * INNER) + NORMS
_LAYER_NORMS = ("input_layernorm", "post_attention_layernorm")
GRAPHS = ("onnx/model.onnx", "onnx/model_q4.onnx", "onnx/model_q4f16.onnx")


def write_language_model(
    folder: Path,
    *,
    letters: bool = False,
    graphs: bool = False,
    shards: int = 1,
    padding: int = 0,
    **config: object,
) -> Path:
    """A Llama in safetensors, whose tokens are words, or bytes with `letters`; `graphs` adds ONNX
    files (of no use but for their names), `padding` a further weight of that many bytes; `config`
    changes its configuration.
    """
    folder.mkdir(parents=True)
    tokenizer = _letters() if letters else _words()
    weights = _weights(tokenizer.get_vocab_size(), padding)
    if shards == 1:
        save_file(weights, folder / "model.safetensors")
    else:
        _save_parts(folder, weights, shards)
    texts = {
        "config.json": {**CONFIG, "vocab_size": tokenizer.get_vocab_size(), **config},
        "generation_config.json": {"eos_token_id": 1},
        "tokenizer_config.json": {"eos_token": "</s>"},
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    tokenizer.save(str(folder / "tokenizer.json"))
    if graphs:
        (folder / "onnx").mkdir()
        for name in GRAPHS:
            (folder / name).write_bytes(onnx.ModelProto(doc_string=name * 50).SerializeToString())
        (folder / "onnx/model.onnx_data").write_bytes(b"tensors" * 100)
    return folder


def write_adapter(folder: Path, *, rank: int = 4, inputs: int = HIDDEN, **config: object) -> Path:
    """A LoRA adapter of that model's query projections, in PEFT's format."""
    folder.mkdir(parents=True)
    weights = {}
    for layer in range(LAYERS):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora"
        weights[f"{name}_A.weight"] = np.ones((rank, inputs), np.float32)
        weights[f"{name}_B.weight"] = np.ones((HIDDEN, rank), np.float32)
    save_file(weights, folder / "adapter_model.safetensors")
    told = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "org/base",
        "r": rank,
        "lora_alpha": 8,
        "bias": "none",
        "target_modules": ["q_proj"],
        **config,
    }
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return folder


def _words() -> Tokenizer:
    names = ["<s>", "</s>", *(f"w{n}" for n in range(WORDS - 2))]
    words = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def _letters() -> Tokenizer:
    names = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(names[:2])
    return tokenizer


def _weights(words: int, padding: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = {"model.embed_tokens": (words, HIDDEN)}
    for n in range(LAYERS):
        attention = {f"self_attn.{p}_proj": (HIDDEN, HIDDEN) for p in "qkvo"}
        mlp = {"mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN)}
        layer = {**attention, **mlp, "mlp.down_proj": (HIDDEN, INNER)}
        shapes |= {f"model.layers.{n}.{name}": shape for name, shape in layer.items()}
    norms = [f"model.layers.{n}.{p}" for n in range(LAYERS) for p in _LAYER_NORMS]
    shapes |= {name: (HIDDEN,) for name in [*norms, "model.norm"]}
    made = {
        f"{n}.weight": random.normal(scale=0.3, size=s).astype(np.float32)
        for n, s in shapes.items()
    }
    if padding:
        made["padding"] = np.frombuffer(random.bytes(padding), np.float32).copy()
    return made


def _save_parts(folder: Path, weights: dict[str, np.ndarray], shards: int) -> None:
    names, placed = sorted(weights), dict[str, str]()
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        mine = names[number::shards]
        save_file({name: weights[name] for name in mine}, folder / file)
        placed |= dict.fromkeys(mine, file)
    index = {"metadata": {}, "weight_map": placed}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
