"""`explained`: the text and the remedy of a problem that checks of rows found."""

from collections.abc import Mapping

from chatmill.text.quote import shorten

#: The end of remedies for what may be intended.
IGNORE = "ignore this if it is intended"
#: Codes that are told once, with all of their names.
JOINED = ("template_tokens", "control_token", "foreign_tokens")

_WHAT = {
    "content": "contents of messages", "parts": "contents that are lists of parts",
    "not text": "contents that are numbers or objects", "parts printed": "contents that are lists of parts",
    "not text printed": "contents that are objects", "field": "fields",
    "reasoning": "reasoning", "tools": "the declared tools", "calls": "tool calls",
}  # fmt: skip
_JOIN_PARTS = "join the texts of the parts to one string"
_MAKE_TEXTS = "make them texts (`str` or `json.dumps` of `content`)"
_PRINTED = "in {rows} the template prints {what} with the brackets and quotes of Python or JSON"
_DROPPED = "in {rows} the template drops or changes {what}"
# Code, or code and name: text and remedy.
_TEXTS: Mapping[str, tuple[str, str]] = {
    "template_tokens": (
        "the template writes {name}, which are not in the vocabulary of {tokenizer}, so they are trained as plain text",
        f"use the template of this tokenizer, or add the tokens to it; {IGNORE}",
    ),
    "control_token": (
        "{rows} have a control token in a text, which is encoded as a control token: {name}",
        'encode them as plain text (`special_tokens="text"`), or clean the rows',
    ),
    "foreign_tokens": (
        "{rows} have a text that looks like a control token, but is plain text for {tokenizer}: {name}",
        f"remove it if the rows were written for another model; {IGNORE}",
    ),
    "arguments_escaped": (
        "in {rows} the arguments of tool calls are JSON text, and the template escapes them again",
        "make them objects (`json.loads` of `tool_calls[…].function.arguments`)",
    ),
    "tools_dropped": ("in {rows} the template does not print {what}", f"use a template that supports tools; {IGNORE}"),
    "roles_dropped": (
        "in {rows} the template drops messages of the role {quoted}",
        f"rename the role, for example to 'system', or use a template that prints it; {IGNORE}",
    ),
    "replacement_character": (
        "{rows} have U+FFFD in a text, so bytes of it were lost before",
        f"read the source of the rows again with the right encoding; {IGNORE}",
    ),
    "unread_variable": (
        "in {rows} `chat_template_kwargs` has {quoted}, which the template does not read",
        f"correct the name, or {IGNORE}",
    ),
    "reasoning_dropped": (_DROPPED, f"make a sample for each turn (`--split per_turn`), or {IGNORE}"),
    "content_dropped parts": (_DROPPED, _JOIN_PARTS),
    "content_dropped parts printed": (_PRINTED, _JOIN_PARTS),
    "content_dropped not text": (_DROPPED, _MAKE_TEXTS),
    "content_dropped not text printed": (_PRINTED, _MAKE_TEXTS),
    "content_dropped": (_DROPPED, f"look at the row with `chatmill show`; {IGNORE}"),
}


def explained(code: str, name: str, rows: str, tokenizer: str) -> tuple[str, str]:
    """Return the text of a problem, and its remedy.

    Args:
        code: The code of the warning.
        name: What it is about, such as a role; for codes of `JOINED` all of them.
        rows: The number of rows in words.
        tokenizer: The name of the tokenizer.

    Example:
        >>> explained("content_dropped", "field", "2 of 9 rows", "gpt2")[0]
        'in 2 of 9 rows the template drops or changes fields'
    """
    text, remedy = _TEXTS.get(f"{code} {name}") or _TEXTS[code]
    what, quoted = _WHAT.get(name, name), shorten(repr(name), 60)
    return text.format(rows=rows, name=name, what=what, quoted=quoted, tokenizer=tokenizer), remedy
