"""`PackedFiles`: the files of packs in a new output, and what its manifest says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatmill._chatmill import PackPlan, PackReport
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.dataset_folder import write_dataset_files
from chatmill.outputs.shards import Shard, chosen_compression, in_subfolder
from chatmill.packing.columns import PackColumns
from chatmill.packing.index import INDEX, VALIDATION_INDEX, write_index
from chatmill.packing.options import PackChoice
from chatmill.packing.report import figures
from chatmill.packing.shards import PackShards
from chatmill.packing.source import TokenSource
from chatmill.packing.trained import TrainedShare
from chatmill.trainers.splits import TRAINING, VALIDATION


@dataclass(frozen=True)
class PackedFiles:
    """The files of packs.

    Attributes:
        shards: The shards of each split.
        indexes: The plans.
        others: The files by which readers of the layout open the shards.
        described: Those of them that `datasets` opens, if a trainer opens Arrow files.
        trained: What the packs of each split train.
        reports: The figures of the plan of each split.
        left_out: The kept columns of the rows, which packs cannot have.
        about: What made the packs.
        how: How they are written.
    """

    shards: Mapping[str, list[Shard]]
    indexes: list[WrittenFile]
    others: list[WrittenFile]
    described: list[WrittenFile]
    trained: Mapping[str, TrainedShare]
    reports: dict[str, PackReport]
    left_out: tuple[str, ...]
    about: Mapping[str, Any]
    how: PackShards

    @classmethod
    def write(
        cls,
        folder: Path,
        sources: Mapping[str, TokenSource],
        plans: Mapping[str, PackPlan],
        how: PackShards,
        about: dict[str, Any],
    ) -> "PackedFiles":
        """Write the packs of all splits, and their plans.

        Args:
            folder: The new output folder.
            sources: The rows of each split.
            plans: The plan of each split.
            how: How packs are written.
            about: What made the packs.
        """
        shards: dict[str, list[Shard]] = {}
        trained: dict[str, TrainedShare] = {}
        indexes = []
        for split, rows in sources.items():
            within = split if len(sources) > 1 else ""
            (folder / within).mkdir(exist_ok=True)
            written, trained[split] = how.write(folder / within, split, plans[split], rows)
            shards[split] = in_subfolder(written, within)
            name = INDEX if split == TRAINING else VALIDATION_INDEX
            indexes.append(write_index(folder / name, plans[split], rows, about))
        training, validation = shards[TRAINING], shards.get(VALIDATION, [])
        trainer = how.columns.trainer
        is_arrow = trainer is not None and trainer.files == "arrow"
        described = write_dataset_files(folder, training, validation) if is_arrow else []
        others = [] if how.target is None else how.target.finish(folder, shards)
        reports = {split: plan.report() for split, plan in plans.items()}
        left_out = tuple(sources[TRAINING].left_out)
        return cls(shards, indexes, others, described, trained, reports, left_out, about, how)

    def files(self) -> list[WrittenFile]:
        """Return all files."""
        shards = [shard for shards in self.shards.values() for shard in shards]
        return [*shards, *self.described, *self.others, *self.indexes]

    def options(self) -> dict[str, Any]:
        """Return the options of the files, for the manifest."""
        how = self.how
        trainer = how.columns.trainer
        return {
            "shard_tokens": how.shard_tokens,
            "compression": chosen_compression(how.compression, trainer)
            if how.target is None
            else how.target.compression,
            "trainer": how.columns.record(),
            "packing": {**self.about, "trained": {split: it.record() for split, it in self.trained.items()}},
        }

    def record(self) -> dict[str, Any]:
        """Return what the manifest says of the files."""
        validation = self.shards.get(VALIDATION, [])
        return {
            "shards": [shard.record() for shard in self.shards[TRAINING]],
            "packs": [file.record() for file in self.indexes],
            **({"validation_shards": [shard.record() for shard in validation]} if validation else {}),
            **({"dataset_files": [file.record() for file in self.described]} if self.described else {}),
            **({} if self.how.target is None else self.how.target.record()),
        }


def about_packs(
    choice: PackChoice, columns: PackColumns, plans: Mapping[str, PackPlan], tokens: dict[str, Any]
) -> dict[str, Any]:
    """Return what made packs, for the manifest and the index.

    Args:
        choice: How rows are packed.
        columns: The columns of the packs.
        plans: The plan of each split.
        tokens: The folder of the rows, its manifest and its shards.
    """
    return {
        **choice.record(),
        "pad_to_max_length": choice.pad_to_max_length or columns.fills,
        "marks": list(columns.marks),
        "shifted": columns.shifted,
        "tokens": tokens,
        "report": {split: figures(plan.report()) for split, plan in plans.items()},
    }
