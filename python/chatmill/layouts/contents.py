"""`Contents`: what the rows of an output hold, which decides whether a layout can hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.options.choices import PackMark, choices
from chatmill.outputs.shards import ANSWER_COLUMNS

_TOKENS = ("input_ids", "labels", "weights")
# What tells where the rows of packs are. For LLaMA-Factory the attention mask numbers them.
_BOUNDS = {*choices(PackMark), "attention_mask"} - {"loss_mask"}
# What follows from the tokens, or tells about the input row of a sample.
_MADE = ("length", "attention_mask", "position_ids", "row")


@dataclass(frozen=True)
class Contents:
    """What the rows of an output hold.

    Attributes:
        columns: The columns of its rows, with their types.
        options: The options of the run, from its manifest.
        tokenizer: The name of the tokenizer.
        vocabulary_size: The largest id that can occur, plus one; None if nothing tells it.
    """

    columns: pa.Schema
    options: Mapping[str, Any]
    tokenizer: str
    vocabulary_size: int | None = None

    @property
    def is_packed(self) -> bool:
        """Whether each row is a pack."""
        return self.options.get("packing") is not None

    @property
    def marks(self) -> tuple[str, ...]:
        """The columns that tell where the rows of a pack are, the most telling one first."""
        return tuple(name for name in choices(PackMark) if self.is_packed and name in self._own)

    @property
    def is_weighted(self) -> bool:
        """Whether tokens have weights."""
        return "weights" in self._own

    @property
    def left_out(self) -> tuple[str, ...]:
        """The columns that a layout of tokens alone does not hold."""
        held = {*_TOKENS, *self.marks, "length", "seq_start_id", "loss_mask"}
        return tuple(name for name in self.columns.names if name not in held or name in self._kept)

    @property
    def kept(self) -> tuple[str, ...]:
        """The kept columns of the inputs."""
        made = {*_TOKENS, *_MADE, *choices(PackMark), *ANSWER_COLUMNS, "seq_start_id", "loss_mask"}
        return tuple(name for name in self.columns.names if name not in made or name in self._kept)

    @property
    def _kept(self) -> tuple[str, ...]:
        return tuple(self.options.get("keep_columns") or ())

    @property
    def _own(self) -> set[str]:
        return set(self.columns.names) - set(self._kept)

    def check_tokens(self, layout: str) -> None:
        """Check that rows are samples with labels and without padding.

        Args:
            layout: The name of the layout that holds nothing else.

        Raises:
            DataError: They are something else.
        """
        answers = [name for name in ANSWER_COLUMNS if name in self._own]
        if answers:
            raise DataError(
                f"the layout {layout} holds one list of tokens a row, but these rows are prompts and answers "
                f"({', '.join(answers)}); use one of parquet, arrow, hf, mds"
            )
        if not {"input_ids", "labels"} <= self._own:
            raise DataError(
                f"the layout {layout} needs the columns input_ids and labels; prepare the rows without `trainer` "
                "(`--for`)"
            )
        if self.options.get("padding") is not None:
            raise DataError(
                f"the layout {layout} has no place for padding; prepare the rows without `padding` (`--padding`)"
            )
        if "steps" in (self.options.get("format") or {}):
            raise DataError(
                f"the layout {layout} has a mask in place of labels, but the labels of these rows judge steps; use one "
                "of parquet, arrow, hf, mds"
            )

    def check_unweighted(self, layout: str) -> None:
        """Check that tokens have no weights.

        Args:
            layout: The name of the layout that cannot hold them.

        Raises:
            DataError: They have.
        """
        if self.is_weighted:
            raise DataError(
                f"the layout {layout} holds no weights of tokens, so all trained tokens would count alike; use one of "
                "parquet, arrow, hf, mds, megatron"
            )

    def check_unpacked(self, layout: str) -> None:
        """Check that rows are no packs.

        Args:
            layout: The name of the layout that cannot hold them.

        Raises:
            DataError: They are.
        """
        if self.is_packed:
            raise DataError(
                f"the layout {layout} would make one document of each pack, and lose where its rows are; write the "
                "rows in this layout (`prepare` without `--pack`, or `chatmill convert`), which become documents, or "
                "use one of parquet, arrow, hf, mds, megatron, nemo"
            )

    def check_bounds(self, layout: str) -> None:
        """Check that columns tell where the rows of packs are.

        Args:
            layout: The name of the layout that keeps it.

        Raises:
            DataError: None does.
        """
        if self.is_packed and not self._own & _BOUNDS:
            raise DataError(
                f"the layout {layout} keeps where the rows of a pack are, but no column of these packs tells it; pack "
                "the rows with the mark `seq_lengths`, or use one of parquet, arrow, hf, mds"
            )

    def size_note(self) -> list[str]:
        """Return a sentence if nothing tells the size of the vocabulary."""
        if self.vocabulary_size is not None:
            return []
        why = "nothing tells the size of the vocabulary; give it with `vocabulary_size` (`--vocabulary-size`)"
        return [f"ids take four bytes, because {why}"]
