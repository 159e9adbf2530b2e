"""`Conversation` and `Formatter`: conversations, each rendered with the chat template of its model."""

from chatmill.formatter.conversation import Conversation
from chatmill.formatter.formatter import Formatter
from chatmill.formatter.models import family, model_ids

__all__ = ["Conversation", "Formatter", "family", "model_ids"]
