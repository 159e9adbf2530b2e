"""The other contenders of the whole job, each run as a process: `datasets.map`, TRL's preparation, bare tokenizers.

    python benches/job_peers.py KIND JOB

`benches/job.py` runs this, if need be with the Python of another environment, so each function imports only what its
contender needs. JOB is a JSON object; the last line of the output is a JSON object too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Job = dict[str, Any]


def datasets_map(job: Job) -> dict[str, Any]:
    """Read JSONL and tokenize it with transformers and its mask, in batches of 1,000 and in several processes.

    `apply_chat_template` takes one list of tools for a batch, so rows with tools are tokenized one by one.
    """
    import datasets
    import transformers

    tokenizer = _tokenizer(job, transformers)
    options = {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": True}

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        made = tokenizer.apply_chat_template(batch["messages"], **options)
        return {name: made[name] for name in ("input_ids", "assistant_masks")}

    def tokenize_with_tools(batch: dict[str, list[Any]]) -> dict[str, Any]:
        pairs = zip(batch["messages"], batch["tools"], strict=True)
        made = [tokenizer.apply_chat_template(messages, tools=tools or None, **options) for messages, tools in pairs]
        return {name: [row[name] for row in made] for name in ("input_ids", "assistant_masks")}

    source = _loaded(job, datasets)
    made = source.map(
        tokenize_with_tools if job["has_tools"] else tokenize,
        batched=True,
        num_proc=job["processes"],
        remove_columns=source.column_names,
    )
    return {"files": [it["filename"] for it in made.cache_files]}


def sft(job: Job) -> dict[str, Any]:
    """Prepare rows as TRL's `SFTTrainer` does with `assistant_only_loss`, without its model.

    TRL's own code runs if TRL is installed; else the same three passes over the rows.
    """
    import datasets
    import transformers

    tokenizer = _tokenizer(job, transformers)
    source = _loaded(job, datasets)
    try:
        import trl
    except ImportError:
        made = _like_sft(source, tokenizer, job["processes"])
    else:
        from types import SimpleNamespace

        settings = trl.SFTConfig(
            output_dir=job["scratch"],
            assistant_only_loss=True,
            max_length=None,
            dataset_num_proc=job["processes"],
            shuffle_dataset=False,
            use_cpu=True,
            bf16=False,
            report_to="none",
        )
        trainer: Any = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=False)
        made = trl.SFTTrainer._prepare_dataset(trainer, source, tokenizer, settings, False, None, "train")
    return {"files": [it["filename"] for it in made.cache_files]}


def _like_sft(source: Any, tokenizer: Any, processes: int) -> Any:
    """Take the steps of TRL 1.16: look for other forms of rows, tokenize row by row, make labels of the masks."""

    def converted(row: dict[str, Any]) -> dict[str, Any]:
        return row

    def tokenize(row: dict[str, Any]) -> dict[str, Any]:
        made = tokenizer.apply_chat_template(
            row["messages"],
            tools=row.get("tools") or None,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        return {name: made[name] for name in ("input_ids", "assistant_masks")}

    def labelled(row: dict[str, Any]) -> dict[str, Any]:
        pairs = zip(row["input_ids"], row["assistant_masks"], strict=True)
        return {"labels": [index if on else -100 for index, on in pairs]}

    made = source.map(converted, num_proc=processes)
    made = made.map(tokenize, num_proc=processes)
    return made.map(labelled, remove_columns=["assistant_masks"], num_proc=processes)


def _loaded(job: Job, datasets: Any) -> Any:
    """Load JSONL. Schemas of tools differ from row to row, and datasets infers their type from the first ones only."""
    kinds = {name: datasets.Json() for name in ("tools", "messages")}
    features = datasets.Features(kinds) if job["has_tools"] else None
    return datasets.load_dataset("json", data_files=job["rows"], split="train", features=features)


def _tokenizer(job: Job, transformers: Any) -> Any:
    with open(job["template"], encoding="utf-8") as file:  # noqa: PTH123  (pathlib is one more import to time)
        template = file.read()
    definition = os.path.join(job["tokenizer"], "tokenizer.json")  # noqa: PTH118
    return transformers.PreTrainedTokenizerFast(
        tokenizer_file=definition, chat_template=template, **job["special_tokens"]
    )


def bare(job: Job) -> dict[str, Any]:
    """Tokenize texts that are rendered already, in batches of 1,000: no labels, and nothing is written in the time.

    Only the calls of the tokenizer are timed. Texts are read and ids are written between the calls. The first rows have
    a call of their own that is not timed: tokenizers finish loading in it, so it is a part of the start.
    """
    import numpy as np
    import pyarrow as pa

    encode, flat = ENCODERS[job["engine"]](os.path.join(job["tokenizer"], "tokenizer.json"))  # noqa: PTH118
    seconds = processor_seconds = 0.0
    schema = pa.schema({"input_ids": pa.list_(pa.int32())})
    with pa.memory_map(job["texts"]) as raw, pa.OSFile(job["output"], "wb") as sink:
        texts = pa.ipc.open_file(raw)
        with pa.ipc.new_file(sink, schema) as writer:
            for number, batch in enumerate(_batches(texts, job["start_rows"])):
                clock, processor = time.perf_counter(), time.process_time()
                made = encode(batch)
                if number > 0:
                    processor_seconds += time.process_time() - processor
                    seconds += time.perf_counter() - clock
                ids, lengths = flat(made)
                offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
                column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.asarray(ids).astype(np.int32)))
                writer.write_batch(pa.record_batch([column], schema=schema))
    return {"seconds": seconds, "processor_seconds": processor_seconds}


def _batches(texts: Any, first: int) -> Iterator[list[str]]:
    """Yield the texts of a file, of which the first ones are a batch of their own."""
    for at in range(texts.num_record_batches):
        batch = texts.get_batch(at).column(0).to_pylist()
        if at == 0:
            yield batch[:first]
            batch = batch[first:]
        if batch:
            yield batch


Encoder = tuple[Callable[[list[str]], Any], Callable[[Any], tuple[Any, Any]]]


def _fastokens(definition: str) -> Encoder:
    import fastokens
    import numpy as np

    encode = fastokens.Tokenizer.from_file(definition).encode_batch_flat

    def flat(made: Any) -> tuple[Any, Any]:
        return np.frombuffer(made[0], np.int32), np.diff(np.frombuffer(made[1], np.int64))

    return encode, flat


def _tokenizers(definition: str) -> Encoder:
    import tokenizers

    encode = tokenizers.Tokenizer.from_file(definition).encode_batch_fast

    def flat(made: Any) -> tuple[Any, Any]:
        rows = [it.ids for it in made]
        return [index for row in rows for index in row], [len(row) for row in rows]

    return lambda texts: encode(texts, add_special_tokens=False), flat


def _gigatoken(definition: str) -> Encoder:
    import awkward
    import gigatoken
    import numpy as np

    def flat(made: Any) -> tuple[Any, Any]:
        return np.asarray(awkward.flatten(made)), np.asarray(awkward.num(made))

    return gigatoken.Tokenizer(definition).encode_batch, flat


ENCODERS: dict[str, Callable[[str], Encoder]] = {
    "fastokens": _fastokens,
    "tokenizers": _tokenizers,
    "gigatoken": _gigatoken,
}
KINDS: dict[str, Callable[[Job], dict[str, Any]]] = {"map": datasets_map, "sft": sft, "bare": bare}

if __name__ == "__main__":
    print(json.dumps(KINDS[sys.argv[1]](json.loads(sys.argv[2]))))
