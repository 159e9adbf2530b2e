"""Detection of the format of rows from their fields, for `--format auto`."""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats.build import MESSAGES
from chatmill.formats.columns import check_renamed, renamed_row
from chatmill.formats.format import Format
from chatmill.inputs import MESSAGE_COLUMNS, Block, InputFile, find_inputs, read_blocks
from chatmill.inputs.values import plain_row
from chatmill.text.nearest import nearest
from chatmill.text.parsing import parse_json

# The number of rows to examine, and the number of rows to show in an error.
_EXAMINED, _SHOWN = 20, 3
_PEEK_BYTES = 1 << 16
_LONGEST_ROW = 160
# One format for each set of fields. Other formats read the same fields; they are used only if the user names them.
_DETECTED = (
    "messages", "sharegpt", "sharegpt.load_role", "sharegpt.load_guanaco", "sharegpt_jokes", "ultrachat", "alpaca",
    "gpteacher", "dolly", "oasst", "query_response", "prompt_response", "question_answer", "alpaca_chat.load_camel_ai",
    "alpaca_w_system", "explainchoice", "concisechoice", "summarizetldr", "context_qa", "context_qa.load_404",
    "context_qa.load_v2", "reflection", "creative_acr", "creative_acr.load_critique", "creative_acr.load_revise",
    "metharme", "orcamini", "alpaca_w_system.load_open_orca", "input_output", "stepwise_supervised",
    "prompt_completion", "prompt_completion.chat", "completion", "tokenized", "preference", "kto", "dpo.icr:messages",
    "dpo.intel:messages", "dpo.prompt_pairs:messages", "dpo.ultra:messages", "kto.argilla:messages",
    "kto.intel:messages", "kto.prompt_pairs:messages", "llama_factory.alpaca", "llama_factory.preference",
    "llama_factory.sharegpt_preference",
)  # fmt: skip
# Fields beside `messages` that do not change the format: no other format reads them.
_SYSTEMS = ("system", "system_prompt")
_BESIDE_MESSAGES = frozenset((
    "tools", "documents", "chat_template_kwargs", "id", "uuid", "idx", "index", "conversation_id", "prompt_id",
    "source", "dataset", "split", "topic", "domain", "language", "model", "metadata", "timestamp",
))  # fmt: skip
_READ_WITH_MESSAGES = (*MESSAGE_COLUMNS, "tools", "documents", "chat_template_kwargs")
# Keys of messages in which other formats have the role or the content.
_OTHER_KEYS = frozenset(("from", "value", "text"))
# Formats whose text is fixed, and which read the same fields as another one that has messages.
_SAME_MESSAGES = {"orcamini": "alpaca_w_system.load_open_orca:messages"}
# Optional fields that distinguish a format from others if they are present. For most formats it is the system prompt.
_TELLING = {
    "llama_factory.alpaca": ("history",), "llama_factory.preference": ("instruction",),
    "dpo.prompt_pairs": ("system",), "kto.prompt_pairs": ("system",), "dolly": ("context",),
    "question_answer": (), "prompt_response": (), "prompt_completion": (), "alpaca_w_system.load_open_orca": (),
}  # fmt: skip
# With a chat template, a prompt and answers as texts become messages, with or without a system prompt.
_TELLING_WITH_TEMPLATE = {**_TELLING, "dpo.prompt_pairs": (), "kto.prompt_pairs": ()}
# Common names of the question and of its answer, for the suggestion in an error.
_QUESTIONS = ("prompt", "question", "query", "instruction", "problem", "user", "input")
_ANSWERS = ("response", "answer", "output", "completion", "reply", "solution", "assistant")


@dataclass(frozen=True)
class DetectedFormat:
    """A format and the reason for it.

    Attributes:
        format: The format, or None for messages, which need no format.
        reason: The reason, such as the fields of the first rows; empty if the user named the format.
        warnings: Warnings about the choice.
    """

    format: Format | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


def format_of(
    given: Any,
    inputs: Any,
    *,
    columns: Mapping[str, str] | None = None,
    has_template: bool = True,
) -> DetectedFormat:
    """Return the format that a user names, or detect the format of the inputs.

    Args:
        given: Any value that `Format.of` accepts, or `"auto"`, or None for messages.
        inputs: As for `prepare`, or files from `find_inputs`.
        columns: The column in the rows for each column that the format reads, where the names differ.
        has_template: Whether there is a chat template; as for `detect`.

    Returns:
        The format, with the reason.

    Raises:
        DataError: There is no such format or column, or no format fits, or several fit.

    Example:
        >>> format_of("alpaca", []).format
        Format('alpaca')
        >>> format_of("alpaca", [], columns={"output": "solution"}).format.columns
        ('instruction', 'input', 'solution')
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise DataError(
            f"`columns` has the type {type(columns).__name__}; give the column for each name, such as "
            '{"answer": "solution"}'
        )
    if isinstance(given, str) and given == "auto":
        return detect(find_inputs(inputs), columns=columns or {}, has_template=has_template)
    form = None if given is None else Format.of(given)
    if columns:
        form = (form or _messages()).with_columns(columns)
    return DetectedFormat(form)


def detect(
    files: Sequence[InputFile], *, columns: Mapping[str, str] | None = None, has_template: bool = True
) -> DetectedFormat:
    """Detect the format of the rows of files, from the first rows of the first file that is not empty.

    Args:
        files: The files, from `find_inputs`.
        columns: The column in the rows for each known name, where the names differ.
        has_template: Whether there is a chat template. Then a prompt with an answer becomes messages; a text of a
            format is used only without a template.

    Returns:
        The format, with the reason.

    Raises:
        DataError: No format fits, or several fit; the message shows rows.
    """
    for block in read_blocks(files, columns=_EveryColumn(), block_bytes=_PEEK_BYTES):
        rows = _rows(block)
        if rows:
            check_renamed(rows, columns or {}, where=block.file.path)
            known = [renamed_row(row, columns) for row in rows] if columns else rows
            form = detect_rows(known, where=block.file.path, has_template=has_template)
            if columns:
                is_sharegpt = form is None and _fits(Format.named("sharegpt"), known[0], has_template=has_template)
                form = (form or _messages("sharegpt" if is_sharegpt else MESSAGES)).with_columns(columns)
            return DetectedFormat(form, _reason(form, rows), _warnings(form, has_template=has_template))
    return DetectedFormat(None)


def detect_rows(
    rows: Sequence[Mapping[str, Any]], *, where: str = "the rows", has_template: bool = True
) -> Format | None:
    """Detect the format of rows.

    Args:
        rows: Some rows.
        where: The name of the rows in an error.
        has_template: Whether there is a chat template; as for `detect`.

    Returns:
        A format, or None for messages, which need no format.

    Raises:
        DataError: No format fits, or several fit.

    Example:
        >>> detect_rows([{"instruction": "Name a color.", "output": "Blue."}])
        Format('alpaca:messages')
        >>> detect_rows([{"instruction": "Name a color.", "output": "Blue."}], has_template=False)
        Format('alpaca')
        >>> detect_rows([{"messages": [{"role": "user", "content": "Hi"}]}]) is None
        True
    """
    if _are_messages(rows):
        return None
    chosen = dict.fromkeys(_with_messages(name) if has_template else name for name in _DETECTED)
    known = [Format.named(name) for name in chosen]
    fitting = [form for form in known if any(_fits(form, row, has_template=has_template) for row in rows)]
    # A format that reads all fields of another one, and more, fits better. The format of a single text fits worst.
    present = {name for row in rows for name in row}
    reads = {form.name: _reads(form, present) for form in fitting}
    best = [form for form in fitting if not any(reads[form.name] < reads[other.name] for other in fitting)]
    if len(best) > 1:
        best = [form for form in best if form.name != "completion"]
    if len(best) == 1 and best[0].name in ("messages", "sharegpt"):
        # A column that only later rows have is not read, and these rows are noted (`unread_system`).
        system = next((name for name in _SYSTEMS if any(isinstance(row.get(name), str) for row in rows)), None)
        return None if system is None else _messages(best[0].name, field_system=system)
    if len(best) == 1:
        return best[0]
    if not best and any(name in row for row in rows for name in MESSAGE_COLUMNS):
        return None  # each row then fails with an error about its messages
    shown = "".join(f"\n  {_shown(row)}" for row in rows[:_SHOWN])
    if not best:
        raise DataError(f"{where}: {_no_format(rows)}{shown}")
    names = " and ".join(form.name for form in best)
    raise DataError(f"{where}: the formats {names} fit these rows; name one of them with `--format`:{shown}")


def _are_messages(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether rows can only be messages. This saves reading the library of formats, which takes 0.1 s."""
    return bool(rows) and all(
        row.keys() - _BESIDE_MESSAGES == {"messages"} and _is_conversation(row["messages"]) for row in rows
    )


def _is_conversation(messages: Any) -> bool:
    return (
        isinstance(messages, list)
        and all(isinstance(it, dict) and isinstance(it.get("role"), str) for it in messages)
        and not any(_OTHER_KEYS & it.keys() for it in messages)
        and any(it.get("content") is not None for it in messages)
    )


def _with_messages(name: str) -> str:
    """Return the name of the style of a format whose rows become messages; the name itself if there is none."""
    if name in _SAME_MESSAGES:
        return _SAME_MESSAGES[name]
    form = Format.named(name)
    return f"{name}:{MESSAGES}" if form.kind == "segments" and form.has_messages_style else name


def _messages(name: str = MESSAGES, **options: Any) -> Format:
    """Return a format of messages that reads them as they are read without a format."""
    return Format.named(name, empty_answers="among_others", **options)


def _reason(form: Format | None, rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    reason = f"the first rows have {', '.join(names)}"
    read = _READ_WITH_MESSAGES if form is None else form.columns
    others = [name for name in names if name not in read]
    return f"{reason} ({', '.join(others)} {'is' if len(others) == 1 else 'are'} not read)" if others else reason


def _warnings(form: Format | None, *, has_template: bool) -> tuple[str, ...]:
    if form is None or has_template or form.kind != "segments" or not form.has_messages_style:
        return ()
    return (
        (
            f"there is no chat template, so the rows get the text of the format {form.name}, which has a prompt of its "
            "own; to train a chat model, name a template (`--template`); to keep this text without this warning, name "
            f"the format (`--format {form.name}`)"
        ),
    )


class _EveryColumn(Sequence[str]):
    """A list of columns for which `name in columns` is always true, so that all columns are read."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, index: Any) -> Any:
        raise IndexError(index)

    def __len__(self) -> int:
        return 0


def _no_format(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the error for rows that no format fits, with the most likely remedy. The caller appends some rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    problem = f"no format fits rows with the fields {', '.join(names) or '(none)'}"
    for name in names:
        near = nearest(name, MESSAGE_COLUMNS)
        if near is not None:
            return (
                f"{problem}; did you mean {near!r} instead of {name!r}? Then give `--map {near}={name}`. The first "
                "rows are:"
            )
    question = next((name for name in _QUESTIONS if _is_text(rows, name)), None)
    answer = next((name for name in _ANSWERS if _is_text(rows, name) and name != question), None)
    if question is not None and answer is not None:
        return (
            f"{problem}; if {question!r} is the question and {answer!r} its answer, give `--map question={question} "
            f"--map answer={answer}`. The first rows are:"
        )
    return (
        f"{problem}; name what holds the question and the answer with `--map question=… --map answer=…`, choose a "
        "format from `chatmill formats`, or define one (docs/formats.md). The first rows are:"
    )


def _is_text(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return all(isinstance(row.get(name), str) for row in rows)


def _rows(block: Block) -> list[Mapping[str, Any]]:
    rows = block.batch.slice(0, _EXAMINED)
    if block.json_column is None:
        return [plain_row(rows, at) for at in range(rows.num_rows)]
    parsed = (_parsed(line.as_py()) for line in rows.column(block.json_column) if line.is_valid)
    return list(islice((row for row in parsed if isinstance(row, dict)), _EXAMINED))


def _parsed(line: str | bytes) -> Any:
    try:
        return parse_json(line)
    except ValueError:
        return None


def _reads(form: Format, present: AbstractSet[str]) -> frozenset[str]:
    """Return what a format reads of rows that have these fields."""
    messages = form.core.get("messages")
    names = ({it["column"] for it in form.core["fields"]} & present) | _columns_of_answers(form)
    if isinstance(messages, Mapping) and messages.get("completion"):
        names |= {*messages["fields"], messages["completion"]}
    elif isinstance(messages, Mapping):
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
    # A prompt is optional, because the common start of the answers can replace it. But a prompt column that has another
    # name than `prompt` is required.
    prompt = [answers["prompt"]] if not _is_built(form) and answers["prompt"] not in (None, "prompt") else []
    return {*(column for _, column in answers["names"]), *label, *prompt}


def _fits(form: Format, row: Mapping[str, Any], *, has_template: bool) -> bool:
    needed = [it for it in form.core["fields"] if not it["optional"]]
    usual = () if form.kind == "answers" else ("system", "system_prompt")
    telling_names = _TELLING_WITH_TEMPLATE if has_template else _TELLING
    names = telling_names.get(form.name.partition(":")[0], usual)
    telling = [it for it in form.core["fields"] if it["optional"] and it["name"] in names]
    messages = form.core.get("messages")
    fields = {it["column"] for it in form.core["fields"]}
    return (
        all(_holds(it["type"], row.get(it["column"])) for it in needed)
        and all(it["column"] in row and _may_hold(it["type"], row[it["column"]]) for it in telling)
        # A format that does not read a prompt does not fit rows that have one.
        and not (_is_built(form) and "prompt" not in fields and row.get("prompt"))
        and not (_is_judged(form) and row.get("prompt") is None and not isinstance(row.get("completion"), list))
        and all(row.get(column) is not None for column in _columns_of_answers(form))
        and not (has_template and _is_of_texts(form, row))
        and (not isinstance(messages, Mapping) or _has_messages(messages, row))
    )


def _is_of_texts(form: Format, row: Mapping[str, Any]) -> bool:
    """Return whether prompt and answers of a row are texts, which would be used as they are."""
    if form.kind != "answers" or _is_built(form):
        return False
    answers = form.core["answers"]
    return all(isinstance(row.get(column), str) for column in (answers["prompt"], *(it for _, it in answers["names"])))


def _is_built(form: Format) -> bool:
    """Return whether prompt and answers are built from other fields."""
    return "parts" in form.core.get("answers", {})


def _is_judged(form: Format) -> bool:
    """Return whether rows hold one answer with a label. A text answer needs a prompt; messages include theirs."""
    return form.kind == "answers" and not _is_built(form) and form.core["answers"]["label"] is not None


def _may_hold(wanted: Any, value: Any) -> bool:
    return value is None or _holds(wanted, value)


def _known_roles(known: AbstractSet[str], roles: Sequence[Any]) -> bool:
    """Return whether a format that refuses other roles fits: a user role and an answer, by names that it knows."""
    return any(role in known for role in roles) and not ("user" in roles and "user" not in known)


def _has_messages(mapping: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    value = next((row[name] for name in mapping["fields"] if row.get(name) is not None), None)
    value = _parsed(value) if isinstance(value, str) else value
    if not isinstance(value, list) or not value or not all(isinstance(it, dict) for it in value):
        return False
    names = dict(mapping.get("properties", [("role", "role"), ("content", "content")]))
    known = {speaker for _, speakers in mapping.get("roles", []) for speaker in speakers}
    if not mapping["keep_unknown_roles"] and not _known_roles(known, [it.get(names["role"]) for it in value]):
        return False
    completion = mapping.get("completion")
    if completion and not _has_messages({**mapping, "fields": [completion], "completion": None}, row):
        return False
    has_content = any(it.get(names["content"]) is not None for it in value)
    return has_content and all(it.get(names["role"]) is not None for it in value)


def _holds(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, list)
    if isinstance(wanted, Mapping):
        return isinstance(value, dict)
    return isinstance(value, str) if wanted == "text" else value is not None


def _shown(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_ROW else text[: _LONGEST_ROW - 1] + "…"
