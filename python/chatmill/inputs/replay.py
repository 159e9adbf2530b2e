"""`Replay`: what can be read only once, such as standard input, with its beginning kept for a second reading."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from chatmill._chatmill import DataError

T = TypeVar("T")

#: The format of rows is detected from the first rows, so they are read twice.
KEPT_BYTES = 16 << 20


class Replay(Generic[T]):
    """Items of an iterator. Each iteration begins at the first item, as long as the items read so far are kept.

    Args:
        items: The items, which can be read once.
        size_of: A function that returns the number of bytes of an item.
        name: The name of the input, for errors.
        kept_bytes: Once more bytes were read, none are kept, and a further iteration from the first item is an error.

    Example:
        >>> replay = Replay(iter(["a", "b", "c"]), len, "letters", kept_bytes=2)
        >>> next(iter(replay)), list(replay)
        ('a', ['a', 'b', 'c'])
    """

    def __init__(
        self, items: Iterator[T], size_of: Callable[[T], int], name: str, *, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._items, self._size_of, self._name, self._most = items, size_of, name, kept_bytes
        self._kept: list[T] | None = []
        self._taken = self._bytes = 0

    def __iter__(self) -> Iterator[T]:
        at = 0
        while True:
            if at < self._taken:
                if self._kept is None:
                    raise DataError(
                        f"{self._name} can be read only once, and more than {self._most:,} bytes of it were read; "
                        "write it to a file"
                    )
                item = self._kept[at]
            else:
                try:
                    item = next(self._items)
                except StopIteration:
                    return
                self._keep(item)
            at += 1
            yield item

    def _keep(self, item: T) -> None:
        self._taken += 1
        if self._kept is None:
            return
        self._kept.append(item)
        self._bytes += self._size_of(item)
        if self._bytes > self._most:
            self._kept = None
