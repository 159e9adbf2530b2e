"""`TokenizerAhead`: a tokenizer whose engine a thread loads while the command imports libraries and reads rows."""

import os
from contextlib import suppress
from threading import Thread

from chatmill._chatmill import ChatmillError, Tokenizer


class TokenizerAhead:
    """A tokenizer that is loaded before it is needed, with the engine for a few texts.

    The engine takes most of the time. A thread loads it, and the core does that without the GIL. The rest is not in the
    thread, because it needs the GIL: beside imports it took 0.28 s in place of 0.15 s.

    Only a tokenizer on disk is loaded ahead. An id of the Hub may need a download, which nobody should wait for if the
    inputs are wrong.

    Args:
        source: As for `Tokenizer.from_pretrained`.
        rebuild: As for `Tokenizer.from_pretrained`.

    Example:
        >>> ahead = TokenizerAhead("models/qwen3")  # doctest: +SKIP
        >>> ahead.tokenizer().encode("Hi")  # doctest: +SKIP
        [13048]
    """

    def __init__(self, source: str, *, rebuild: bool = True) -> None:
        self.source = source
        self._rebuild = rebuild
        self._tokenizer: Tokenizer | None = None
        # It is no daemon: Python may abort if it ends while a daemon is in the core.
        self._thread = Thread(target=self._load_engine, name="chatmill-load")
        if os.path.exists(source):  # noqa: PTH110  # `Path.exists` raises if a text is too long for a name
            # An error is raised where the tokenizer is needed, by loading it again.
            with suppress(ChatmillError):
                self._tokenizer = Tokenizer.from_pretrained(source, rebuild=rebuild)
                self._thread.start()

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer. Its engine may not be loaded yet.

        Raises:
            TokenizerError: It cannot be loaded.
        """
        if self._tokenizer is None:
            self._tokenizer = Tokenizer.from_pretrained(self.source, rebuild=self._rebuild)
        return self._tokenizer

    def wait_for_engine(self) -> None:
        """Wait for the engine, because a text that is encoded before would load it a second time."""
        if self._thread.is_alive():
            self._thread.join()

    def _load_engine(self) -> None:
        # If it fails, the row has the same error.
        with suppress(ChatmillError):
            self.tokenizer().encode("")
