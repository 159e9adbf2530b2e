"""Prompt tuning with PEFT on word problems: rows leave room for the virtual tokens that the model puts before them.

It needs `pip install chatmill peft torch transformers`.

    python examples/word_problems/prompt_tuning.py MODEL [ROWS]
"""

import sys
from pathlib import Path
from typing import Any

import pyarrow.json
from chatmill import Collator, Mill, Tokenizer
from peft import PromptTuningConfig, get_peft_model
from torch.optim import AdamW
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
MAX_LENGTH, VIRTUAL_TOKENS, STEPS = 384, 20, 3
TEXT = "{{ bos_token }}{{ question }}\nAnswer: {% generation %}{{ ended(answer) }}{% endgeneration %}"
FORMAT = {"fields": {"question": "text", "answer": "text"}, "text": TEXT}


def losses_of(model: str, rows: str | Path = HERE / "rows.jsonl") -> list[float]:
    tokenizer = Tokenizer.from_pretrained(model)
    mill = Mill(tokenizer, format=FORMAT, max_length=MAX_LENGTH - VIRTUAL_TOKENS)
    pad_id: Any = tokenizer.token_to_id(tokenizer.special_tokens["pad_token"])
    collator = Collator(pad_id, padding_side="left", max_length=MAX_LENGTH, reserve=VIRTUAL_TOKENS, return_tensors="pt")
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=VIRTUAL_TOKENS)
    tuned = get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
    optimizer = AdamW(tuned.parameters(), lr=0.03)
    batch, losses = collator(mill(pyarrow.json.read_json(rows))), []
    for _ in range(STEPS):
        # PEFT itself puts the ones of the virtual tokens before `attention_mask`, and -100 before `labels`.
        loss = tuned(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    print(losses_of(*sys.argv[1:]))
