"""`TokenizerAhead`: a tokenizer that a thread loads while the main thread imports libraries and reads rows."""

import os
from contextlib import suppress
from threading import Event, Thread

from chatmill._chatmill import Tokenizer

# The hook of the core imports it. Two threads that import at the same time wait for each other at every file.
from chatmill.sources import load as _load  # noqa: F401


class TokenizerAhead:
    """A tokenizer that is loaded ahead of its use, with the engine for a few texts.

    The core loads without the GIL, so this takes little time from the main thread. Only a tokenizer on disk is loaded
    ahead: an id of the Hub may need a download, which nobody should wait for if the inputs are wrong.

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
        self._loaded = Event()
        # It is no daemon: Python aborts if it ends while a daemon returns from the core. A load takes half a second.
        self._thread = Thread(target=self._run, name="chatmill-load")
        if os.path.exists(source):  # noqa: PTH110  # `Path.exists` raises if a text is too long for a name
            self._thread.start()
        else:
            self._loaded.set()

    def tokenizer(self) -> Tokenizer:
        """Wait for the tokenizer, and return it. Its engine may not be loaded yet.

        Raises:
            TokenizerError: It cannot be loaded.
        """
        self._loaded.wait()
        if self._tokenizer is None:
            self._tokenizer = Tokenizer.from_pretrained(self.source, rebuild=self._rebuild)
        return self._tokenizer

    def wait_for_engine(self) -> None:
        """Wait for the engine, because a use of the tokenizer at the same time would load it twice."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        # An error is not passed on: the main thread loads again, and gets it where it needs the tokenizer.
        with suppress(Exception):
            try:
                self._tokenizer = Tokenizer.from_pretrained(self.source, rebuild=self._rebuild)
            finally:
                self._loaded.set()
            self._tokenizer.encode("")
