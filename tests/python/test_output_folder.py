"""Tests of output folders: they appear whole, and replace only unchanged outputs of chatmill."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chatmill import DataError
from chatmill._chatmill import exchange_files
from chatmill.outputs import commit
from chatmill.outputs.checksums import checksum_of, sha256_of_all
from chatmill.outputs.complete import check_complete
from chatmill.outputs.staging import staged_output
from staged_outputs import MadeOutput, content_of


def refusal(place: Path, made: MadeOutput, **options: Any) -> str:
    """The error of a run, which must change nothing."""
    before, beside = content_of(place), sorted(place.parent.iterdir())
    with pytest.raises(DataError) as caught:
        made.put(place, **options)
    assert content_of(place) == before
    assert sorted(place.parent.iterdir()) == beside
    return str(caught.value)


def test_an_output_appears_whole(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    assert content_of(place) == made[0].files
    with staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        assert content_of(place) == made[0].files
        assert place.name not in output.folder.parent.name
        output.commit(made[1].records)
        assert content_of(place) == made[1].files
    assert output.warnings == []
    assert [path.name for path in place.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_unfinished_output_leaves_nothing(
    error: type[BaseException], place: Path, made: tuple[MadeOutput, MadeOutput]
) -> None:
    with pytest.raises(error), staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        raise error
    with staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
    assert content_of(place) == made[0].files
    assert [path.name for path in place.parent.iterdir()] == ["out"]


def test_without_overwrite_only_empty_folders_are_filled(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    assert "out is not empty; choose another output, or replace it with `overwrite`" in refusal(
        place, made[1], overwrite=False
    )
    (place.parent / "empty").mkdir()
    made[1].put(place.parent / "empty", overwrite=False)
    assert content_of(place.parent / "empty") == made[1].files


FOREIGN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "file": (lambda out: (out / "thesis.tex").touch(), "thesis.tex"),
    "file of validation": (lambda out: (out / "validation" / "only-copy.txt").touch(), "validation/only-copy.txt"),
    "shard": (lambda out: (out / "train-00009.parquet").touch(), "train-00009.parquet"),
    "shard of another tool": (lambda out: (out / "train-0.parquet").touch(), "train-0.parquet"),
    "folder": (lambda out: (out / "runs").mkdir(), "runs/"),
    "folder in validation": (lambda out: (out / "validation" / "runs").mkdir(), "validation/runs/"),
    "link": (lambda out: (out / "latest").symlink_to(out), "latest"),
    "hidden file": (lambda out: (out / ".env").touch(), ".env"),
    "name of a workspace": (lambda out: (out / ".chatmill-mine").mkdir(), ".chatmill-mine/"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files_are_never_replaced(kind: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    add, name = FOREIGN[kind]
    add(place)
    message = refusal(place, made[1])
    assert f"has files that its _manifest.json does not list ({name}), but `overwrite` replaces only" in message
    assert "choose another output, or remove these files yourself" in message


def test_a_folder_without_a_manifest_of_chatmill(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    place = tmp_path / "deep" / "data"
    place.mkdir(parents=True)
    for number in range(23):
        (place / f"train-{number:05d}.parquet").touch()
    message = refusal(place, made[1])
    assert "no manifest of chatmill lists (train-00000.parquet, train-00001.parquet, " in message
    assert "train-00019.parquet and 3 more)" in message
    strange = [b"{}", b"[]", b"{", b"\xff", b'{"name": "extension", "version": 3}']
    for content in strange:
        (place / "_manifest.json").write_bytes(content)
        assert "_manifest.json is not a manifest of chatmill" in refusal(place, made[1])
    (place / "_manifest.json").unlink()
    (place / "_manifest.json").symlink_to(made_manifest(tmp_path, made[0]))
    assert "_manifest.json is not a manifest of chatmill" in refusal(place, made[1])


def made_manifest(folder: Path, made: MadeOutput) -> Path:
    (folder / "_manifest.json").write_bytes(made.files["_manifest.json"])
    return folder / "_manifest.json"


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "notes.txt", "validation/../secret.txt", ""])
def test_a_manifest_cannot_list_other_names(name: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    manifest = json.loads((place / "_manifest.json").read_text())
    manifest["shards"][0]["file"] = name
    (place / "_manifest.json").write_text(json.dumps(manifest))
    assert "is not a manifest of chatmill" in refusal(place, made[1])


def test_a_manifest_without_checksums(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    manifest = json.loads((place / "_manifest.json").read_text())
    for shard in manifest["shards"]:
        del shard["sha256"]
    (place / "_manifest.json").write_text(json.dumps(manifest))
    message = refusal(place, made[1])
    assert "is not a manifest of chatmill with a checksum of each file" in message
    assert "choose another output, or remove the folder yourself" in message


@pytest.mark.parametrize("name", ["train-00001.parquet", "validation/validation-00000.parquet", "_rejects.jsonl"])
def test_changed_files_are_never_replaced(name: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    content = (place / name).read_bytes()
    for other in (content + b"x", content[:-1], bytes([content[0] ^ 1]) + content[1:]):
        (place / name).write_bytes(other)
        assert f"out have changed since chatmill wrote them ({name}), but" in refusal(place, made[1])
    (place / name).unlink()
    (place / name).symlink_to(place / "_manifest.json")
    assert f"does not list ({name})" in refusal(place, made[1])


@pytest.mark.parametrize("kind", ["file", "file of validation", "folder", "link"])
def test_foreign_files_that_appear_during_the_run(kind: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    add, name = FOREIGN[kind]
    with pytest.raises(DataError, match="does not list"), staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        add(place)
        output.commit(made[1].records)
    assert [path.name for path in place.parent.iterdir()] == ["out"]
    assert os.path.lexists(place / name)
    assert (content_of(place) or {}).items() >= made[0].files.items()


def test_a_shard_that_changes_during_the_run(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    shard = place / "train-00000.parquet"
    status, content = shard.stat(), shard.read_bytes()
    with pytest.raises(DataError, match="have changed"), staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        shard.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns))
        output.commit(made[1].records)
    assert shard.read_bytes() != content


def test_a_folder_that_appears_during_the_run(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    place = tmp_path / "out"
    with pytest.raises(DataError, match="out is not empty"), staged_output(place) as output:
        made[1].write_into(output.folder)
        place.mkdir()
        (place / "mine.txt").touch()
        output.commit(made[1].records)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine.txt", "out"]


@pytest.mark.parametrize("code", [None, errno.EINVAL], ids=["exchanged", "renamed"])
def test_what_appears_while_it_is_replaced_is_kept(
    code: int | None, place: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(one: Path, other: Path) -> None:
        (place / "late.txt").write_text("mine")
        if code is not None:
            raise OSError(code, os.strerror(code))
        exchange_files(one, other)

    monkeypatch.setattr(commit, "exchange_files", late)
    (warning,) = made[1].put(place)
    assert content_of(place) == made[1].files
    (kept,) = place.parent.glob("earlier-output-*")
    assert content_of(kept) == {**made[0].files, "late.txt": b"mine"}
    assert f"the earlier output of {place} is kept in {kept}, because" in warning
    assert "(late.txt)" in warning
    assert sorted(path.name for path in place.parent.iterdir()) == [kept.name, "out"]


def test_what_appears_while_it_is_deleted_is_kept(
    place: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def late(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "train-00000.parquet" and path.parent.name == "discarded":
            (path.parent / "late.txt").write_text("mine")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", late)
    (warning,) = made[1].put(place)
    assert content_of(place) == made[1].files
    (kept,) = place.parent.glob("earlier-output-*")
    assert content_of(kept) == {"late.txt": b"mine"}
    assert "late.txt" in warning


def replaced_by_link(shard: Path) -> None:
    shard.unlink()
    shard.symlink_to("/dev/null")


SPOILED: dict[str, Callable[[Path], Any]] = {
    "deleted": Path.unlink,
    "emptied": lambda shard: shard.write_bytes(b""),
    "changed": lambda shard: shard.write_bytes(b"x" * shard.stat().st_size),
    "a link": replaced_by_link,
    "another shard": lambda shard: shard.write_bytes((shard.parent / "train-00001.parquet").read_bytes()),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_shard_that_was_spoiled_is_not_published(how: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    with pytest.raises(DataError) as caught, staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        SPOILED[how](output.folder / "train-00000.parquet")
        output.commit(made[1].records)
    assert "train-00000.parquet was changed after chatmill wrote it (" in str(caught.value)
    assert "so nothing was written; run it again" in str(caught.value)
    assert content_of(place) == made[0].files
    assert [path.name for path in place.parent.iterdir()] == ["out"]


def test_rows_and_foreign_shards_are_checked(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    more = [*made[1].records]
    more[0] = type(more[0])(more[0].file, more[0].rows + 1, more[0].bytes, more[0].sha256)
    with (
        pytest.raises(DataError, match="3 rows were written, but it has 2"),
        staged_output(place, overwrite=True) as it,
    ):
        made[1].write_into(it.folder)
        it.commit(more)
    with (
        pytest.raises(DataError, match=r"did not write \(train-00007\.parquet\)"),
        staged_output(place, overwrite=True) as it,
    ):
        made[1].write_into(it.folder)
        (it.folder / "train-00007.parquet").touch()
        it.commit(made[1].records)
    assert content_of(place) == made[0].files


@pytest.mark.parametrize("name", ["n" * 250, "é" * 125, "%" * 255])
def test_names_may_be_as_long_as_the_filesystem_allows(
    name: str, tmp_path: Path, made: tuple[MadeOutput, MadeOutput]
) -> None:
    made[0].put(tmp_path / name)
    made[1].put(tmp_path / name)
    assert content_of(tmp_path / name) == made[1].files
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "out")


@pytest.mark.usefixtures("mounted")
def test_a_mount_point_is_filled_in_place(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    (place / "lost+found").mkdir()
    inode = place.stat().st_ino
    with staged_output(place, overwrite=True) as output:
        assert output.folder.parent.parent == place
        made[1].write_into(output.folder)
        output.commit(made[1].records)
    assert content_of(place) == made[1].files
    assert place.stat().st_ino == inode
    assert sorted(path.name for path in place.iterdir() if path.is_dir()) == ["lost+found", "validation"]
    assert [path.name for path in place.parent.iterdir()] == ["out"]
    (place / "mine.txt").touch()
    assert "(mine.txt)" in refusal(place, made[0])


@pytest.mark.usefixtures("mounted")
def test_a_mount_point_gets_its_files_back_if_it_cannot_be_filled(
    place: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if Path(target) == place / "validation" / "validation-00002.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="No space left"):
        made[1].put(place)
    assert content_of(place) == made[0].files


def test_a_parent_that_is_read_only(
    place: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write everywhere, so the system calls refuse instead.
    calls = {name: getattr(os, name) for name in ("open", "mkdir", "rename")}

    def refusing(name: str) -> Callable[..., Any]:
        def call(path: Any, *others: Any, **options: Any) -> Any:
            writes = name != "open" or others[0] & os.O_CREAT
            if writes and Path(path).parent == place.parent:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return calls[name](path, *others, **options)

        return call

    for name in calls:
        monkeypatch.setattr(os, name, refusing(name))
    made[1].put(place)
    assert content_of(place) == made[1].files
    with pytest.raises(
        DataError, match=r"cannot create the output folder .*other \(Permission denied\); choose another"
    ):
        made[1].put(place.parent / "other")


def test_places_that_cannot_be(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place, problem in {
        str(tmp_path / "file"): "it is a file",
        str(tmp_path / "file" / "out"): "cannot create the output folder",
        "s3://bucket/out": "only a folder on this machine is possible here; give a path",
        str(tmp_path / "circle"): "cannot write to",
    }.items():
        with pytest.raises(DataError, match=problem), staged_output(place, overwrite=True):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "file"]


def test_a_linked_place(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "real")
    made[0].put(tmp_path / "out")
    made[1].put(tmp_path / "out")
    assert content_of(tmp_path / "disk" / "real") == made[1].files
    assert (tmp_path / "out").is_symlink()


def test_the_working_directory_stays(
    place: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    made[1].put(Path())
    assert content_of(place) == content_of(Path()) == made[1].files


def test_a_file_is_hashed_again_only_if_it_may_have_changed(
    tmp_path: Path, made: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    made[1].write_into(tmp_path)
    shard = made[1].records[0]
    path = tmp_path / shard.file
    path.write_bytes(path.read_bytes())
    assert checksum_of(path) == (shard.sha256, None), "a change within the tick of the clock would leave no trace"
    time.sleep(0.05)
    sha256, identity = checksum_of(path)
    assert sha256 == shard.sha256
    assert identity is not None
    known = replace(shard, identity=identity)
    assert "identity" not in known.record()
    hashed: list[Path] = []

    def counted(paths: list[Path]) -> list[str]:
        hashed.extend(paths)
        return sha256_of_all(paths)

    monkeypatch.setattr("chatmill.outputs.complete.sha256_of_all", counted)
    monkeypatch.setattr("chatmill.outputs.complete._names", lambda _: {shard.file})
    check_complete(tmp_path, [known])
    assert hashed == []
    status, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.write(bytes([content[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DataError, match="its content changed"):
        check_complete(tmp_path, [known])
    assert hashed == [path]
