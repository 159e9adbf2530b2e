"""Imports between folders of the package: the contracts in pyproject.toml hold, and a planted import breaks them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import chatmill
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path(chatmill.__path__[0])
ROOMS = "Imports between rooms only go down"
RUN = "A run goes from the plan down to the channel"
DISPLAY = "Running code imports no display code"
CYCLES = "No two modules or folders import each other"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the Python files of the package, with the contracts next to it."""
    folder = shutil.copytree(PACKAGE, tmp_path / "chatmill", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return folder


def lint_imports(folder: Path) -> tuple[int, set[str]]:
    """The exit status of `lint-imports` on a copy, and the contracts that it reports as broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    # The copy comes first on the path, before the installed package.
    environment = {**os.environ, "PYTHONPATH": str(folder.parent), "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=False)
    results = dict(re.findall(r"^(.+) (KEPT|BROKEN)$", done.stdout, re.MULTILINE))
    assert set(results) == {ROOMS, RUN, DISPLAY, CYCLES}, done.stdout + done.stderr
    return done.returncode, {name for name, result in results.items() if result == "BROKEN"}


def test_the_contracts_hold(copy: Path) -> None:
    assert lint_imports(copy) == (0, set())


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        # Imports one layer up, several layers up, and from a sibling; at the top of a module and inside a function.
        ("formats/reads.py", "import chatmill.sources.folder", {ROOMS, CYCLES}),
        ("inputs/find.py", "import chatmill.cli.values", {ROOMS, DISPLAY, CYCLES}),
        ("arrange/keys.py", "def hidden() -> None:\n    import chatmill.config.keys", {ROOMS, CYCLES}),
        ("inspect/rows.py", "def hidden() -> None:\n    from chatmill.pipeline.report import PrepareReport", {ROOMS}),
        ("lint/finding.py", "from chatmill.pipeline import counts", {ROOMS, CYCLES}),
        ("text/quote.py", "from chatmill.options.choices import Split", {ROOMS}),
        ("cli/values.py", "from chatmill._hooks import to_html", {ROOMS}),
        # Display code in running code, directly and through a module of another library.
        ("pipeline/run.py", "def hidden() -> None:\n    import chatmill.pipeline.progress", {RUN, DISPLAY, CYCLES}),
        ("outputs/shards.py", "def hidden() -> None:\n    import rich.console", {DISPLAY}),
        ("pipeline/sink.py", "import chatmill.pipeline.run", {RUN, CYCLES}),
        # Two modules of one folder that import each other.
        ("labels/presets.py", "def hidden() -> None:\n    import chatmill.labels.labels", {CYCLES}),
    ],
)
def test_a_planted_import_breaks_them(file: str, line: str, broken: set[str], copy: Path) -> None:
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n\n{line}\n")
    status, found = lint_imports(copy)
    assert status != 0
    assert found == broken


def test_a_new_room_needs_a_place(copy: Path) -> None:
    (copy / "helpers").mkdir()
    (copy / "helpers" / "__init__.py").write_text("", "utf-8")
    assert lint_imports(copy) == (1, {ROOMS})


def test_imports_for_type_checkers_do_not_count(copy: Path) -> None:
    with (copy / "inputs" / "find.py").open("a", encoding="utf-8") as module:
        module.write("\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import chatmill.cli.values\n")
    assert lint_imports(copy) == (0, set())


def test_running_code_loads_no_display_code() -> None:
    modules = ["chatmill.pipeline.run", "chatmill.outputs.written", "chatmill.arrange", "chatmill.formats.detect"]
    check = f"import sys, {', '.join(modules)}; print([name for name in ('rich', 'click') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_core_imports_only_the_hooks() -> None:
    sources = list((ROOT / "src" / "python").glob("*.rs"))
    imported = [
        name for path in sources for name in re.findall(r'import\("(chatmill[^"]*)"\)', path.read_text("utf-8"))
    ]
    # Pickles name a function of the core by the module it is in, which is the core itself.
    assert set(imported) - {"chatmill._chatmill"} == {"chatmill._hooks"}
