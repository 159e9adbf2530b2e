"""Compares padded batches and the parts of processes with PEFT, accelerate and transformers, on a tiny model.

    python tests/trainers/padded_batches.py [SEED]

It runs in the environment of TRL, with chatmill on the path; `recipes.py` starts it.
"""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json
import torch
from accelerate import PartialState
from chatmill import Collator, Mill, Tokenizer, split_between
from datasets import Dataset
from peft import PromptTuningConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "word_problems"
sys.path.insert(0, str(EXAMPLES))
import prompt_tuning as example  # noqa: E402

TOLERANCE = 1e-5
PAD = 259


def as_process(rank: int, world: int) -> PartialState:
    """The state of accelerate in one of several processes."""
    state = PartialState()
    PartialState._shared_state.update(process_index=rank, num_processes=world)
    return state


def parts(seed: int) -> str:
    """Compare the parts of processes with those of accelerate, for rows of all forms and random sizes."""
    numbers, compared = random.Random(seed), 0
    for _ in range(500):
        length, world, pad = numbers.randint(1, 30), numbers.randint(1, 8), numbers.random() < 0.5
        rows = [numbers.randint(0, 99) for _ in range(length)]
        forms: list[tuple[Any, Any]] = [
            (rows, list),
            ({"a": list(rows), "b": rows[::-1]}, lambda part: [part["a"], part["b"]]),
            (Dataset.from_dict({"a": rows}), lambda part: list(part["a"])),
        ]
        if not pad:  # accelerate pads tensors in a collective operation, which needs real processes
            forms += [(torch.tensor(rows), lambda part: part.tolist()), (tuple(rows), list)]
        rank = numbers.randrange(world)
        for made, as_list in forms:
            own = as_list(split_between(made, rank, world, pad_last=pad))
            # accelerate changes the dict that it is given.
            given = dict(made) if isinstance(made, dict) else made
            with as_process(rank, world).split_between_processes(given, apply_padding=pad) as part:
                expected = as_list(part)
            if own != expected:
                raise SystemExit(f"rank {rank} of {world}, padded: {pad}: {own} instead of {expected} of {made}")
            compared += 1
    return f"{compared} parts are equal to those of accelerate"


def batches(folder: Path, seed: int) -> str:
    """Compare batches for three processes with accelerate's example: left padding to a multiple of 8."""
    numbers, tokenizer = random.Random(seed), AutoTokenizer.from_pretrained(folder, padding_side="left")
    prompts = ["".join(numbers.choices("abc ", k=numbers.randint(1, 40))) for _ in range(37)]
    groups = [prompts[at : at + 4] for at in range(0, len(prompts), 4)]
    mill = Mill.from_pretrained(folder, "{{ messages[0].content }}", labels="none")
    collator = Collator(PAD, padding_side="left", pad_to_multiple_of=8, return_tensors="pt")
    chats = [[{"messages": [{"role": "user", "content": prompt}]} for prompt in group] for group in groups]
    own = [collator(mill(group)) for group in chats]
    theirs = [tokenizer(group, padding=True, pad_to_multiple_of=8, return_tensors="pt") for group in groups]
    for rank in range(3):
        with as_process(rank, 3).split_between_processes(theirs, apply_padding=True) as expected:
            for one, other in zip(split_between(own, rank, 3, pad_last=True), expected, strict=True):
                for name in ("input_ids", "attention_mask"):
                    if one[name].dtype != other[name].dtype or not torch.equal(one[name], other[name]):
                        raise SystemExit(f"{name} of rank {rank} differs: {one[name]} instead of {other[name]}")
    return f"{len(groups)} batches for 3 processes are equal to those of transformers and accelerate"


def virtual_tokens(folder: Path) -> str:
    """Compare the loss of a batch in PEFT with that of the same batch given to the model with its virtual tokens."""
    losses = example.losses_of(str(folder))
    if not losses[-1] < losses[0]:
        raise SystemExit(f"the example of prompt tuning does not learn: {losses}")
    count, length = example.VIRTUAL_TOKENS, example.MAX_LENGTH
    mill = Mill(Tokenizer.from_pretrained(folder), format=example.FORMAT, max_length=length - count)
    rows = mill(pyarrow.json.read_json(EXAMPLES / "rows.jsonl"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for side in ("left", "right"):
        options: dict[str, Any] = {"padding": "max_length", "padding_side": side, "max_length": length}
        options |= {"reserve": count, "return_tensors": "pt"}
        torch.manual_seed(0)
        tuned = get_peft_model(
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
            PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=count),
        ).eval()
        batch = Collator(PAD, mask_reserve=True, **options)(rows)
        with torch.no_grad():
            by_peft = tuned(**Collator(PAD, **options)(rows)).loss
            virtual = tuned.get_prompt(batch_size=len(rows))
            embedded = torch.cat([virtual, model.get_input_embeddings()(batch["input_ids"])], dim=1)
            labels = torch.cat([torch.full((len(rows), count), -100), batch["labels"]], dim=1)
            by_hand = model(inputs_embeds=embedded, attention_mask=batch["attention_mask"], labels=labels).loss
        if embedded.shape[1] != length or abs(by_peft - by_hand) > TOLERANCE:
            raise SystemExit(f"padding on the {side}: the loss is {by_peft} in PEFT, and {by_hand} by hand")
        found.append(f"{side} {by_peft:.6f} (by hand {by_hand:.6f})")
    return f"prompt tuning learns ({losses[0]:.3f} to {losses[-1]:.3f}); loss with padding {', '.join(found)}"


def trainer(folder: Path) -> str:
    """Train with the collator in transformers' Trainer, after it was pickled."""
    mill, texts = Mill.from_pretrained(folder), ["Hi", "How are you?", "Tell me a joke.", "Bye"]
    chats = [
        {"messages": [{"role": "user", "content": it}, {"role": "assistant", "content": it[::-1]}]} for it in texts
    ]
    arguments = TrainingArguments(
        str(folder / "trained"),
        max_steps=2,
        per_device_train_batch_size=2,
        report_to="none",
        use_cpu=True,
        dataloader_num_workers=1,
        disable_tqdm=True,
        save_strategy="no",
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    collator = pickle.loads(pickle.dumps(Collator(PAD, return_tensors="pt")))
    done = Trainer(model, arguments, data_collator=collator, train_dataset=Dataset(pa.table(mill(chats)))).train()
    return f"Trainer with the collator: loss {done.training_loss:.3f}"


def main(seed: int = 1) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "model")
        subprocess.run([sys.executable, str(HERE / "tiny_model.py"), str(folder)], check=True, capture_output=True)
        print(parts(seed), flush=True)
        print(batches(folder, seed), flush=True)
        as_process(0, 1)
        print(virtual_tokens(folder), flush=True)
        print(trainer(folder), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
