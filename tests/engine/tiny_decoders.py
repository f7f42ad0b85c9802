"""Writes small decoders with random weights, and what transformers' greedy search writes with them.

Run as a program of its own by `test_generation_families.py`: python tiny_decoders.py FOLDER [NAME]
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers as t

LENGTHS = (1, 5, 17, 40)
NEW_TOKENS = 24
# Below this distance between the best two logits, rounding might choose.
_CLEAR = 1e-4
# Where the search for such models begins, to save the time of those that are known not to be.
_FIRST_SEEDS = {t.Gemma3TextConfig: 4, t.Qwen3Config: 1, t.GPT2Config: 1}
_SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
_LLAMA3 = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
_YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
_LONG = {
    "type": "longrope",
    "short_factor": [1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 2.2],
    "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
}
_FALCON = {key: _SIZES[key] for key in ("vocab_size", "num_hidden_layers", "num_attention_heads")}
_GEMMA = {**_SIZES, "head_dim": 32, "sliding_window": 16, "query_pre_attn_scalar": 40}
# name -> (config, its options): every family, with what its members differ in.
SHAPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (t.LlamaConfig, {"rope_theta": 500.0}),
    "llama-narrow-heads": (t.LlamaConfig, {"hidden_size": 40, "attention_bias": True}),
    "llama-llama3": (t.LlamaConfig, {"rope_scaling": _LLAMA3, "head_dim": 32}),
    "llama-linear": (t.LlamaConfig, {"rope_scaling": {"rope_type": "linear", "factor": 2.0}}),
    "llama-dynamic": (t.LlamaConfig, {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}),
    "llama-yarn": (t.LlamaConfig, {"rope_scaling": _YARN, "tie_word_embeddings": True}),
    "mistral": (t.MistralConfig, {"sliding_window": 8, "head_dim": 32}),
    "qwen2": (
        t.Qwen2Config,
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    ),
    "qwen3": (t.Qwen3Config, {"head_dim": 32, "tie_word_embeddings": True}),
    "smollm3": (t.SmolLM3Config, {"no_rope_layer_interval": 2, "pad_token_id": 0}),
    "gemma": (t.GemmaConfig, {"head_dim": 32}),
    "gemma2": (
        t.Gemma2Config,
        {**_GEMMA, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 4.0},
    ),
    "gemma3": (
        t.Gemma3TextConfig,
        {
            **_GEMMA,
            "num_hidden_layers": 4,
            "layer_types": [*["sliding_attention"] * 2, "full_attention", "sliding_attention"],
            "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        },
    ),
    "phi": (t.PhiConfig, {"partial_rotary_factor": 0.5}),
    "phi3": (
        t.Phi3Config,
        {"sliding_window": 12, "rope_scaling": _LONG, "original_max_position_embeddings": 100},
    ),
    "phi3-partial": (t.Phi3Config, {"head_dim": 32, "partial_rotary_factor": 0.75}),
    "gpt2": (t.GPT2Config, {"vocab_size": 96, "n_embd": 64, "n_layer": 3, "n_head": 4}),
    "gpt_neox": (t.GPTNeoXConfig, {"num_key_value_heads": 4, "rotary_pct": 0.25}),
    "falcon-7b": (t.FalconConfig, {**_FALCON, "hidden_size": 64}),
    "falcon-40b": (
        t.FalconConfig,
        {**_FALCON, "hidden_size": 64, "new_decoder_architecture": True, "num_kv_heads": 2},
    ),
    "falcon-11b": (
        t.FalconConfig,
        {
            **_FALCON,
            "hidden_size": 64,
            "new_decoder_architecture": True,
            "num_kv_heads": 2,
            "num_ln_in_parallel_attn": 1,
        },
    ),
    "falcon-rw": (
        t.FalconConfig,
        {
            **_FALCON,
            "hidden_size": 96,
            "num_attention_heads": 6,
            "alibi": True,
            "multi_query": False,
            "parallel_attn": False,
            "bias": True,
        },
    ),
    "granite": (
        t.GraniteConfig,
        {
            "embedding_multiplier": 3.0,
            "attention_multiplier": 0.2,
            "residual_multiplier": 0.7,
            "logits_scaling": 2.0,
        },
    ),
    "olmo2": (t.Olmo2Config, {}),
    "stablelm": (t.StableLmConfig, {"use_parallel_residual": False, "use_qkv_bias": True}),
    "starcoder2": (t.Starcoder2Config, {"sliding_window": 10}),
}
# Those that no graph is written for here.
OTHERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bloom": (t.BloomConfig, {"n_layer": 2, "n_head": 4, "tie_word_embeddings": False}),
    "t5": (
        t.T5Config,
        {
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 96,
            "num_layers": 2,
            "num_heads": 4,
            "vocab_size": 96,
            "feed_forward_proj": "gated-gelu",
            "decoder_start_token_id": 3,
            "tie_word_embeddings": False,
        },
    ),
}


def main(root: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names or SHAPES:
        model, answers = _clear_model(*{**SHAPES, **OTHERS}[name])
        folder = root / name
        model.save_pretrained(folder)
        (folder / "answers.json").write_text(json.dumps(answers))


def _clear_model(kind: Any, options: dict[str, Any]) -> tuple[Any, list[dict[str, list[int]]]]:
    """The first seed with which every token is chosen clearly, and the answers are diverse."""
    first = _FIRST_SEEDS.get(kind, 5 if options.get("alibi") else 0)
    for seed in range(first, first + 20):
        torch.manual_seed(seed)
        sizes = {} if kind in (t.FalconConfig, t.GPT2Config, t.T5Config) else _SIZES
        config = kind(**{**sizes, "pad_token_id": 0, "eos_token_id": None, **options})
        if kind is t.Gemma2Config:  # the others' default has no caps
            config._attn_implementation = "eager"
        auto = t.AutoModelForSeq2SeqLM if kind is t.T5Config else t.AutoModelForCausalLM
        model = auto.from_config(config).eval()
        _spread(model)
        prompts = [torch.randint(1, 96, (length,)).tolist() for length in LENGTHS]
        found = [_answer(model, prompt) for prompt in prompts]
        if min(margin for _, margin in found) > _CLEAR:
            if sum(len(set(tokens)) for tokens, _ in found) > NEW_TOKENS:
                pairs = zip(prompts, found, strict=True)
                return model, [{"prompt": p, "answer": tokens} for p, (tokens, _) in pairs]
    raise SystemExit(f"no seed of {kind.__name__} is clear")


@torch.no_grad()
def _spread(model: Any) -> None:
    """Weights that matter: also of norms and biases, which begin as ones and zeros."""
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.add_(torch.randn_like(weight) * 0.2)
        else:
            # A strong token table, where it is the head as well, would repeat each token.
            scale = 0.3 if "emb" in name or "wte" in name else 2.0
            scale *= 0.5 if "SelfAttention" in name else 1.0  # T5 does not scale q k
            weight.copy_(torch.randn_like(weight) * scale / weight.shape[-1] ** 0.5)


@torch.no_grad()
def _answer(model: Any, prompt: list[int]) -> tuple[list[int], float]:
    """The tokens, and the least distance between the best two logits."""
    made = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        output_logits=True,
        return_dict_in_generate=True,
    )
    best = torch.cat(made.logits).topk(2).values
    return made.sequences[0, -NEW_TOKENS:].tolist(), float((best[:, 0] - best[:, 1]).min())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
