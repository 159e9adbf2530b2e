"""Checks of the generation prompt: is it printed only if requested, and does it equal the text before an answer?"""

from collections.abc import Iterator
from dataclasses import dataclass

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ANSWER, ANSWER_2, PLAIN, QUESTION, QUESTION_2, Conversation
from chatmill.lint.subject import Subject
from chatmill.text.quote import around, excerpt, first_difference, mark_start

# A part of a prompt counts as found in a text if at least this many characters are equal.
_LEAST_PART = 4
_MISLEADS = "at inference, the model gets a prompt that it was not trained on"


@dataclass(frozen=True)
class _Opening:
    """The start of an answer.

    Attributes:
        which: The name of the answer in findings.
        text: The whole text.
        prompt: The text that the generation prompt adds.
        before: The text between the question and the answer.
    """

    which: str
    text: str
    prompt: str
    before: str


def check_presence(subject: Subject) -> Iterator[Finding]:
    """Check for a generation prompt that is always printed, or never."""
    text = subject.render(PLAIN).text
    headers = [turn.parts.get("header", (0, 0)) for turn in subject.turns(PLAIN) if turn.role == "assistant"]
    header = text[slice(*headers[-1])].strip() if headers else ""
    if not header or ANSWER_2 not in text:
        return
    without_prompt, with_prompt = subject.render(PLAIN[:3]), subject.render(PLAIN[:3], prompt=True)
    after_answer, after_question = text.rpartition(ANSWER_2)[2], without_prompt.text.rpartition(QUESTION_2)[2]
    if after_answer.rstrip().endswith(header) or (QUESTION_2 in without_prompt.text and header in after_question):
        shown, tail = (text, after_answer) if header in after_answer else (without_prompt.text, after_question)
        yield Finding(
            "prompt-unasked",
            "warning",
            f"the template prints the generation prompt after {'an answer' if shown is text else 'a question'} at the "
            "end of a conversation, even without `add_generation_prompt`",
            example=excerpt(shown, len(shown) - len(tail)),
            remedy="print it inside `{% if add_generation_prompt %} … {% endif %}`",
        )
    elif with_prompt.ok and with_prompt.text == without_prompt.text:
        yield Finding(
            "prompt-missing",
            "warning",
            f"each answer begins with {header!r}, but the template has no generation prompt, so at inference nothing "
            "shows the model that its turn begins",
            example=f"with add_generation_prompt {excerpt(with_prompt.text, len(with_prompt.text))}",
            remedy="print it at the end inside `{% if add_generation_prompt %}`",
        )


def check_prompt(subject: Subject) -> Iterator[Finding]:
    """Compare the generation prompt with the header of the last answer, and of an answer before other messages."""
    conversations = (("the last answer", PLAIN[:2]), ("an answer before other messages", PLAIN))
    openings = (_opening(subject, which, messages) for which, messages in conversations)
    found = (_compare(opening) for opening in openings if opening)
    yield from list(filter(None, found))[:1]


def _opening(subject: Subject, which: str, messages: Conversation) -> _Opening | None:
    whole = subject.render(messages)
    with_prompt, without_prompt = subject.render(messages[:1], prompt=True), subject.render(messages[:1])
    if not (whole.ok and with_prompt.ok and without_prompt.ok and ANSWER in whole.text and QUESTION in whole.text):
        return None
    before = whole.text[: whole.text.find(ANSWER)].rpartition(QUESTION)[2]
    common = first_difference(with_prompt.text, without_prompt.text)
    common = common if common == len(without_prompt.text) else mark_start(with_prompt.text, common)
    return _Opening(which, whole.text, with_prompt.text[common:], before)


def _compare(opening: _Opening) -> Finding | None:
    prompt, before, which = opening.prompt, opening.before, opening.which
    if not prompt.strip():
        # If the end of a question also opens the answer, as [/INST] does, no prompt is needed.
        return None
    if prompt not in before and prompt.lstrip() in before:
        prompt = prompt.lstrip()
    shared = max((_shared(prompt, before, at) for at in range(len(before))), default=(0, 0))
    size, at = shared if shared[0] >= min(_LEAST_PART, len(prompt)) else (0, 0)
    left, found = prompt[size:], before[at + size :] if size else before
    example = f"prompt {opening.prompt!r}, conversation {around(opening.text, opening.before + ANSWER)}"
    if left == found or (not left and not found.strip()):
        return None
    if not left:
        return Finding(
            "prompt-shorter",
            "note",
            f"the template prints {found!r} between the generation prompt and {which}. The model must write this text "
            "itself, so chatmill trains it",
            example=example,
            remedy="if the model should not write this text, set the template variable that adds it to the prompt, or "
            "remove the text from the template",
        )
    if size and not found:
        return Finding(
            "prompt-longer",
            "warning" if left.strip() else "note",
            f"the generation prompt ends in {left!r}, which is not in the text before {which}: {_MISLEADS}",
            example=example,
            remedy="add the part that the prompt begins, such as reasoning, to the answers; or set the template "
            "variable that shortens the prompt; or change the template",
        )
    return Finding(
        "prompt-differs",
        "warning",
        f"the generation prompt has {left!r}, but the text before {which} has {found!r}: {_MISLEADS}",
        example=example,
        remedy="set the template variable that changes the prompt, or change the template so that both texts are equal",
    )


def _shared(prompt: str, before: str, at: int) -> tuple[int, int]:
    """Return how many characters of the prompt are at a place, up to the start of a mark; and the place."""
    size = first_difference(prompt, before[at:])
    return (size if size == len(prompt) or at + size == len(before) else mark_start(prompt, size)), at
