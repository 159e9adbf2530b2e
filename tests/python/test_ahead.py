"""`TokenizerAhead`: `chatmill show` loads the engine in a thread. Errors and signals are as without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from chatmill import Tokenizer, TokenizerError
from chatmill.sources.ahead import TokenizerAhead
from chatmill.sources.resolve import resolve_rows
from folders import write_byte_tokenizer
from processes import DEADLINE, start_chatmill
from samples import WriteFile, conversation

# The command, with an engine that takes two seconds to load.
SLOW = """
import time
from chatmill.sources.ahead import TokenizerAhead
def load(ahead):
    print("loading", flush=True)
    time.sleep(2)
TokenizerAhead._load_engine = load
from chatmill.cli.main import main
main()
"""


def test_the_tokenizer_is_that_of_its_folder(in_tmp_path: Path) -> None:
    write_byte_tokenizer(in_tmp_path / "bytes")
    ahead = TokenizerAhead("bytes")
    assert ahead.tokenizer().fingerprint == Tokenizer.from_pretrained("bytes").fingerprint
    assert ahead.tokenizer() is ahead.tokenizer()
    ahead.wait_for_engine()
    assert ahead.tokenizer().encode("Hi") == Tokenizer.from_pretrained("bytes").encode("Hi")


def test_the_engine_is_loaded_in_a_thread(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_byte_tokenizer(in_tmp_path / "bytes")
    used, goes_on = [], threading.Event()

    def load(ahead: TokenizerAhead) -> None:
        assert goes_on.wait(DEADLINE)
        used.append((threading.current_thread().name, ahead.tokenizer().name))

    monkeypatch.setattr(TokenizerAhead, "_load_engine", load)
    ahead = TokenizerAhead("bytes", rebuild=False)
    assert ahead.tokenizer().rules == "tokenizer.json"
    assert used == []
    goes_on.set()
    ahead.wait_for_engine()
    assert used == [("chatmill-load", "bytes")]


def test_an_error_is_raised_where_the_tokenizer_is_needed(in_tmp_path: Path) -> None:
    Path("tokenizer.json").write_text("{", "utf-8")
    ahead = TokenizerAhead("tokenizer.json")
    with pytest.raises(TokenizerError, match="is not a valid tokenizer"):
        ahead.tokenizer()
    ahead.wait_for_engine()


def test_an_id_of_the_hub_is_not_loaded_ahead(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[object] = []
    monkeypatch.setattr("chatmill._hooks.load_tokenizer", lambda source, _: sources.append(source))
    ahead = TokenizerAhead("org/model")
    ahead.wait_for_engine()
    assert sources == []
    with pytest.raises(AttributeError):  # the hook returned no definition
        ahead.tokenizer()
    assert sources == ["org/model"]


def test_the_template_comes_from_the_same_place(in_tmp_path: Path, write_file: WriteFile) -> None:
    write_byte_tokenizer(in_tmp_path / "bytes")
    Path("bytes/chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}", "utf-8")
    write_file("a.jsonl", [conversation(0)])
    found = resolve_rows("a.jsonl", TokenizerAhead("bytes"))
    assert found.template is not None
    assert (found.template.name, found.tokenizer.name) == ("bytes", "bytes")


def test_wrong_inputs_come_before_a_wrong_tokenizer(in_tmp_path: Path) -> None:
    Path("tokenizer.json").write_text("{", "utf-8")
    with start_chatmill("show", "gone.jsonl", "--tokenizer", "tokenizer.json") as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert errors.startswith("error: there is no file gone.jsonl")
    assert len(errors.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_load(sent: signal.Signals, status: int, in_tmp_path: Path, write_file: WriteFile) -> None:
    write_byte_tokenizer(in_tmp_path / "bytes")
    write_file("a.jsonl", [conversation(0)])
    command = [sys.executable, "-c", SLOW, "show", "a.jsonl", "--tokenizer", "bytes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "loading\n"
        process.send_signal(sent)
        rest, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, rest) == (status, "")
    assert errors == ("error: interrupted; no unfinished output is left\n" if sent == signal.SIGINT else "")
