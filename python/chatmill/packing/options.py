"""`PackChoice`: the options of a packed output."""

from dataclasses import asdict, dataclass
from typing import Any

from chatmill._chatmill import DataError, PackPlan
from chatmill.options.choices import PackStrategy, PackTruncation, Remainder
from chatmill.packing.columns import PackColumns


@dataclass(frozen=True)
class PackChoice:
    """How rows are packed; as for `PackPlan.of`.

    Attributes:
        max_length: The length of a pack in tokens.
        strategy: How rows are distributed over packs.
        seed: The seed of the order of packs.
        truncation: What happens to rows that are longer than a pack.
        max_rows: The most rows of a pack.
        align: The length of each row is rounded up to a multiple of this number.
        group_size: Only rows of one group of this many rows share packs.
        multiple_of: The number of packs is made a multiple of this number.
        remainder: How.
        pad_id: The token id of padding.
        pad_to_max_length: Whether packs are filled up to `max_length`.
    """

    max_length: int
    strategy: PackStrategy = "bfd"
    seed: int | None = None
    truncation: PackTruncation = "keep_start"
    max_rows: int | None = None
    align: int = 1
    group_size: int | None = None
    multiple_of: int = 1
    remainder: Remainder = "pad"
    pad_id: int | None = None
    pad_to_max_length: bool = False

    def plan(self, lengths: Any, columns: PackColumns) -> PackPlan:
        """Plan packs for rows of these lengths.

        Args:
            lengths: The number of tokens of each row.
            columns: The columns of the packs.

        Raises:
            DataError: Options contradict each other, or a row is too long.
        """
        if columns.fills and self.pad_id is None:
            raise DataError(
                f"{columns.name} needs packs that are filled up; give the id of the pad token with `pad_id` "
                "(`--pad-id`)"
            )
        options = self.record()
        del options["pad_id"], options["pad_to_max_length"]
        return PackPlan.of(lengths, shifted=columns.shifted, **options)

    def check_padding(self, plan: PackPlan) -> None:
        """Check that there is a pad token if packs need one.

        Args:
            plan: The plan of the packs.

        Raises:
            DataError: There is none.
        """
        if self.pad_id is not None:
            return
        needs = {
            "`pad_to_max_length` (`--pad-to-max-length`)": self.pad_to_max_length,
            "`align` (`--align`)": self.align > 1,
            "`multiple_of` (`--multiple-of`)": plan.report().empty_packs > 0,
        }
        for option, is_needed in needs.items():
            if is_needed:
                raise DataError(f"{option} needs padding; give the id of the pad token with `pad_id` (`--pad-id`)")

    def check_pad_id(self, vocabulary_size: int | None, tokenizer: str) -> None:
        """Check that the pad token is one of the tokenizer: a model has no embedding for other ids.

        Args:
            vocabulary_size: The largest id of the tokenizer, plus one; None if nothing tells it.
            tokenizer: The name of the tokenizer.

        Raises:
            DataError: It is not.
        """
        if self.pad_id is None or vocabulary_size is None or 0 <= self.pad_id < vocabulary_size:
            return
        raise DataError(
            f"`pad_id` (`--pad-id`) is {self.pad_id}, but {tokenizer or 'the tokenizer'} has the ids 0 to "
            f"{vocabulary_size - 1}; give the id of its pad token"
        )

    def record(self) -> dict[str, Any]:
        """Return the options, for the manifest."""
        return asdict(self)
