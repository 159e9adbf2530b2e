"""What a command imports: only what it needs, because the imports of large libraries take longer than its work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from processes import DEADLINE, run_python

ROOT = Path(__file__).parents[2]
ROWS = str(ROOT / "examples" / "conversations.jsonl")
SHOW = ("show", ROWS, "--tokenizer", str(ROOT / "tests" / "data" / "byte_tokenizer.json"), "--template", "chatml")

# Each takes 0.02 s or more. numpy comes with pyarrow.
LARGE = {
    *("asyncio", "datasets", "fsspec", "huggingface_hub", "jinja2", "pandas", "pyarrow", "pyarrow.compute"),
    *(
        "pyarrow.csv",
        "pyarrow.dataset",
        "pyarrow.parquet",
        "pydantic",
        "rich",
        "tokenizers",
        "transformers",
        "typer",
        "yaml",
    ),
    *("chatmill.arrange", "chatmill.config", "chatmill.outputs", "chatmill.pipeline.run", "chatmill.lint.run"),
}
RUN = """
import json, sys
from chatmill.cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def large_modules_of(*arguments: str) -> set[str]:
    """The large modules that a command imports."""
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return LARGE & set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_chatmill_imports_no_large_module() -> None:
    loaded = run_python("import json, sys, chatmill; print(json.dumps(sorted(sys.modules)))")
    assert "chatmill" in loaded
    assert LARGE & set(json.loads(loaded)) == set()


def test_loading_a_tokenizer_and_a_template_imports_no_large_module() -> None:
    load = (
        f"chatmill.Tokenizer.from_pretrained({SHOW[3]!r}), chatmill.ChatTemplate.from_pretrained('{{{{ messages }}}}')"
    )
    loaded = run_python(f"import json, sys, chatmill; {load}; print(json.dumps(sorted(sys.modules)))")
    assert "chatmill.sources.load" in loaded
    assert LARGE & set(json.loads(loaded)) == set()


@pytest.mark.parametrize("arguments", [("--version",), ("show", "--help"), ("prepare", "--help"), ("templates",)])
def test_a_command_without_rows_imports_no_large_module(arguments: tuple[str, ...]) -> None:
    assert large_modules_of(*arguments) == set()


def test_show_imports_what_reads_lines_and_prints() -> None:
    assert large_modules_of(*SHOW) == {"pyarrow", "rich"}


def test_show_imports_more_if_the_options_need_it(tmp_path: Path) -> None:
    usual = large_modules_of(*SHOW)
    assert large_modules_of(*SHOW, "--labels", "{turns: last}") - usual == {"yaml"}
    assert large_modules_of(*SHOW, "--format", "messages") - usual == {"yaml"}
    (tmp_path / "rows.csv").write_text('messages\n"[{""role"": ""user"", ""content"": ""Hi""}]"\n', "utf-8")
    of_csv = large_modules_of("show", str(tmp_path / "rows.csv"), *SHOW[2:]) - usual
    assert {"pyarrow.csv"} <= of_csv <= {"pyarrow.csv", "yaml"}
    assert "fsspec" in large_modules_of("show", str(tmp_path / "*.csv"), *SHOW[2:])


def test_preparing_rows_of_jsonl_imports_no_pandas(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    command = ("prepare", *SHOW[1:], "--output", str(tmp_path / "out"))
    assert "pandas" not in large_modules_of(*command)
