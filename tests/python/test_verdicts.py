"""The verdict of the self-test is kept, passed on and ignored if it is damaged; it never changes ids."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from chatmill import Tokenizer
from folders import write_byte_tokenizer

TEXTS = ["Hello, world!", "  你好 👋\n", "<s></s> <|im_end|>x", "don't 1234"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tokenizer for which a fast engine passes the self-test."""
    write_byte_tokenizer(tmp_path / "bytes")
    return tmp_path / "bytes"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("CHATMILL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def verdicts(cache: Path) -> list[Path]:
    """The files of a cache folder."""
    return sorted(cache.glob("engines/*"))


def encoded(tokenizer: Tokenizer) -> list[list[int]]:
    return [tokenizer.encode(text) for text in TEXTS]


def test_the_second_load_uses_the_verdict_of_the_first(folder: Path, cache: Path) -> None:
    first = Tokenizer.from_pretrained(folder)
    (file,) = verdicts(cache)
    before = file.stat().st_mtime_ns
    second = Tokenizer.from_pretrained(folder)
    assert [it.stat().st_mtime_ns for it in verdicts(cache)] == [before]
    assert repr(second.engine) == repr(first.engine)
    assert encoded(second) == encoded(first) == encoded(Tokenizer.from_pretrained(folder, engine="reference"))
    assert second.decode(second.encode(TEXTS[0])) == first.decode(first.encode(TEXTS[0]))
    assert second.token_to_id("a") == first.token_to_id("a") is not None


def test_the_verdict_itself_is_used(folder: Path, cache: Path) -> None:
    """A stored reason is shown again, so the self-test did not run."""
    assert Tokenizer.from_pretrained(folder).engine.name == "fast"
    (file,) = verdicts(cache)
    hash_of_content, content = file.read_text().split("\n", 1)
    changed = content.replace("on the self-test", "as was noted")
    assert changed != content
    file.write_text(f"{hash_of_content}\n{changed}")
    assert "self-test" in Tokenizer.from_pretrained(folder).engine.reason, "the hash is wrong, so the file is ignored"
    file.write_text(f"{sha256(changed.encode()).hexdigest()}\n{changed}")
    assert "as was noted" in Tokenizer.from_pretrained(folder).engine.reason


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"\xff\xfe", b"x" * (2 << 20)])
def test_a_damaged_file_is_ignored_and_replaced(content: bytes, folder: Path, cache: Path) -> None:
    expected = encoded(Tokenizer.from_pretrained(folder))
    (file,) = verdicts(cache)
    whole = file.read_bytes()
    file.write_bytes(content)
    assert encoded(Tokenizer.from_pretrained(folder)) == expected
    assert file.read_bytes() == whole


def test_the_verdict_of_another_tokenizer_is_ignored(folder: Path, tokenizer: Path, cache: Path) -> None:
    Tokenizer.from_pretrained(folder)
    (own,) = verdicts(cache)
    Tokenizer.from_pretrained(tokenizer)
    (other,) = set(verdicts(cache)) - {own}
    whole = own.read_bytes()
    own.write_bytes(other.read_bytes())
    assert encoded(Tokenizer.from_pretrained(folder)) == encoded(Tokenizer.from_pretrained(folder, engine="reference"))
    assert own.read_bytes() == whole


@pytest.mark.parametrize("value", ["off", ""])
def test_the_cache_can_be_switched_off(
    value: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CHATMILL_CACHE", value)
    Tokenizer.from_pretrained(folder)
    assert not (tmp_path / "user").exists()
    monkeypatch.delenv("CHATMILL_CACHE")
    Tokenizer.from_pretrained(folder)
    assert verdicts(tmp_path / "user" / "chatmill") or os.name != "posix"


def test_a_folder_that_cannot_be_written_is_no_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHATMILL_CACHE", str(tmp_path / "file" / "cache"))
    assert encoded(Tokenizer.from_pretrained(folder)) == encoded(Tokenizer.from_pretrained(folder))


def test_pickling_passes_the_verdict_on(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = Tokenizer.from_pretrained(folder)
    for file in verdicts(cache):
        file.unlink()
    again = pickle.loads(pickle.dumps(tokenizer))
    assert verdicts(cache) == [], "a self-test would have written its verdict"
    assert encoded(again) == encoded(tokenizer)
    (definition,), options = again.__getnewargs_ex__()
    verdict = options["verdict"]
    assert encoded(Tokenizer(definition, verdict=verdict)) == encoded(tokenizer)
    assert verdicts(cache) == []
    Tokenizer(f"{definition} ", verdict=verdict)
    assert len(verdicts(cache)) == 1, "a verdict about another definition is ignored"


def load(folder: str) -> list[list[int]]:
    """Run in another process."""
    return encoded(Tokenizer.from_pretrained(folder))


def test_processes_and_threads_may_load_at_once(folder: Path, cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        results = pool.map(load, [str(folder)] * 6)
    with ThreadPoolExecutor(4) as threads:
        results += threads.map(load, [str(folder)] * 8)
    expected = encoded(Tokenizer.from_pretrained(folder, engine="reference"))
    assert results == [expected] * len(results)
    assert len(verdicts(cache)) == 1
