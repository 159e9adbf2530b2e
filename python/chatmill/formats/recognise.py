"""What rows are by their shape: `--format auto`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.formats.format import Format
from chatmill.inputs import MESSAGE_COLUMNS, Block, InputFile, InputPath, find_inputs, read_blocks

# How many rows are looked at, and how many are shown where two formats fit.
_LOOKED_AT, _SHOWN = 20, 3
_PEEK_BYTES = 1 << 16
# One name for each shape; other formats read the same fields and must be named.
_KNOWN = (
    "messages", "sharegpt", "sharegpt.load_role", "sharegpt.load_guanaco", "sharegpt_jokes", "alpaca", "gpteacher",
    "oasst", "jeopardy", "alpaca_chat.load_qa", "alpaca_chat.load_camel_ai", "alpaca_w_system", "explainchoice",
    "concisechoice", "summarizetldr", "context_qa", "context_qa.load_404", "context_qa.load_v2", "reflection",
    "creative_acr", "creative_acr.load_critique", "creative_acr.load_revise", "metharme", "orcamini",
    "alpaca_w_system.load_open_orca", "input_output", "stepwise_supervised", "prompt_completion", "completion",
    "tokenized", "preference", "kto", "dpo.icr:messages", "dpo.intel:messages", "dpo.prompt_pairs:messages",
    "dpo.ultra:messages", "kto.argilla:messages", "kto.intel:messages", "kto.prompt_pairs:messages",
    "llama_factory.alpaca", "llama_factory.preference", "llama_factory.sharegpt_preference",
)  # fmt: skip
# Fields that rows of a format may lack, but that tell it from others. A system prompt does so for most.
_TELLING = {
    "llama_factory.alpaca": ("history",), "llama_factory.preference": ("instruction",),
    "dpo.prompt_pairs": ("system",), "kto.prompt_pairs": ("system",),
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """A format, and why it.

    Attributes:
        format: The format, or None for messages, which need none.
        reason: What spoke for it; empty where the user named it.
    """

    format: Format | None
    reason: str = ""


def format_of(given: Any, inputs: InputPath | Sequence[InputPath]) -> Chosen:
    """The format that a user names, or that of the inputs.

    Args:
        given: What `Format.of` reads, or `"auto"`, or None for messages.
        inputs: As for `prepare`.

    Returns:
        The format, with the reason.

    Raises:
        DataError: There is no such format, or none that fits, or several do.

    Example:
        >>> format_of("alpaca", []).format
        Format('alpaca')
    """
    if given is None:
        return Chosen(None)
    if isinstance(given, str) and given == "auto":
        return recognise(find_inputs(inputs))
    return Chosen(Format.of(given))


def recognise(files: Sequence[InputFile]) -> Chosen:
    """The format of the rows of files.

    Args:
        files: What `find_inputs` gives. The first rows of the first file that has any are looked at.

    Returns:
        The format, with the reason.

    Raises:
        DataError: No format fits, or several fit; the message shows rows.
    """
    for block in read_blocks(files, columns=_Everything(), block_bytes=_PEEK_BYTES):
        rows = _rows(block)
        if rows:
            names = ", ".join(dict.fromkeys(name for row in rows for name in row))
            return Chosen(recognise_rows(rows, where=block.file.path), f"the first rows have {names}")
    return Chosen(None)


def recognise_rows(rows: Sequence[Mapping[str, Any]], *, where: str = "the rows") -> Format | None:
    """The format of rows.

    Args:
        rows: Some of them.
        where: What to call them in an error.

    Returns:
        A format, or None for messages, which need none.

    Raises:
        DataError: No format fits, or several fit.

    Example:
        >>> recognise_rows([{"instruction": "Name a colour.", "output": "Blue."}])
        Format('alpaca')
        >>> recognise_rows([{"messages": [{"role": "user", "content": "Hi"}]}]) is None
        True
    """
    fitting = [form for form in map(Format.named, _KNOWN) if any(_fits(form, row) for row in rows)]
    # A format that reads all that another one reads, and more, fits better; a text alone fits worst.
    best = [form for form in fitting if not any(_reads(form) < _reads(other) for other in fitting)]
    if len(best) > 1:
        best = [form for form in best if form.name != "completion"]
    if len(best) == 1 and best[0].name in ("messages", "sharegpt"):
        # Rows behind these may have a system prompt even if these have none.
        has_system = any("system" in row for row in rows)
        return Format.named(best[0].name, field_system="system", empty_answers="among_others") if has_system else None
    if len(best) == 1:
        return best[0]
    if not best and any(name in row for row in rows for name in MESSAGE_COLUMNS):
        return None  # each row will say what is wrong with its messages
    shown = "".join(f"\n  {_short(row)}" for row in rows[:_SHOWN])
    if not best:
        names = ", ".join(dict.fromkeys(name for row in rows for name in row))
        raise DataError(
            f"{where}: no format fits rows with {names or 'no fields'}; name one of `chatmill formats` with its "
            f"fields, or write one:{shown}"
        )
    names = " and ".join(form.name for form in best)
    raise DataError(f"{where}: {names} both fit, so name the format that is meant:{shown}")


class _Everything(Sequence[str]):
    """All columns there are."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, index: Any) -> Any:
        raise IndexError(index)

    def __len__(self) -> int:
        return 0


def _rows(block: Block) -> list[Mapping[str, Any]]:
    rows = block.batch.slice(0, _LOOKED_AT)
    if block.json_column is None:
        found: list[Mapping[str, Any]] = pa.Table.from_batches([rows]).to_pylist()
        return found
    parsed = (_parsed(line.as_py()) for line in rows.column(block.json_column))
    return list(islice((row for row in parsed if isinstance(row, dict)), _LOOKED_AT))


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _reads(form: Format) -> frozenset[str]:
    messages = form.core.get("messages")
    names = {it["column"] for it in form.core["fields"]} | _columns_of_answers(form)
    if isinstance(messages, Mapping):
        names |= {f"messages:{source}" for _, source in messages.get("properties", [])} or {"messages:role"}
    if _is_judged(form):
        names.add("prompt")
    properties = form.core.get("answers", {}).get("mapping", {}).get("properties", [])
    names |= {f"messages:{source}" for _, source in properties}
    return frozenset(names)


def _columns_of_answers(form: Format) -> set[str]:
    answers = form.core.get("answers")
    if answers is None:
        return set()
    label = [] if answers["label"] is None else [answers["label"][1]]
    # The prompt may be what the answers begin with; another name for it is not there by chance.
    prompt = [answers["prompt"]] if not _is_made(form) and answers["prompt"] != "prompt" else []
    return {*(column for _, column in answers["names"]), *label, *prompt}


def _fits(form: Format, row: Mapping[str, Any]) -> bool:
    needed = [it for it in form.core["fields"] if not it["optional"]]
    usual = () if form.has_answers else ("system", "system_prompt")
    names = _TELLING.get(form.name.partition(":")[0], usual)
    telling = [it for it in form.core["fields"] if it["optional"] and it["name"] in names]
    messages = form.core.get("messages")
    fields = {it["column"] for it in form.core["fields"]}
    return (
        all(_holds(it["type"], row.get(it["column"])) for it in needed)
        and all(it["column"] in row and _may_hold(it["type"], row[it["column"]]) for it in telling)
        and not (_is_made(form) and "prompt" not in fields and row.get("prompt"))  # a prompt is there to be read
        and not (_is_judged(form) and row.get("prompt") is None and not isinstance(row.get("completion"), list))
        and all(row.get(column) is not None for column in _columns_of_answers(form))
        and (not isinstance(messages, Mapping) or _has_messages(messages, row))
    )


def _is_made(form: Format) -> bool:
    """Whether prompt and answers are made from other fields."""
    return "parts" in form.core.get("answers", {})


def _is_judged(form: Format) -> bool:
    """Whether rows have one answer as it is: a text needs a prompt, messages have theirs before the answer."""
    return form.has_answers and not _is_made(form) and form.core["answers"]["label"] is not None


def _may_hold(wanted: Any, value: Any) -> bool:
    return value is None or _holds(wanted, value)


def _has_messages(mapping: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    value = next((row[name] for name in mapping["fields"] if row.get(name) is not None), None)
    value = _parsed(value.encode()) if isinstance(value, str) else value
    if not isinstance(value, list) or not value or not all(isinstance(it, dict) for it in value):
        return False
    names = dict(mapping.get("properties", [("role", "role"), ("content", "content")]))
    known = {speaker for _, speakers in mapping.get("roles", []) for speaker in speakers}
    if not mapping["keep_unknown_roles"] and not any(it.get(names["role"]) in known for it in value):
        return False
    said = any(it.get(names["content"]) is not None for it in value)
    return said and all(it.get(names["role"]) is not None for it in value)


def _holds(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, list)
    if isinstance(wanted, Mapping):
        return isinstance(value, dict)
    return isinstance(value, str) if wanted == "text" else value is not None


def _short(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else text[:159] + "…"
