"""`--tokenizer-json`, the option that takes tokenizer.json as it is, in each command that loads a tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill.cli.main import app
from chatmill.sources.with_tokens import saved_tokenizer
from click.testing import CliRunner
from samples import write_rows

ROWS = [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}]
TEMPLATE = "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ eos_token }}{% endfor %}"


@pytest.fixture
def run(in_tmp_path: Path) -> Any:
    """Run a command beside rows and a folder `model`, whose class in transformers names an EOS token itself."""
    Path("model").mkdir()
    for name, content in saved_tokenizer(byte_tokenizer(prefix=True)).items():
        Path("model", name).write_bytes(content)
    Path("model/tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}', "utf-8")
    write_rows(Path("rows.jsonl"), ROWS)
    Path("template.jinja").write_text(TEMPLATE, "utf-8")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def manifest(folder: str) -> Any:
    return json.loads(next(Path(folder).glob("*manifest.json")).read_text("utf-8"))


def test_a_config(run: Any) -> None:
    Path("config.yaml").write_text(
        "base_model: model\nchat_template: chatml\ndatasets: [{path: rows.jsonl, type: chat_template}]\n", "utf-8"
    )
    options = ("--labels", "all", "--no-progress")
    assert run("prepare", "config.yaml", "--output", "a", *options).exit_code == 0
    assert run("prepare", "config.yaml", "--output", "b", "--tokenizer-json", *options).exit_code == 0
    assert [manifest(name)["tokenizer"]["rules"] for name in "ab"] == ["GPT2Tokenizer", "tokenizer.json"]
    assert [manifest(name)["options"]["rebuild"] for name in "ab"] == [True, False]


def test_a_comparison_with_an_output(run: Any) -> None:
    common = ("rows.jsonl", "--tokenizer", "model", "--template", "{% for m in messages %}{{ m.content }}{% endfor %}")
    done = run("prepare", *common, "--output", "out", "--labels", "all", "--tokenizer-json", "--no-progress")
    assert done.exit_code == 0, done.output
    # Without the option, the tokenizer is read as for the output.
    assert run("diff", *common, "--against", "out").exit_code == 0
    assert run("diff", *common, "--against", "out", "--tokenizer-json").exit_code == 0
    both = ("--labels", "all", "--labels", "none", "--tokenizer-json")
    assert run("diff", *common, *both).exit_code == 1


def test_lint(run: Any) -> None:
    given = ("lint", "template.jinja", "--tokenizer", "model", "--json")
    # The class adds an EOS token; the file has none.
    found = [run(*given, *more) for more in ((), ("--tokenizer-json",))]
    assert all(done.exit_code in (0, 1) for done in found)
    assert found[0].stdout != found[1].stdout
