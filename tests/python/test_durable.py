"""`write_durably` uses a name of its own beside the file, and only such names are removed after a kill."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from chatmill.outputs.durable import is_unfinished, write_durably
from chatmill.outputs.place import Base
from chatmill.outputs.workspace import Workspace


def _names(folder: Path) -> list[str]:
    return sorted(it.name for it in folder.iterdir())


def test_a_file_of_the_user_with_a_similar_name_stays(tmp_path: Path) -> None:
    (tmp_path / "report.html.new").write_text("mine")
    write_durably(tmp_path / "report.html", b"new")
    assert (tmp_path / "report.html").read_bytes() == b"new"
    assert (tmp_path / "report.html.new").read_text() == "mine"
    assert _names(tmp_path) == ["report.html", "report.html.new"]


def test_a_symbolic_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    other = tmp_path / "other"
    other.write_text("mine")
    links = [tmp_path / "a.new", tmp_path / f".chatmill-{'0' * 16}.new"]
    for link in links:
        link.symlink_to(other)
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "a", b"new")
    assert other.read_text() == "mine"
    assert all(link.is_symlink() for link in links)
    assert not (tmp_path / "a").exists()


def test_nothing_stays_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def interrupted(_path: Path) -> None:
        seen.extend(_names(tmp_path))
        raise KeyboardInterrupt

    monkeypatch.setattr("chatmill.outputs.durable.sync_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_durably(tmp_path / "a", b"new")
    assert [is_unfinished(name) for name in seen] == [True]
    assert _names(tmp_path) == []


def test_nothing_stays_after_an_interrupt_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, descriptors = os.open, list[int]()

    def interrupted(*arguments: Any) -> int:
        descriptors.append(opened(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_durably(tmp_path / "a", b"new")
    monkeypatch.undo()
    os.close(descriptors[0])
    assert _names(tmp_path) == []


def test_the_longest_name(tmp_path: Path) -> None:
    write_durably(tmp_path / ("a" * 255), b"new")
    assert _names(tmp_path) == ["a" * 255]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(("is_private", "mode"), [(True, 0o600), (False, 0o640)])
def test_permissions(tmp_path: Path, is_private: bool, mode: int) -> None:
    before = os.umask(0o027)
    try:
        write_durably(tmp_path / "a", b"new", is_private=is_private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def _leave(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """Leave what a kill during `write_durably` leaves."""
    with monkeypatch.context() as patch:
        patch.setattr("chatmill.outputs.durable.sync_file", _killed)
        patch.setattr(Path, "unlink", _killed)
        with pytest.raises(OSError, match="killed"):
            write_durably(folder / name, b"{")
    (left,) = (it.name for it in folder.iterdir() if is_unfinished(it.name))
    return left


def _killed(_path: Path, **_options: object) -> None:
    raise OSError("killed")


@pytest.mark.parametrize("has_marker", [False, True])
def test_a_workspace_removes_what_a_kill_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_marker: bool
) -> None:
    base = Base(tmp_path, "out")
    workspace = Workspace.create(base)
    if not has_marker:
        workspace.output.rmdir()
        (workspace.folder / "chatmill-run.json").unlink()
    left = _leave(workspace.folder, monkeypatch, "chatmill-commit.json" if has_marker else "chatmill-run.json")
    assert (workspace.folder / left).exists()
    assert workspace.belongs_to(base)
    workspace.remove()
    assert not workspace.folder.exists()


@pytest.mark.parametrize("name", ["chatmill-run.json.new", "mine.new", ".chatmill-mine.new"])
def test_a_workspace_keeps_other_names(tmp_path: Path, name: str) -> None:
    base = Base(tmp_path, "out")
    workspace = Workspace(base.new_workspace())
    workspace.folder.mkdir()
    (workspace.folder / name).write_text("mine")
    assert not workspace.belongs_to(base)
    (workspace.folder / "chatmill-run.json").write_text("{}")
    workspace.remove()
    assert (workspace.folder / name).read_text() == "mine"
