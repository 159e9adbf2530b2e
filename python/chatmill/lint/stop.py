"""Checks of the stop token: does every answer end in the same stop token, and is it a single token?"""

import re
from collections.abc import Iterator

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ANSWER_2, PLAIN
from chatmill.lint.subject import Subject, Turn
from chatmill.text.quote import excerpt, shorten

_TOKENS = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")


def check_stop(subject: Subject) -> Iterator[Finding]:
    """Check the ends of both answers of a plain conversation."""
    text = subject.render(PLAIN).text
    turns = [turn for turn in subject.turns(PLAIN) if "content" in turn.parts and turn.role == "assistant"]
    if len(turns) != 2:
        return
    closers = [_closer(text, turn) for turn in turns]
    if not all(closers):
        yield _none(text, turns, closers)
    elif len(set(closers)) > 1:
        first, last = (shorten(closer, 60) for closer in closers)
        places = [turn.parts["closer"][0] for turn in turns]
        yield Finding(
            "stop-token-differs",
            "warning",
            f"an answer ends in {first!r} if messages follow, but in {last!r} if it is the last message, so the model "
            "learns two ways to stop",
            example=", ".join(excerpt(text, place) for place in places),
            remedy="stop generation at both texts, or change the template so that all answers end in the same way",
        )
    yield from _tokens(subject, [closer for closer in dict.fromkeys(closers) if closer], text)


def _closer(text: str, turn: Turn) -> str:
    return text[slice(*turn.parts.get("closer", (0, 0)))].strip()


def _none(text: str, turns: list[Turn], closers: list[str]) -> Finding:
    if not any(closers):
        which, at = "an answer", _end(turns[0])
    elif closers[-1]:
        which, at = "an answer before other messages", _end(turns[0])
    else:
        which, at = "the last answer", _end(turns[-1])
    following = text[_end(turns[0]) :].lstrip()
    # With some models, generation stops at the first token of the next turn.
    opens = re.match(r"<[^<>\s]+>|\[[^\[\]\s]+\]", following) if not any(closers) else None
    but = f". Only {opens[0]!r} can end the answer, but it belongs to the next turn and is not trained" if opens else ""
    return Finding(
        "stop-token-missing",
        "warning",
        f"{which} has no stop token after it, so the model does not learn to stop{but}",
        example=excerpt(text, at),
        remedy="print the stop token (such as eos_token) after each answer, inside its {% generation %} tags if there "
        "are any",
    )


def _end(turn: Turn) -> int:
    return max(end for kind, (_, end) in turn.parts.items() if kind != "trailing")


def _tokens(subject: Subject, closers: list[str], text: str) -> Iterator[Finding]:
    eos = subject.template.special_tokens.get("eos_token")
    if eos and closers and not any(eos in closer for closer in closers):
        yield Finding(
            "stop-token-not-eos",
            "note",
            f"answers end in {closers[-1]!r}, but eos_token is {eos!r}, so a program that stops only at eos_token "
            "continues after the answer",
            example=excerpt(text, text.rfind(ANSWER_2) + len(ANSWER_2)),
            remedy="stop generation at both tokens (`eos_token_id` in generation_config.json may be a list)",
        )
    if subject.tokenizer is None:
        return
    for closer in closers:
        last = ([eos] if eos and eos in closer else _TOKENS.findall(closer) or [closer])[-1]
        ids = subject.tokenizer.encode(last)
        if len(ids) > 1:
            yield Finding(
                "stop-token-split",
                "error" if subject.tokenizer.token_to_id(last) is None else "warning",
                f"the answers end in {last!r}, which is not one token but {len(ids)} tokens of "
                f"{subject.tokenizer.name}, so generation cannot stop at it",
                example=f"{last!r} → {ids}",
                remedy="use the template of this tokenizer, or add the token to the tokenizer and train its embedding",
            )
