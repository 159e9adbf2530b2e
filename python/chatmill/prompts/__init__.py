"""Prompts with placeholders of their own, which are filled with texts and with descriptions of tools."""

from chatmill.prompts.prompt import Prompt

__all__ = ["Prompt"]
