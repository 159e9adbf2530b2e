"""`write_beside` and `copy_beside`: small files in an output besides its rows, such as those of a tokenizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.complete import recorded
from chatmill.outputs.durable import write_durably


def write_beside(folder: Path, files: Mapping[str, bytes], *, is_private: bool = False) -> list[WrittenFile]:
    """Write files into a new output.

    Args:
        folder: The folder of the new output.
        files: The content of each file, by its path in the output, with `/`.
        is_private: Whether only their owner can read them, because they have texts of rows.

    Returns:
        The files, for the manifest.

    Raises:
        DataError: A file is gone.
        OSError: A file cannot be written.
    """
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_durably(folder / name, content, is_private=is_private)
    return [recorded(folder, name, lines=content.count(b"\n")) for name, content in files.items()]


def copy_beside(manifest: Mapping[str, Any], source: Path, folder: Path) -> list[WrittenFile]:
    """Copy the small files of an output into a new one: those of the tokenizer, and the rows that a report shows.

    Args:
        manifest: The manifest of the output.
        source: Its folder.
        folder: The folder of the new output.

    Returns:
        The files, for the manifest.

    Raises:
        OSError: A file cannot be read or written.
    """
    found: list[WrittenFile] = []
    for group in ("tokenizer_files", "sample_files"):
        names = [record["file"] for record in manifest.get(group) or ()]
        content = {name: (source / name).read_bytes() for name in names}
        found += write_beside(folder, content, is_private=group == "sample_files")
    return found
