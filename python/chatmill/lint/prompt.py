"""The generation prompt: whether it is what really stands before an answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ANSWER, ANSWER_2, PLAIN, QUESTION, QUESTION_2, Conversation
from chatmill.lint.quote import around, difference, excerpt, to_border
from chatmill.lint.subject import Subject

# So much of a prompt must be there to be recognised in a text that differs later on.
_LEAST_PART = 4
_MISLEADS = "the model is asked in a way that it was not trained for"


@dataclass(frozen=True)
class _Opening:
    """How an answer begins.

    Attributes:
        which: What it is called in findings.
        text: The whole text.
        prompt: What asking for a generation prompt adds.
        before: What stands between the question and the answer.
    """

    which: str
    text: str
    prompt: str
    before: str


def check_presence(subject: Subject) -> Iterator[Finding]:
    """A generation prompt that is printed whether it is asked for or not, or never."""
    text = subject.render(PLAIN).text
    headers = [turn.parts.get("header", (0, 0)) for turn in subject.turns(PLAIN) if turn.role == "assistant"]
    header = text[slice(*headers[-1])].strip() if headers else ""
    if not header or ANSWER_2 not in text:
        return
    unasked, asked = subject.render(PLAIN[:3]), subject.render(PLAIN[:3], prompt=True)
    after_answer, after_question = text.rpartition(ANSWER_2)[2], unasked.text.rpartition(QUESTION_2)[2]
    if after_answer.rstrip().endswith(header) or (QUESTION_2 in unasked.text and header in after_question):
        shown, tail = (text, after_answer) if header in after_answer else (unasked.text, after_question)
        yield Finding(
            "prompt-unasked",
            "warning",
            "the generation prompt is printed although none is asked for, behind "
            f"{'an answer' if shown is text else 'a question'} that ends a conversation",
            example=excerpt(shown, len(shown) - len(tail)),
            remedy="put it into `{% if add_generation_prompt %} … {% endif %}`",
        )
    elif asked.ok and asked.text == unasked.text:
        yield Finding(
            "prompt-missing",
            "warning",
            f"each answer begins with {header!r}, but there is no generation prompt: the model has to guess that it "
            "shall answer",
            example=f"asked for a prompt {excerpt(asked.text, len(asked.text))}",
            remedy="print it at the end `{% if add_generation_prompt %}`",
        )


def check_prompt(subject: Subject) -> Iterator[Finding]:
    """The generation prompt and the header of an answer, while it is the last and amid a conversation."""
    conversations = (("the last answer", PLAIN[:2]), ("an answer that others follow", PLAIN))
    openings = (_opening(subject, which, messages) for which, messages in conversations)
    found = (_compare(opening) for opening in openings if opening)
    yield from list(filter(None, found))[:1]


def _opening(subject: Subject, which: str, messages: Conversation) -> _Opening | None:
    whole = subject.render(messages)
    asked, unasked = subject.render(messages[:1], prompt=True), subject.render(messages[:1])
    if not (whole.ok and asked.ok and unasked.ok and ANSWER in whole.text and QUESTION in whole.text):
        return None
    before = whole.text[: whole.text.find(ANSWER)].rpartition(QUESTION)[2]
    common = difference(asked.text, unasked.text)
    common = common if common == len(unasked.text) else to_border(asked.text, common)
    return _Opening(which, whole.text, asked.text[common:], before)


def _compare(opening: _Opening) -> Finding | None:
    prompt, before, which = opening.prompt, opening.before, opening.which
    if not prompt.strip():
        # Where a question's closing mark opens the answer, as [/INST] does, nothing is missing.
        return None
    if prompt not in before and prompt.lstrip() in before:
        prompt = prompt.lstrip()
    shared = max((_shared(prompt, before, at) for at in range(len(before))), default=(0, 0))
    size, at = shared if shared[0] >= min(_LEAST_PART, len(prompt)) else (0, 0)
    left, found = prompt[size:], before[at + size :] if size else before
    example = f"prompt {opening.prompt!r}, written {around(opening.text, opening.before + ANSWER)}"
    if left == found or (not left and not found.strip()):
        return None
    if not left:
        return Finding(
            "prompt-shorter",
            "note",
            f"before {which} stands more than the generation prompt: {found!r}. The model has to write that itself, so "
            "chatmill trains it",
            example=example,
            remedy="if the model should not write it, set the variable of the template that puts it into the prompt, "
            "or take it out of the template",
        )
    if size and not found:
        return Finding(
            "prompt-longer",
            "warning" if left.strip() else "note",
            f"the generation prompt ends in {left!r}, which does not stand before {which}: {_MISLEADS}",
            example=example,
            remedy="give the answers what the prompt opens (such as reasoning), set the variable of the template that "
            "shortens it, or change the template",
        )
    return Finding(
        "prompt-differs",
        "warning",
        f"the generation prompt has {left!r} where {found!r} stands before {which}: {_MISLEADS}",
        example=example,
        remedy="set the variable of the template that changes the prompt, or let it write the same text at both places",
    )


def _shared(prompt: str, before: str, at: int) -> tuple[int, int]:
    """How much of the prompt, up to a border of tokens, stands at a place; and the place."""
    size = difference(prompt, before[at:])
    return (size if size == len(prompt) or at + size == len(before) else to_border(prompt, size)), at
