"""`Formatter`: renders conversations, each with the template of its model."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, TemplateError
from chatmill.formatter.conversation import Conversation
from chatmill.formatter.models import exists, load, match
from chatmill.sources.load import is_jinja

Source: TypeAlias = ChatTemplate | str | os.PathLike[str]

# Arguments of `ChatTemplate.render` that `Formatter.render` does not accept, each with the remedy.
_ELSEWHERE = {
    "messages": "give it to the Conversation",
    "tools": "give it to the Conversation",
    "documents": "give it to the Conversation",
    "add_generation_prompt": "use add_assistant_prompt",
}


class Formatter:
    r"""Renders conversations, each with the template of its model.

    The text equals that of `ChatTemplate.render`. The template of a model is the first match of: a template registered
    in this formatter; the named template of this name; a folder or file of this path; for a well-known model id, the
    named template of its family (`chatmill.formatter.model_ids()`); the template that `ChatTemplate.from_pretrained`
    loads from the Hub. Each template is loaded once. A formatter is safe to share between threads, and can be pickled.

    Args:
        template: The template for conversations without a model: a `ChatTemplate`, or any value that `model` of a
            `Conversation` may have.
        templates: Templates by the name of a model, or by a pattern such as `my-org/*`. They come before all other
            templates. An exact name comes before patterns, and patterns are tried in their order.
        cache_size: The number of loaded templates to keep; the least recently used ones are dropped.

    Raises:
        DataError: An argument has the wrong type or value.

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
            raise DataError(f"`templates` has the type {type(templates).__name__}; give a dict of names and templates")
        given = dict(templates or {})
        for pattern, source in given.items():
            if not isinstance(pattern, str):
                raise DataError(f"`templates` has a key of the type {type(pattern).__name__}; give names as strings")
            _check_source(f"templates[{pattern!r}]", source)
        if template is not None:
            _check_source("template", template)
        if not isinstance(cache_size, int) or isinstance(cache_size, bool) or cache_size < 1:
            raise DataError(f"`cache_size` is {cache_size!r}; use a whole number of at least 1")
        self._template, self._templates, self._cache_size = template, given, cache_size
        # Safe in threads: two threads may load the same template at the same time, but each gets a complete one.
        self._load = lru_cache(maxsize=cache_size)(load)

    def render(self, conversation: Conversation, *, add_assistant_prompt: bool = False, **variables: Any) -> str:
        r"""Render a conversation.

        Args:
            conversation: The messages and their model.
            add_assistant_prompt: Whether to end the text with the generation prompt, for the next assistant turn.
            variables: Template variables, and the arguments `now` and `continue_final_message` of
                `ChatTemplate.render`.

        Returns:
            The text of `ChatTemplate.render`.

        Raises:
            DataError: There is neither a model nor a template, or messages or arguments have the wrong type.
            TemplateError: There is no template for the model, or the template rejects the conversation.

        Example:
            >>> conversation = chatmill.Conversation([{"role": "user", "content": "Hi"}], model="Qwen/Qwen3-8B")
            >>> chatmill.Formatter().render(conversation, add_assistant_prompt=True, enable_thinking=False)
            '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n'
        """
        for name, instead in _ELSEWHERE.items():
            if name in variables:
                raise DataError(f"a formatter has no argument `{name}`; {instead}")
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
        r"""Render conversations, which may have different models.

        Args:
            conversations: The conversations.
            add_assistant_prompt: As for `render`.
            variables: As for `render`, the same for all.

        Returns:
            The texts, in the same order.

        Raises:
            DataError: As for `render`; the error names the conversation, from 0.
            TemplateError: As for `render`; the error names the conversation, from 0.

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
        """Return the template of a conversation.

        Args:
            conversation: The conversation. Without a model, the formatter's own template is returned.

        Raises:
            DataError: There is neither a model nor a template.
            TemplateError: There is no template for the model, or it does not compile; the error lists the places that
                were tried.

        Example:
            >>> hi = [{"role": "user", "content": "Hi"}]
            >>> chatmill.Formatter().template_of(chatmill.Conversation(hi, model="Qwen/Qwen3-8B")).name
            'qwen3'
        """
        if not isinstance(conversation, Conversation):
            raise DataError(
                f"the conversation has the type {type(conversation).__name__}; make a Conversation with "
                "`chatmill.Conversation(messages, model=…)`"
            )
        source = self._template if conversation.model is None else conversation.model
        if source is None:
            raise DataError(
                "there is neither a model nor a template; give a model to the Conversation (`model=…`), or a template "
                "to the Formatter"
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
            # An error with a code comes from the core, so there is a template, but it does not compile.
            if hasattr(error, "code") or exists(found) or is_jinja(found):
                raise
            raise self._unknown(found, error) from error

    def _unknown(self, model: str | os.PathLike[str], error: TemplateError) -> TemplateError:
        name = os.fspath(model)
        registered = ", ".join(self._templates) or "none"
        return TemplateError(
            f"there is no template for the model {name!r}: it is not registered in this formatter ({registered}), not "
            "a name of `ChatTemplate.names()`, not an id of `chatmill.formatter.model_ids()`, and not a place that can "
            f"be loaded ({error}); register a template with `Formatter(templates={{{name!r}: …}})`"
        )

    def __repr__(self) -> str:
        own = self._template.name if isinstance(self._template, ChatTemplate) else self._template
        return f"Formatter({own!r}, templates={list(self._templates)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The cache is not pickled; templates are loaded again.
        return _again, (self._template, self._templates, self._cache_size)


@contextmanager
def _placed(index: int) -> Iterator[None]:
    """Add the index of the conversation to errors."""
    try:
        yield
    except ChatmillError as error:
        # The same object is raised again, because it holds the code, the message and the line.
        error.args = (f"conversation {index}: {error}",)
        raise


def _again(template: Source | None, templates: Mapping[str, Source], cache_size: int) -> Formatter:
    return Formatter(template, templates=templates, cache_size=cache_size)


def _check_source(name: str, source: Any) -> None:
    if not isinstance(source, (ChatTemplate, str, os.PathLike)):
        raise DataError(
            f"`{name}` has the type {type(source).__name__}; give a ChatTemplate, the name of a template, a model id "
            "or a path"
        )
