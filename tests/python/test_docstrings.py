"""The examples in all docstrings run, including those of the compiled core, and every public name has a docstring."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import chatmill
import pytest
from byte_tokenizers import DEFINITION
from chatmill import _chatmill

# Every module of the package. Without the prefix, `walk_packages` does not enter subpackages.
MODULES = [
    "chatmill",
    *(
        it.name
        for it in pkgutil.walk_packages(chatmill.__path__, prefix="chatmill.")
        if it.name not in ("chatmill.__main__", "chatmill._chatmill")
    ),
]
TABLES = {"CHOICES", "ERROR_CODES", "NOTES"}
CORE = [name for name in dir(_chatmill) if not name.startswith("_") and name not in TABLES]


def run(text: str, name: str) -> int:
    """Run the examples of one docstring, and return their number."""
    names: dict[str, Any] = {"chatmill": chatmill, "TOKENIZER_JSON": DEFINITION}
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(text), names, name, None, 0)
    failed, tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert failed == 0
    return tried


def test_all_modules_are_tested() -> None:
    package = Path(chatmill.__path__[0])
    files = {path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py")}
    names = {".".join(path.parts).removesuffix(".__init__") for path in files} - {"chatmill.__main__"}
    assert names == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_python_examples(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"chatmill": chatmill, "TOKENIZER_JSON": DEFINITION})
    # An example that doctest does not find would always pass.
    examples = [line for line in inspect.getsource(module).splitlines() if line.lstrip().startswith(">>> ")]
    assert (result.failed, result.attempted) == (0, sum("+SKIP" not in line for line in examples))


@pytest.mark.parametrize("name", CORE)
def test_core_examples(name: str) -> None:
    what = getattr(_chatmill, name)
    assert what.__doc__, f"{name} has no docstring"
    run(what.__doc__, name)
    members = vars(what) if isinstance(what, type) else {}
    for key, member in members.items():
        if not key.startswith("_"):
            assert member.__doc__, f"{name}.{key} has no docstring"


def test_the_main_names_have_examples() -> None:
    for name in ("Tokenizer", "ChatTemplate", "Mill", "TokenBatch"):
        assert run(getattr(_chatmill, name).__doc__, name) > 0
