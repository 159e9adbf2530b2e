"""`Channel`: a bounded queue that passes items from one thread to another, and errors in both directions."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# On some systems Ctrl-C cannot interrupt a wait that has no time limit.
_WAIT_SECONDS = 0.2


class StoppedError(Exception):
    """The work was stopped elsewhere. Both ends of a channel raise this error."""


class Channel(Generic[T]):
    """A bounded queue between two threads. If one end fails, the other end raises the same error.

    Args:
        capacity: The maximum number of waiting items. With 0, `put` returns when the item was taken.

    Example:
        >>> numbers = Channel[int](2)
        >>> thread = numbers.feed(range(5), name="numbers")
        >>> sum(numbers)
        10
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Add an item; wait while the channel is full.

        Args:
            item: The item.
        """
        with self._changed:
            self._wait(lambda: len(self._items) < max(1, self._capacity))
            self._items.append(item)
            self._changed.notify_all()
            if not self._capacity:
                self._wait(lambda: not self._items)

    def close(self) -> None:
        """Close the channel: the receiver gets the waiting items, and then the end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Make both ends raise an error at once, unless the channel has failed before. Waiting items are dropped.

        Args:
            error: The error.
        """
        with self._changed:
            self._error = self._error or error
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._wait(lambda: bool(self._items) or self._is_closed)
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item

    def feed(self, items: Iterable[T], *, name: str) -> threading.Thread:
        """Start a thread that puts all items and closes the channel. If it fails, the other end raises its error.

        Args:
            items: The items; the thread iterates over them.
            name: The name of the thread.
        """

        def run() -> None:
            for item in items:
                self.put(item)
            self.close()

        return self._start(run, name)

    def drain(self, take: Callable[[T], None], *, name: str) -> threading.Thread:
        """Start a thread that calls a function with each item. If it fails, the other end raises its error.

        Args:
            take: The function; the thread calls it.
            name: The name of the thread.
        """

        def run() -> None:
            for item in self:
                take(item)

        return self._start(run, name)

    def relay(self, take: Callable[[T], None], to: "Channel[T]", *, name: str) -> threading.Thread:
        """Start a thread that calls a function with each item and passes it on. All ends raise the error of one.

        Args:
            take: The function; the thread calls it.
            to: The channel that gets the items.
            name: The name of the thread.
        """

        def run() -> None:
            try:
                for item in self:
                    take(item)
                    to.put(item)
                to.close()
            except BaseException as error:
                to.fail(error)
                raise

        return self._start(run, name)

    def _start(self, run: Callable[[], None], name: str) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except BaseException as error:  # noqa: BLE001  # the other end raises it again
                self.fail(error)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def check(self) -> None:
        """Raise the error of the other end, if it failed."""
        with self._changed:
            if self._error is not None:
                raise self._error

    def _wait(self, ready: Callable[[], bool]) -> None:
        while self._error is None and not ready():
            self._changed.wait(_WAIT_SECONDS)
        if self._error is not None:
            raise self._error
