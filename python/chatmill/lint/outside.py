"""Checks of a template's inputs besides messages (clock, special tokens, variables), and of the text that it adds."""

import re
from collections.abc import Iterator
from datetime import datetime

from chatmill._chatmill import ChatTemplate
from chatmill.lint.finding import Finding
from chatmill.lint.probes import ANSWER, PLAIN, QUESTION, QUESTION_2, user
from chatmill.lint.subject import Subject
from chatmill.text.quote import excerpt, first_difference, line_of, shorten

# The names of special tokens in transformers.
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# The variables and the functions that every template gets.
_GIVEN = {
    *("messages", "tools", "documents", "add_generation_prompt", "continue_final_message"),
    *("raise_exception", "strftime_now", "namespace", "range", "dict", "lipsum", "cycler", "joiner", "loop", "caller"),
    *_SPECIAL,
}
_SET = re.compile(r"\{%-?\s*(?:set|for)\s+([\w\s,.()]+?)(?:\s*=|\s+in\b|\s*-?%\}|\s*\|)")
_MACRO = re.compile(r"\{%-?\s*(?:macro|call)\s*(\w*)\s*\(([^)]*)\)")
# A time whose year, month, day, hour and minute all differ from those of `subject.NOON`.
_LATER = datetime(2027, 11, 25, 8, 30)  # noqa: DTZ001  # templates have no time zone
_WORDS = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")


def missing_tokens(template: ChatTemplate) -> dict[str, str]:
    """Return the special tokens that a template uses but that are not defined, each with a placeholder.

    Args:
        template: The template.
    """
    names = set(template.variables) - _set_inside(template)
    return {name: f"<{name}>" for name in _SPECIAL if name in names and not template.special_tokens.get(name)}


def check_missing_tokens(template: ChatTemplate) -> Iterator[Finding]:
    """Check for special tokens that the template uses but that are not defined."""
    for name, stand_in in missing_tokens(template).items():
        yield Finding(
            "special-token-unknown",
            "warning",
            f"the template uses {name}, but it has no value, so the template prints nothing there, or fails. The "
            f"examples below show {stand_in} instead",
            remedy=f"give the tokenizer (`--tokenizer`), or in Python the token: `ChatTemplate(…, {name}=…)`",
            line=line_of(template.source, name),
        )


def check_clock(subject: Subject) -> Iterator[Finding]:
    """Check for a date in the prompt, which makes rows differ from day to day."""
    if not subject.template.reads_clock or subject.clock_is_given:
        return
    text, later = subject.render(PLAIN[:3]).text, subject.at(_LATER).render(PLAIN[:3]).text
    prints = "prints" if text != later else "may print"
    yield Finding(
        "reads-clock",
        "warning",
        f"the template {prints} the current time (strftime_now), so the same rows give other tokens on another day",
        example=excerpt(text, first_difference(text, later)) if text != later else "",
        remedy="set the time: `now=` in Python, `--now` of `chatmill prepare`, or the template variable that holds the "
        "date",
        line=line_of(subject.template.source, "strftime_now"),
    )


def check_bos(subject: Subject) -> Iterator[Finding]:
    """Check whether the template prints the BOS token, and how often."""
    bos = subject.template.special_tokens.get("bos_token")
    text = subject.render(PLAIN).text
    if not bos or not text.startswith(bos):
        return
    if text.startswith(bos * 2):
        yield Finding(
            "double-bos",
            "error",
            f"the text begins with {bos!r} twice, but models are trained with one BOS token",
            example=excerpt(text, 0),
            remedy="remove one of the two from the template",
            line=line_of(subject.template.source, "bos_token"),
        )
    else:
        yield Finding(
            "prints-bos",
            "note",
            f"the template prints {bos!r}; if the tokenizer adds it too, the text begins with two of them",
            example=excerpt(text, 0),
            remedy="at inference, encode the text with `add_special_tokens=False`, as chatmill does",
            line=line_of(subject.template.source, "bos_token"),
        )


def check_default_system(subject: Subject) -> Iterator[Finding]:
    """Check for a default system prompt, which the template adds to every row without a system message."""
    text = subject.render(PLAIN).text
    if QUESTION not in text or QUESTION_2 not in text:
        return
    opening = text[: text.find(QUESTION)]
    later = text[: text.find(QUESTION_2)].rpartition(ANSWER)[2]
    shared = next((size for size in range(min(len(opening), len(later)), 0, -1) if opening.endswith(later[-size:])), 0)
    added = opening[: len(opening) - shared].removeprefix(subject.template.special_tokens.get("bos_token") or "")
    if _WORDS.search(re.sub(r"<[^<>]*>|\[[^\[\]]*\]", "|", added)):
        yield Finding(
            "default-system-prompt",
            "note",
            "the template adds a default system prompt to conversations without a system message",
            example=repr(shorten(added)),
            remedy="add a system message to each row, which may be empty; or change the template",
        )


def check_variables(subject: Subject) -> Iterator[Finding]:
    """List the variables that a user can set."""
    template = subject.template
    names = [name for name in template.variables if name not in _GIVEN | _set_inside(template)]
    if names:
        yield Finding(
            "takes-variables",
            "note",
            f"the template has these variables: {', '.join(names)}",
            remedy="if you set them at inference, set them for all rows to the same values, with "
            "`chat_template_kwargs` (`--chat-template-kwargs`)",
            line=line_of(template.source, names[0]),
        )


def check_tags(subject: Subject) -> Iterator[Finding]:
    """Check for `{% generation %}` tags, which transformers needs for its assistant mask."""
    if not subject.template.has_generation and subject.render([user()]).ok:
        yield Finding(
            "no-generation-tags",
            "note",
            "the template has no {% generation %} tags, so the assistant mask of transformers, and of tools that use "
            "it, is zero everywhere. chatmill finds the answers without tags",
        )


def _set_inside(template: ChatTemplate) -> set[str]:
    """Return the names that the source sets itself. The core also reports names of inner scopes as variables."""
    source = template.source + (template.tool_use or "")
    lists = [match[1] for match in _SET.finditer(source)]
    lists += [f"{match[1]},{match[2]}" for match in _MACRO.finditer(source)]
    return {part.split("=")[0].strip() for names in lists for part in names.strip("() ").split(",")}
