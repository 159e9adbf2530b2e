"""The configs of the corpus: a tokenizer in place of each model's own, and rows like those of its dataset."""

from __future__ import annotations

import json
from pathlib import Path

from samples import Row

TURNS: list[Row] = [
    {"conversations": [{"from": "human", "value": f"H{n}"}, {"from": "gpt", "value": f"G{n}"}]} for n in range(40)
]
MESSAGES: list[Row] = [
    {"messages": [{"role": "user", "content": f"H{n}"}, {"role": "assistant", "content": f"G{n}"}]} for n in range(40)
]
ALPACA: list[Row] = [{"instruction": f"I{n}", "input": "", "output": f"O{n}"} for n in range(40)]
STEPS: list[Row] = [{"prompt": f"P{n}", "completions": ["a", "b"], "labels": [True, False]} for n in range(40)]
PAIRS: list[Row] = [
    {
        "conversation": [{"role": "user", "content": f"H{n}"}],
        "chosen": {"role": "assistant", "content": f"G{n}"},
        "rejected": {"role": "assistant", "content": f"B{n}"},
    }
    for n in range(40)
]
ULTRA: list[Row] = [
    {
        "prompt": f"H{n}",
        "chosen": [{"role": "user", "content": f"H{n}"}, {"role": "assistant", "content": f"G{n}"}],
        "rejected": [{"role": "user", "content": f"H{n}"}, {"role": "assistant", "content": f"B{n}"}],
    }
    for n in range(40)
]
TEXTS: list[Row] = [{"text": f"G{n}"} for n in range(40)]
TOKENS: list[Row] = [{"input_ids": [n, 71, 10], "labels": [-100, 71, 10]} for n in range(40)]

# Config -> tokenizer of the corpus, rows, number of rows that the config uses.
SERVED: dict[str, tuple[str, list[Row], int]] = {
    "LiquidAI__lfm2-350m-fft.yaml": ("qwen3", TURNS, 8),
    "archived__cerebras__btlm-ft.yml": ("gpt2", ALPACA, 40),
    "archived__falcon__config-7b-lora.yml": ("falcon", ALPACA, 40),
    "archived__tiny-llama__pretrain.yml": ("llama2", TEXTS, 40),
    "cohere__command-r-7b-qlora.yml": ("llama-3.1", TURNS, 40),
    "falcon-e__falcon-e-3b-dpo.yaml": ("qwen3", ULTRA, 40),
    "falcon-h1__falcon-h1-1b-qlora-cp.yaml": ("qwen3", TURNS, 40),
    "gemma3__gemma-3-1b-qlora.yml": ("gemma-4", TURNS, 40),
    "gemma4__26b-a4b-moe-bnb-lora.yaml": ("gemma-4", TURNS, 4),
    "llama-3__fft-8b-liger-fsdp.yaml": ("llama-3.1", TURNS, 8),
    "llama-3__lora-1b-deduplicate-dpo.yml": ("llama-3.1", PAIRS, 80),
    "llama-4__do-no-use-fa2__maverick-qlora-fsdp1.yaml": ("llama-3.1", TURNS, 8),
    "orpheus__finetune.yml": ("llama-3.1", TOKENS, 40),
    "plano__plano-4b-qlora.yaml": ("qwen3", MESSAGES, 40),
    "qat_nvfp4__Math-Qwen2.5-72B_baseline.yml": ("qwen2.5", MESSAGES, 40),
    "qwen2__prm.yaml": ("qwen2.5", STEPS, 40),
    "qwen3__32b-qlora.yaml": ("qwen3", TURNS, 8),
}


def with_tokens(folder: Path, tokens: list[str], target: Path) -> Path:
    """Copy a tokenizer and add the special tokens that the model's own tokenizer has."""
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    definition = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    known = {it["content"] for it in definition["added_tokens"]}
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    # Classes that build the tokenizer from the vocabulary read added tokens here.
    listed = config.get("added_tokens_decoder", {})
    number = max([it["id"] for it in definition["added_tokens"]] + list(definition["model"]["vocab"].values()))
    for token in tokens:
        if token not in known and token not in definition["model"]["vocab"]:
            number += 1
            flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            definition["added_tokens"].append({"id": number, "content": token, "special": True, **flags})
            listed[str(number)] = {"content": token, "special": True, **flags}
    (target / "tokenizer.json").write_text(json.dumps(definition), "utf-8")
    (target / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return target
