"""Finds the start and end of assistant turns in a template without tags, by rendering other conversations.

All renders are by transformers. A turn begins after the generation prompt and ends with its stop token. Each border is
searched for in two ways:

* by prefixes: the text begins with the render of the messages before the turn and a generation prompt, or with the
  render of the messages up to the turn;
* by a probe: the turn gets another answer, and the texts before and after that answer are compared with the text.

If neither way finds a border, it is ambiguous. If the two ways find different borders, that is an error.
"""

from __future__ import annotations

import re

import corpus_files as files
import reference
import template_files

Span = tuple[int, int]

# No template and no conversation contains this text.
PROBE = "Zq9"
# The text that a template prints after the last turn if no generation prompt follows.
END = {"phi-3": "<|endoftext|>"}


class Borders:
    """The borders of the turns of one conversation in one template.

    Args:
        template: The name of the template.
        conversation: The conversation.
    """

    def __init__(self, template: str, conversation: files.Conversation) -> None:
        self.source = template_files.untagged(template_files.source(template))
        self.settings = template_files.settings(template)
        self.end = END.get(template, "")
        self.conversation = conversation
        stops = "|".join(re.escape(token) for token in self.settings["stop_tokens"])
        self.stop = re.compile(stops or "(?!)")

    def render(self, messages: list[dict[str, object]], *, prompt: bool = False) -> str | None:
        """Return the text of messages without the text after the conversation, or None if the template rejects them."""
        tokens = self.settings["special_tokens"]
        try:
            text = reference.render(
                self.source, messages, add_generation_prompt=prompt, **tokens, **self.conversation.context
            )
        except Exception:  # noqa: BLE001  (a template may fail in any way)
            return None
        return text if prompt else text.removesuffix(self.end)

    def probe(self, index: int) -> tuple[str, str] | None:
        """Return the texts before and after the answer of message `index`, if that answer is replaced by a probe."""
        messages = list(self.conversation.messages)
        messages[index] = {"role": "assistant", "content": PROBE}
        text = self.render(messages)
        if text is None or text.count(PROBE) != 1:
            return None
        before, _, after = text.partition(PROBE)
        return before, after

    def header(self, index: int) -> tuple[str, str] | None:
        """Return the text before message `index`, and the generation prompt after it."""
        messages = self.conversation.messages[:index]
        before, prompted = self.render(messages), self.render(messages, prompt=True)
        if before is None or prompted is None or not prompted.startswith(before):
            return None
        return before, prompted.removeprefix(before)

    def start(self, index: int, text: str) -> int | None:
        header, probe = self.header(index), self.probe(index)
        if header is None:
            return None
        before, prompt = header
        found = set()
        if text.startswith(before + prompt):
            found.add(len(before + prompt))
        if prompt and probe and probe[0].endswith(prompt) and text.startswith(probe[0]):
            found.add(len(probe[0]))
        return only(found)

    def stop_end(self, index: int, start: int, text: str) -> int | None:
        header, probe = self.header(index), self.probe(index)
        through = self.render(self.conversation.messages[: index + 1])
        found = set()
        # A template may print text after the last turn. Then the text does not begin with the render of the messages
        # before a turn either.
        if through and header and text.startswith(header[0]) and text.startswith(through):
            stops = list(self.stop.finditer(through, start))
            if stops and through[stops[-1].end() :].strip() == "":
                found.add(stops[-1].end())
        if probe and text.endswith(probe[1]) and len(text) - len(probe[1]) >= start:
            answer_end, stop = len(text) - len(probe[1]), self.stop.match(probe[1].lstrip())
            if stop:
                blanks = len(probe[1]) - len(probe[1].lstrip())
                found.add(answer_end + blanks + stop.end())
            elif not self.settings["stop_tokens"]:
                found.add(answer_end)
        return only(found)


def only(found: set[int]) -> int | None:
    """Return the border, or None if no border was found.

    Raises:
        ValueError: if there are several.
    """
    if len(found) > 1:
        raise ValueError(f"two ways find different borders: {sorted(found)}")
    return next(iter(found), None)


def assistant_spans(template: str, conversation: files.Conversation, text: str) -> list[Span | None]:
    """Return for each assistant message the span from the end of its header through its stop token, or None.

    Args:
        template: The name of the template.
        conversation: The conversation.
        text: The text of the conversation without a generation prompt.
    """
    borders, spans = Borders(template, conversation), []
    body = text.removesuffix(borders.end)
    for index, message in enumerate(conversation.messages):
        if message["role"] == "assistant":
            start = borders.start(index, body)
            end = None if start is None else borders.stop_end(index, start, body)
            spans.append(None if start is None or end is None else (start, end))
    return spans
