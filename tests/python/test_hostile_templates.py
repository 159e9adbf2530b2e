"""Hostile templates end with an error, answer Ctrl-C at once, and do not take the process with them."""

from __future__ import annotations

import json
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill import ChatTemplate, DataError, Mill, TemplateError, Tokenizer
from processes import DEADLINE, seconds_until_end, start_chatmill
from samples import WriteFile, conversation

GOOD = [{"role": "user", "content": "Hi"}]
LONG = "{% for a in range(90000) %}{% for b in range(90000) %}{% set x = 'a' ~ b %}{% endfor %}{% endfor %}"
DEEP = "{% set n = namespace(l=[]) %}{% for i in range(100000) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}"
SHARED = "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (LONG, "the limit of 25 million steps"),
        (DEEP, "nested more than 200 deep"),
        (SHARED, "exceeds the limit"),
        ("{{ ('a '*1000000)|wordwrap(1, wrapstring='x'*100000) }}", "the limit of 128 MiB"),
        ("{{ [1]*90000000 }}", "256 MiB of memory"),
        ("{{ [1, [2]]|tojson(indent=10**8) }}", "the limit of 128 MiB"),
    ],
)
def test_a_limit_ends_the_render(source: str, text: str) -> None:
    with pytest.raises(TemplateError, match=text) as caught:
        ChatTemplate(source).render(GOOD)
    assert caught.value.template_line == 1
    with pytest.raises(TemplateError, match=text):
        ChatTemplate(source).regions(GOOD)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize("batch", [False, True])
def test_ctrl_c_ends_a_render(batch: bool) -> None:
    template = ChatTemplate(LONG)
    rows = pa.table({"messages": [GOOD] * 50})
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        begin = time.process_time()
        with pytest.raises(KeyboardInterrupt):
            if batch:
                template.render_batch(rows)
            else:
                template.render(GOOD)
        assert time.process_time() - begin < 1.2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_object_of_many_keys_is_read_in_linear_time() -> None:
    keys = {f"key{number}": number for number in range(200_000)}
    row = json.dumps({"messages": [{**GOOD[0], "extra": keys}]})
    template = ChatTemplate(
        "{% for k in messages[0].extra %}{% if messages[0].extra[k] < 2 %}{{ k }}{% endif %}{% endfor %}"
    )
    begin = time.process_time()
    batch = template.render_batch(pa.table({"row": [row]}), json_column="row")
    assert pa.table(batch)["text"].to_pylist() == ["key0key1"]
    assert time.process_time() - begin < 5


def test_a_source_of_any_size_is_compiled_or_refused_at_once() -> None:
    begin = time.process_time()
    with pytest.raises(TemplateError, match="the limit is 1048576"):
        ChatTemplate("".join(f"{{{{ name{number} }}}}" for number in range(600_000)))
    ChatTemplate("".join(f"{{{{ n{number} }}}}" for number in range(80_000)))
    ChatTemplate("".join(f"{{% if a{number} %}}{{% set b{number} = 1 %}}{{% endif %}}" for number in range(20_000)))
    assert time.process_time() - begin < 5


LOOP = "{% for i in range(5000) %}{{ i }}{% endfor %}"
DEFAULTS = {"steps": 25_000_000, "memory": 256 << 20, "depth": 200, "output": 128 << 20}


@pytest.mark.parametrize(
    ("limits", "source", "text"),
    [
        ({"steps": 1000}, LOOP, "the limit of 1000 steps"),
        ({"memory": 100_000}, "{{ [1] * 50000 }}", "the limit of 100000 bytes of memory"),
        ({"depth": 3}, "{% set x = [[[[1]]]] %}", "nested more than 3 deep"),
        ({"output": 1000}, LOOP, "the limit of 1000 bytes"),
    ],
)
def test_limits_are_options(limits: dict[str, int], source: str, text: str, loaded: Tokenizer) -> None:
    small = ChatTemplate(source, limits=limits)
    assert small.limits == {**DEFAULTS, **limits}
    ChatTemplate(source).render(GOOD)
    for template in (small, pickle.loads(pickle.dumps(small)), small.with_special_tokens(bos_token="<s>")):
        assert template.limits == small.limits
        with pytest.raises(TemplateError, match=text):
            template.render(GOOD)
    rows = pa.table({"messages": [GOOD]})
    of_template = Mill(loaded, small, labels="none", on_error="null")
    of_mill = Mill(loaded, ChatTemplate(source), labels="none", on_error="null", limits=limits)
    for mill in (of_template, of_mill, pickle.loads(pickle.dumps(of_mill)), Mill(loaded, small, **of_mill.options)):
        assert mill.options["limits"] == mill.template.limits == small.limits
        assert text in mill(rows).failures[0].text
    wide = Mill(loaded, small, labels="none", limits={})
    assert wide.template.limits == DEFAULTS
    assert len(wide(rows)) == 1


def test_limits_of_loaded_templates(tmp_path: Path) -> None:
    (tmp_path / "tool_use.jinja").touch()
    both = ChatTemplate("{{ 1 }}", tool_use=LOOP, limits={"steps": 1000})
    with pytest.raises(TemplateError, match="1000 steps"):
        both.render(GOOD, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
    for template in (
        ChatTemplate.named("chatml", limits={"steps": 2}),
        ChatTemplate.from_pretrained("{{ 1 }}{{ 2 }}{{ 3 }}", limits={"steps": 2}),
    ):
        with pytest.raises(TemplateError, match="2 steps"):
            template.render(GOOD)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"step": 1}, "`limits` has no `step`; did you mean `steps`"),
        ({"depth": 501}, "`limits`: `depth` is 501; use 1 to 500"),
        ({"memory": 0}, "`limits`: `memory` is 0; use at least 1"),
        ({"steps": -1}, "`limits` has -1 for `steps`"),
        ({"steps": 1.5}, "`limits` has 1.5 for `steps`"),
        ([1], "`limits` is not a dict"),
    ],
)
def test_wrong_limits(limits: Any, text: str, loaded: Tokenizer) -> None:
    for make in (
        lambda: ChatTemplate("{{ 1 }}", limits=limits),
        lambda: ChatTemplate.named("chatml", limits=limits),
        lambda: Mill(loaded, ChatTemplate("{{ 1 }}"), limits=limits),
    ):
        with pytest.raises(DataError) as caught:
            make()
        assert text in str(caught.value)


def test_limits_without_a_template(loaded: Tokenizer) -> None:
    with pytest.raises(DataError, match="`limits` belong to a chat template"):
        Mill(loaded, format="completion", limits={"steps": 1})
    mill = Mill(loaded, format="completion")
    assert mill.options["limits"] is None
    pickle.loads(pickle.dumps(mill))


def test_limits_of_the_command(tokenizer: Path, in_tmp_path: Path, write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(0)])
    Path("loop.jinja").write_text(LOOP + "{% for m in messages %}{{ m.content }}{% endfor %}")
    command = ["prepare", "a.jsonl", "--tokenizer", str(tokenizer), "--template", "loop.jinja", "--labels", "all"]
    command += ["--output", "out"]
    with start_chatmill(*command, "--limits", '{"steps": 1000}', cwd=in_tmp_path) as process:
        assert "the template exceeds the limit of 1000 steps" in process.communicate()[1]
        assert process.returncode == 1
    with start_chatmill(*command, cwd=in_tmp_path) as process:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    assert json.loads(Path("out/_manifest.json").read_text())["options"]["limits"] == DEFAULTS


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_while_a_template_runs(
    sent: int, status: int, tokenizer: Path, in_tmp_path: Path, write_file: WriteFile
) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(200)])
    Path("long.jinja").write_text(LONG)
    options = ("--tokenizer", str(tokenizer), "--template", "long.jinja", "--output", "out")
    with start_chatmill("prepare", "a.jsonl", *options, cwd=in_tmp_path) as process:
        end = time.monotonic() + DEADLINE
        while not list(in_tmp_path.glob(".chatmill-*/output")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "the run does not begin"
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(sent)
        seconds = seconds_until_end(process)
        _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == status, err
    # Mostly 0.05 s. A library that loads an engine cannot be interrupted, and takes up to 2 s; the run takes minutes.
    assert seconds < 5
    assert not Path("out").exists()
