"""Conversations that know their model, and a formatter that finds the template of each."""

from chatmill.formatter.conversation import Conversation
from chatmill.formatter.formatter import Formatter
from chatmill.formatter.models import family, model_ids

__all__ = ["Conversation", "Formatter", "family", "model_ids"]
