"""What a template takes from outside its messages: the clock, special tokens, variables; and what it adds by itself."""

import re
from collections.abc import Iterator
from datetime import datetime

from chatmill._chatmill import ChatTemplate
from chatmill.lint.finding import Finding
from chatmill.lint.probes import ANSWER, PLAIN, QUESTION, QUESTION_2, user
from chatmill.lint.quote import difference, excerpt, line_of, shorten
from chatmill.lint.subject import Subject

# What transformers calls special tokens.
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# What every template is given, and what its environment has.
_GIVEN = {
    *("messages", "tools", "documents", "add_generation_prompt", "continue_final_message"),
    *("raise_exception", "strftime_now", "namespace", "range", "dict", "lipsum", "cycler", "joiner", "loop", "caller"),
    *_SPECIAL,
}
_SET = re.compile(r"\{%-?\s*(?:set|for)\s+([\w\s,.()]+?)(?:\s*=|\s+in\b|\s*-?%\}|\s*\|)")
_MACRO = re.compile(r"\{%-?\s*(?:macro|call)\s*(\w*)\s*\(([^)]*)\)")
# Another year, month, day, hour and minute than those of a subject.
_LATER = datetime(2027, 11, 25, 8, 30)  # noqa: DTZ001  # templates see no zone
_WORDS = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")


def missing_tokens(template: ChatTemplate) -> dict[str, str]:
    """The special tokens that a template asks for and that are not known, each with something to print in its place.

    Args:
        template: The template.
    """
    names = set(template.variables) - _set_inside(template)
    return {name: f"<{name}>" for name in _SPECIAL if name in names and not template.special_tokens.get(name)}


def check_missing_tokens(template: ChatTemplate) -> Iterator[Finding]:
    """Special tokens that the template uses and that nobody has told."""
    for name, stand_in in missing_tokens(template).items():
        yield Finding(
            "special-token-unknown",
            "warning",
            f"the template uses {name}, which is not defined here: it prints nothing in its place, or fails. "
            f"Examples show {stand_in} for it",
            remedy=f"name the tokenizer (`--tokenizer`), or give the token: `ChatTemplate(…, {name}=…)`",
            line=line_of(template.source, name),
        )


def check_clock(subject: Subject) -> Iterator[Finding]:
    """A date in the prompt makes rows differ from day to day."""
    if not subject.template.reads_clock or subject.clock_is_given:
        return
    text, later = subject.render(PLAIN[:3]).text, subject.at(_LATER).render(PLAIN[:3]).text
    prints = "prints" if text != later else "may print"
    yield Finding(
        "reads-clock",
        "warning",
        f"the template {prints} the time of day (strftime_now): the same rows give other tokens tomorrow",
        example=excerpt(text, difference(text, later)) if text != later else "",
        remedy="set the time: `now=` in Python, `--now` of `chatmill prepare`, or a variable of the template that "
        "holds the date",
        line=line_of(subject.template.source, "strftime_now"),
    )


def check_bos(subject: Subject) -> Iterator[Finding]:
    """Who prints the token that begins a sequence."""
    bos = subject.template.special_tokens.get("bos_token")
    text = subject.render(PLAIN).text
    if not bos or not text.startswith(bos):
        return
    if text.startswith(bos * 2):
        yield Finding(
            "double-bos",
            "error",
            f"the text begins with {bos!r} twice: no model has seen that",
            example=excerpt(text, 0),
            remedy="take one of them out of the template",
            line=line_of(subject.template.source, "bos_token"),
        )
    else:
        yield Finding(
            "prints-bos",
            "note",
            f"the template prints {bos!r} itself: a tokenizer that adds it as well would double it",
            example=excerpt(text, 0),
            remedy="encode its text without special tokens (`add_special_tokens=False`), as chatmill does",
            line=line_of(subject.template.source, "bos_token"),
        )


def check_default_system(subject: Subject) -> Iterator[Finding]:
    """A system prompt that the template makes up, and that so is in every row without one."""
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
            "where a conversation has no system message, the template writes one of its own into the text",
            example=repr(shorten(added)),
            remedy="give each row the system message that the model shall see, or an empty one; or change the template",
        )


def check_variables(subject: Subject) -> Iterator[Finding]:
    """Settings that a user can make."""
    template = subject.template
    names = [name for name in template.variables if name not in _GIVEN | _set_inside(template)]
    if names:
        yield Finding(
            "takes-variables",
            "note",
            f"the template takes settings of its own: {', '.join(names)}",
            remedy="set them for all rows with `chat_template_kwargs` (`--chat-template-kwargs`), as they will be set "
            "when the model answers",
            line=line_of(template.source, names[0]),
        )


def check_tags(subject: Subject) -> Iterator[Finding]:
    """Without tags transformers knows no assistant tokens."""
    if not subject.template.has_generation and subject.render([user()]).ok:
        yield Finding(
            "no-generation-tags",
            "note",
            "the template has no {% generation %} tags: transformers' assistant mask, and what is built on it, is zero "
            "everywhere. chatmill finds the answers without tags",
        )


def _set_inside(template: ChatTemplate) -> set[str]:
    """Names that the source gives values itself; the core counts those of inner scopes as taken from outside."""
    source = template.source + (template.tool_use or "")
    lists = [match[1] for match in _SET.finditer(source)]
    lists += [f"{match[1]},{match[2]}" for match in _MACRO.finditer(source)]
    return {part.split("=")[0].strip() for names in lists for part in names.strip("() ").split(",")}
