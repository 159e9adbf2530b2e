"""`Formatter`: conversations to texts, each by the template of its model."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, TemplateError
from chatmill.formatter.conversation import Conversation
from chatmill.formatter.models import exists, load, match
from chatmill.sources import is_jinja

Source: TypeAlias = ChatTemplate | str | os.PathLike[str]

# Arguments of `ChatTemplate.render` that are no variables here, and where they are given instead.
_ELSEWHERE = {
    "messages": "give it to the Conversation",
    "tools": "give it to the Conversation",
    "documents": "give it to the Conversation",
    "add_generation_prompt": "it is called add_assistant_prompt",
}


class Formatter:
    r"""Turns conversations into texts, each by the template of its model.

    The text is that of `ChatTemplate.render`. A model's template is the first of these: one registered here; the named
    template of this name; a folder or file of this path; for a well-known model id, the named template of its family
    (`chatmill.formatter.model_ids()`); what `ChatTemplate.from_pretrained` loads from the Hub. Templates are loaded
    once. A formatter is safe to share between threads, and pickles.

    Args:
        template: The template for conversations without a model: loaded, or whatever a model may be.
        templates: Templates by the name of a model, or by a pattern such as `my-org/*`; a name comes before patterns,
            and patterns are tried in their order. They win over all others.
        cache_size: How many loaded templates are kept; those that were not used for longest are dropped.

    Raises:
        DataError: An argument has not the form that it must have.

    Example:
        >>> messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
        >>> conversation = chatmill.Conversation(messages, model="HuggingFaceH4/zephyr-7b-beta")
        >>> chatmill.Formatter().render(conversation, add_assistant_prompt=True)
        '<|user|>\nHi</s>\n<|assistant|>\nHello</s>\n<|assistant|>\n'
        >>> formatter = chatmill.Formatter("chatml", templates={"my-org/*": "{{ messages[0].content }}!"})
        >>> formatter.render(chatmill.Conversation(messages, model="my-org/small"))
        'Hi!'
        >>> formatter.render(chatmill.Conversation(messages[:1]))
        '<|im_start|>user\nHi<|im_end|>\n'
    """

    def __init__(
        self, template: Source | None = None, *, templates: Mapping[str, Source] | None = None, cache_size: int = 32
    ) -> None:
        if templates is not None and not isinstance(templates, Mapping):
            raise DataError(f"templates must be a dict of names and templates, not {type(templates).__name__}")
        given = dict(templates or {})
        for pattern, source in given.items():
            if not isinstance(pattern, str):
                raise DataError(f"templates: a name must be a string, not {type(pattern).__name__}")
            _check_source(f"templates[{pattern!r}]", source)
        if template is not None:
            _check_source("template", template)
        if not isinstance(cache_size, int) or isinstance(cache_size, bool) or cache_size < 1:
            raise DataError(f"cache_size must be a whole number from 1, not {cache_size!r}")
        self._template, self._templates, self._cache_size = template, given, cache_size
        # Safe in threads: two may load the same template at the same time, but both get a whole one.
        self._load = lru_cache(maxsize=cache_size)(load)

    def render(self, conversation: Conversation, *, add_assistant_prompt: bool = False, **variables: Any) -> str:
        r"""The text of a conversation, as `ChatTemplate.render` gives it.

        Args:
            conversation: The messages and their model.
            add_assistant_prompt: Whether the text shall end in the prompt for the next assistant turn.
            variables: Others for the template, and `now` and `continue_final_message` of `ChatTemplate.render`.

        Returns:
            The text.

        Raises:
            DataError: There is neither a model nor a template, or messages or arguments have not the right form.
            TemplateError: There is no template for the model, or the template refuses the conversation.

        Example:
            >>> conversation = chatmill.Conversation([{"role": "user", "content": "Hi"}], model="Qwen/Qwen3-8B")
            >>> chatmill.Formatter().render(conversation, add_assistant_prompt=True, enable_thinking=False)
            '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n'
        """
        for name, instead in _ELSEWHERE.items():
            if name in variables:
                raise DataError(f"{name} is no argument of a formatter: {instead}")
        return self.template_of(conversation).render(
            conversation.messages,
            tools=conversation.tools,
            documents=conversation.documents,
            add_generation_prompt=add_assistant_prompt,
            **variables,
        )

    def render_all(
        self, conversations: Iterable[Conversation], *, add_assistant_prompt: bool = False, **variables: Any
    ) -> list[str]:
        r"""The texts of conversations, which may have different models.

        Args:
            conversations: The conversations.
            add_assistant_prompt: As for `render`.
            variables: As for `render`, the same for all.

        Returns:
            The texts, in the same order.

        Raises:
            DataError: As for `render`; the text says which conversation, from 0.
            TemplateError: The same.

        Example:
            >>> hi = [{"role": "user", "content": "Hi"}]
            >>> chatmill.Formatter().render_all(chatmill.Conversation(hi, model=name) for name in ("chatml", "zephyr"))
            ['<|im_start|>user\nHi<|im_end|>\n', '<|user|>\nHi</s>\n']
        """
        texts: list[str] = []
        for conversation in conversations:
            with _placed(len(texts)):
                texts.append(self.render(conversation, add_assistant_prompt=add_assistant_prompt, **variables))
        return texts

    def template_of(self, conversation: Conversation) -> ChatTemplate:
        """The template that a conversation is rendered by.

        Args:
            conversation: Its model decides; without one it is the formatter's own template.

        Raises:
            DataError: There is neither a model nor a template.
            TemplateError: There is no template for the model, or it does not compile; the text says what was tried.

        Example:
            >>> hi = [{"role": "user", "content": "Hi"}]
            >>> chatmill.Formatter().template_of(chatmill.Conversation(hi, model="Qwen/Qwen3-8B")).name
            'qwen3'
        """
        if not isinstance(conversation, Conversation):
            raise DataError(
                f"a formatter takes a Conversation, not {type(conversation).__name__}: make one with "
                "`chatmill.Conversation(messages, model=…)`"
            )
        source = self._template if conversation.model is None else conversation.model
        if source is None:
            raise DataError(
                "no model and no template: give the one to the Conversation (`model=…`), or the other to the Formatter"
            )
        if isinstance(source, ChatTemplate):
            return source
        registered = match(os.fspath(source), self._templates)
        if isinstance(registered, ChatTemplate):
            return registered
        found = source if registered is None else registered
        try:
            return self._load(found if isinstance(found, str) else Path(found))
        except TemplateError as error:
            # Errors of the core have a code: there is a template, and it does not compile.
            if hasattr(error, "code") or exists(found) or is_jinja(found):
                raise
            raise self._unknown(found, error) from error

    def _unknown(self, model: str | os.PathLike[str], error: TemplateError) -> TemplateError:
        name = os.fspath(model)
        registered = ", ".join(self._templates) or "none"
        return TemplateError(
            f"no template for the model {name!r}: it is not registered in this formatter ({registered}), no named "
            "template (`ChatTemplate.names()`) and no model id that chatmill knows "
            f"(`chatmill.formatter.model_ids()`), and as a place: {error}. To register one: "
            f"`Formatter(templates={{{name!r}: …}})`"
        )

    def __repr__(self) -> str:
        own = self._template.name if isinstance(self._template, ChatTemplate) else self._template
        return f"Formatter({own!r}, templates={list(self._templates)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The cache does not go along: what was loaded is loaded again.
        return _again, (self._template, self._templates, self._cache_size)


@contextmanager
def _placed(index: int) -> Iterator[None]:
    """Say of errors which conversation they belong to."""
    try:
        yield
    except ChatmillError as error:
        # The same object, as it carries code, message and line.
        error.args = (f"conversation {index}: {error}",)
        raise


def _again(template: Source | None, templates: Mapping[str, Source], cache_size: int) -> Formatter:
    return Formatter(template, templates=templates, cache_size=cache_size)


def _check_source(name: str, source: Any) -> None:
    if not isinstance(source, (ChatTemplate, str, os.PathLike)):
        raise DataError(
            f"{name} must be a ChatTemplate, the name of one, a model id or a path, not {type(source).__name__}"
        )
