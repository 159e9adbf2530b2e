"""The border to Python: a faulty producer, a used capsule or a strange object raises a Python error, not a panic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill import ChatTemplate, DataError, Mill
from format_rows import TOKENIZER
from processes import run_python

MILL = Mill(TOKENIZER, ChatTemplate.named("chatml"))
MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
ROWS = pa.table({"messages": [MESSAGES] * 3})


class Once:
    """A producer that returns the same capsules each time."""

    def __init__(self, **capsules: Any) -> None:
        for name, capsule in capsules.items():
            setattr(self, name, lambda *_, capsule=capsule: capsule)


def entries() -> dict[str, Any]:
    """Every function that accepts Arrow data."""
    return {
        "mill": MILL,
        "render": lambda data: MILL.template.render_batch(data) if MILL.template else None,
    }


ENTRIES = entries()


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_spent_array_capsule(entry: str) -> None:
    producer = Once(__arrow_c_array__=ROWS.to_batches()[0].__arrow_c_array__())
    assert len(ENTRIES[entry](producer)) == 3
    with pytest.raises(DataError, match="the Arrow capsule was already read"):
        ENTRIES[entry](producer)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_spent_stream_capsule(entry: str) -> None:
    producer = Once(__arrow_c_stream__=ROWS.__arrow_c_stream__())
    assert len(ENTRIES[entry](producer)) == 3
    with pytest.raises(DataError, match="cannot be read"):
        ENTRIES[entry](producer)


def test_a_spent_schema() -> None:
    batch = ROWS.to_batches()[0]
    schema, first = batch.__arrow_c_array__()
    assert len(MILL(Once(__arrow_c_array__=(schema, first)))) == 3
    _, second = batch.__arrow_c_array__()
    with pytest.raises(DataError, match="the Arrow capsule was already read"):
        MILL(Once(__arrow_c_array__=(schema, second)))


@pytest.mark.parametrize(
    "capsules",
    [
        {"__arrow_c_stream__": None},
        {"__arrow_c_stream__": ROWS.schema.__arrow_c_schema__()},
        {"__arrow_c_array__": ()},
        {"__arrow_c_array__": (1, 2)},
        {"__arrow_c_array__": ROWS.schema.__arrow_c_schema__()},
        {"__arrow_c_array__": ROWS.to_batches()[0].__arrow_c_array__()[::-1]},
    ],
)
def test_capsules_of_another_kind(capsules: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="capsule"):
        MILL(Once(**capsules))


def interrupted_reader(error: BaseException) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from ROWS.to_batches()
        raise error

    return pa.RecordBatchReader.from_batches(ROWS.schema, batches())


@pytest.mark.parametrize("error", [ValueError("the disk is gone"), MemoryError("the disk is gone")])
def test_a_producer_that_raises_after_some_rows(error: BaseException) -> None:
    with pytest.raises(DataError, match="the disk is gone"):
        MILL(interrupted_reader(error))


def test_a_producer_that_is_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        MILL(interrupted_reader(KeyboardInterrupt()))


def test_a_producer_that_raises_at_once() -> None:
    class Broken:
        def __arrow_c_stream__(self, schema: Any = None) -> Any:
            raise ZeroDivisionError("no stream today")

    with pytest.raises(ZeroDivisionError, match="no stream today"):
        MILL(Broken())


PRODUCER_ON_ANOTHER_THREAD = """
import threading
import pyarrow as pa
import pyarrow.dataset
from chatmill import ChatTemplate, Mill, Tokenizer

def batches():
    threads.add(threading.get_ident())
    for _ in range(4):
        yield rows

threads = set()
rows = pa.record_batch({"messages": [[{"role": "user", "content": "Hi"}]] * 3})
reader = pyarrow.dataset.Scanner.from_batches(batches(), schema=rows.schema).to_reader()
with open(DEFINITION, encoding="utf-8") as file:
    mill = Mill(Tokenizer(file.read()), ChatTemplate.named("chatml"))
print(len(mill(reader)), threading.get_ident() in threads)
"""


def test_streams_are_read_without_the_gil() -> None:
    """The Python code of this producer runs on a thread of Arrow, for which the caller waits."""
    definition = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
    assert run_python(f"DEFINITION = {str(definition)!r}\n{PRODUCER_ON_ANOTHER_THREAD}") == "12 False\n"


class Reader(Mapping[str, Any]):
    """An empty mapping that calls a function when it is read."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read

    def keys(self) -> Any:
        self.read()
        return {}.keys()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def message_with(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return a message with a value that passes the message to `change` when it is read."""
    message: dict[str, Any] = {"role": "user"}
    message.update(extra=Reader(lambda: change(message)), content="Hi")
    return message


def grow(message: dict[str, Any]) -> None:
    message.update((f"key {index}", index) for index in range(1000))


@pytest.mark.parametrize("change", [grow, dict.clear])
def test_a_dict_that_changes_while_it_is_read(change: Callable[[dict[str, Any]], object]) -> None:
    """The dict is read as it was before the change."""
    expected = MILL.encode([{"role": "user", "content": "Hi"}])
    assert MILL.encode([message_with(change)]).text == expected.text


def test_an_object_that_cannot_be_read() -> None:
    with pytest.raises(ZeroDivisionError):
        MILL.encode([message_with(lambda _: 1 / 0)])


def test_a_list_that_shrinks_while_it_is_read() -> None:
    """The message that is being read stays; those behind it are gone."""
    messages: list[Any] = [dict(it) for it in MESSAGES]
    messages[0]["extra"] = Reader(messages.clear)
    assert MILL.encode(messages).text == MILL.encode(MESSAGES[:1]).text


def test_values_that_are_too_deep() -> None:
    value: Any = "end"
    for _ in range(300):
        value = [value]
    with pytest.raises(DataError, match="200 levels deep"):
        MILL.encode([{"role": "user", "content": value}])


def test_a_lone_surrogate() -> None:
    with pytest.raises(DataError, match="lone surrogate"):
        MILL.encode([{"role": "user", "content": "\ud800"}])


def test_rows_that_are_not_arrow() -> None:
    with pytest.raises(DataError, match="row 0 has the type list, but rows are dicts"):
        MILL([MESSAGES])
    with pytest.raises(DataError, match="the batch has null rows; remove them first"):
        MILL(Once(__arrow_c_array__=pa.array([None, {"messages": MESSAGES}]).__arrow_c_array__()))
