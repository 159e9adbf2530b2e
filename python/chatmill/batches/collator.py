"""`collate` and `Collator`: rows as padded arrays, tensors or lists."""

from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from chatmill._chatmill import DataError
from chatmill.batches.ragged import FLOATS, INTEGERS, Ragged
from chatmill.batches.rows import read_rows
from chatmill.options.choices import CollatedRows, CollatedTruncation, Padding, PaddingSide, choices
from chatmill.text.nearest import suggestion

_MASKED = -100
_CHOICES = {
    "padding": Padding,
    "padding_side": PaddingSide,
    "truncation": CollatedTruncation,
    "return_tensors": CollatedRows,
}


@dataclass(frozen=True)
class Collator:
    """Makes batches of rows, as the `data_collator` of a trainer. It can be pickled.

    Args:
        pad_id: The token id of padding.
        padding: Pad rows to the `"longest"` row of a batch, or to `"max_length"`.
        padding_side: The side of the padding: `"right"` or `"left"`.
        pad_to_multiple_of: Round the length of padded rows up to a multiple of this number, also beyond `max_length`,
            as transformers does.
        max_length: The most tokens of a row.
        truncation: What to do with longer rows: `"raise"` an error, keep the first tokens (`"keep_start"`) or the last
            ones (`"keep_end"`).
        reserve: The number of virtual tokens that the model puts before each row, as in prompt tuning. Rows are cut and
            padded to `max_length - reserve`.
        mask_reserve: Whether the attention mask of each row begins with `reserve` ones. Models of PEFT add these ones
            themselves, so leave it off for them.
        position_ids: Whether to add `position_ids`, which number the tokens of each row from 0; padding has 0.
        return_tensors: `"np"` for arrays of numpy, `"pt"` for tensors of torch, `"list"` for lists.

    Raises:
        DataError: An option is not valid.

    Example:
        >>> collator = Collator(pad_id=0, padding_side="left", return_tensors="list")
        >>> collator([{"input_ids": [5, 6, 7]}, {"input_ids": [8]}])
        {'input_ids': [[5, 6, 7], [0, 0, 8]], 'attention_mask': [[1, 1, 1], [0, 0, 1]]}
    """

    pad_id: int
    padding: Padding = "longest"
    padding_side: PaddingSide = "right"
    pad_to_multiple_of: int | None = None
    max_length: int | None = None
    truncation: CollatedTruncation = "raise"
    reserve: int = 0
    mask_reserve: bool = False
    position_ids: bool = False
    return_tensors: CollatedRows = "np"

    def __post_init__(self) -> None:
        for name, option in _CHOICES.items():
            value, known = getattr(self, name), choices(option)
            if value not in known:
                hint = suggestion(str(value), known, otherwise=f"use one of {', '.join(known)}")
                raise DataError(f"`{name}` is {value!r}; {hint}")
        for name, least in (("pad_id", 0), ("pad_to_multiple_of", 1), ("max_length", 1), ("reserve", 0)):
            value = getattr(self, name)
            may_lack = name in ("pad_to_multiple_of", "max_length")
            if not (isinstance(value, int) or (may_lack and value is None)) or (value is not None and value < least):
                raise DataError(f"`{name}` is {value!r}; give a whole number of at least {least}")
        if self.padding == "max_length" and self.max_length is None:
            raise DataError('`padding="max_length"` needs `max_length`; set it, or use `padding="longest"`')
        if self.mask_reserve and not self.reserve:
            raise DataError("`mask_reserve` needs `reserve`, the number of virtual tokens; set it")
        if self.reserve and self.max_length is None and not self.mask_reserve:
            raise DataError("`reserve` has no effect without `max_length`; set it to the most tokens of the model")
        if self.max_length is not None and self.max_length <= self.reserve:
            raise DataError(f"`reserve` leaves no room in `max_length` {self.max_length}; raise it, or reserve less")

    def __call__(self, rows: Any) -> dict[str, Any]:
        """Make a batch.

        Args:
            rows: Dicts with `input_ids` and optionally `labels`, `attention_mask`, `position_ids` and `weights`, as
                lists, arrays or tensors; a dict of such columns; or Arrow data, such as a `TokenBatch`. Other columns
                are left out.

        Returns:
            `input_ids`, `attention_mask`, and `labels`, `weights` and `position_ids` if the rows have them or options
            add them: each of the shape (rows, length), int64; `weights` float32. With `mask_reserve` the attention mask
            is longer by `reserve`. Labels of padding are -100.

        Raises:
            DataError: The rows cannot be read, are packs, or are too long; or numpy or torch is missing.
        """
        columns = read_rows(rows)
        lengths = columns["input_ids"].lengths
        with_positions = _check_marks(columns) or self.position_ids
        columns.setdefault("attention_mask", Ragged(array(INTEGERS, [1]) * sum(lengths), lengths))
        columns = self._cut(columns)
        lengths = columns["input_ids"].lengths
        width = self._width(max(lengths))
        fills = {"input_ids": self.pad_id, "labels": _MASKED, "weights": 0.0}
        if self.return_tensors == "list":
            made = {name: self._lists(column, width, fills.get(name, 0)) for name, column in columns.items()}
            if with_positions and "position_ids" not in made:
                made["position_ids"] = [_positions(mask) for mask in made["attention_mask"]]
            if self.mask_reserve:
                made["attention_mask"] = [[1] * self.reserve + mask for mask in made["attention_mask"]]
            return made
        arrays = self._arrays(columns, width, fills, with_positions=with_positions)
        return arrays if self.return_tensors == "np" else _tensors(arrays)

    def _cut(self, columns: dict[str, Ragged]) -> dict[str, Ragged]:
        if self.max_length is None:
            return columns
        room, lengths = self.max_length - self.reserve, columns["input_ids"].lengths
        if max(lengths) <= room:
            return columns
        if self.truncation == "raise":
            row = next(at for at, length in enumerate(lengths) if length > room)
            limit = f"`max_length` {self.max_length}" + (f" less `reserve` {self.reserve}" if self.reserve else "")
            raise DataError(
                f"row {row} of the batch has {lengths[row]} tokens, more than {limit}; "
                'prepare shorter rows, or cut them here with `truncation="keep_start"`'
            )
        keep_end = self.truncation == "keep_end"
        return {name: column.cut(room, keep_end=keep_end) for name, column in columns.items()}

    def _width(self, longest: int) -> int:
        """Return the length of padded rows."""
        if self.padding == "max_length" and self.max_length is not None:
            longest = self.max_length - self.reserve
        multiple = self.pad_to_multiple_of or 1
        return -(-longest // multiple) * multiple

    def _lists(self, column: Ragged, width: int, fill: float) -> list[Any]:
        rows = [row.tolist() for row in column.rows()]
        if self.padding_side == "left":
            return [[fill] * (width - len(row)) + row for row in rows]
        return [row + [fill] * (width - len(row)) for row in rows]

    def _arrays(
        self, columns: dict[str, Ragged], width: int, fills: dict[str, float], *, with_positions: bool
    ) -> dict[str, Any]:
        np = _numpy()
        lengths = np.array(columns["input_ids"].lengths)[:, None]
        places = np.arange(width)[None, :]
        is_token = places >= width - lengths if self.padding_side == "left" else places < lengths
        made: dict[str, Any] = {}
        for name, column in columns.items():
            dtype = np.float32 if column.values.typecode == FLOATS else np.int64
            made[name] = np.full(is_token.shape, fills.get(name, 0), dtype)
            # The tokens of the rows, in their order, into the places of tokens, in theirs.
            made[name][is_token] = np.frombuffer(column.values, dtype)
        mask = made["attention_mask"]
        if with_positions and "position_ids" not in made:
            made["position_ids"] = (np.cumsum(mask, axis=1) - 1) * mask
        if self.mask_reserve:
            made["attention_mask"] = np.concatenate([np.ones((len(mask), self.reserve), np.int64), mask], axis=1)
        return made


def collate(
    rows: Any,
    *,
    pad_id: int,
    padding: Padding = "longest",
    padding_side: PaddingSide = "right",
    pad_to_multiple_of: int | None = None,
    max_length: int | None = None,
    truncation: CollatedTruncation = "raise",
    reserve: int = 0,
    mask_reserve: bool = False,
    position_ids: bool = False,
    return_tensors: CollatedRows = "np",
) -> dict[str, Any]:
    """Make a batch of rows: padded arrays, tensors or lists.

    `functools.partial(collate, pad_id=…, return_tensors="pt")` is a `data_collator`, and so is a `Collator`.

    Args:
        rows: As for calling a `Collator`.
        pad_id: The token id of padding.
        padding: Pad rows to the `"longest"` row, or to `"max_length"`.
        padding_side: `"right"` or `"left"`.
        pad_to_multiple_of: Round the length of padded rows up to a multiple of this number.
        max_length: The most tokens of a row.
        truncation: What to do with longer rows: `"raise"`, `"keep_start"` or `"keep_end"`.
        reserve: The number of virtual tokens that the model puts before each row.
        mask_reserve: Whether the attention mask of each row begins with `reserve` ones.
        position_ids: Whether to add `position_ids`.
        return_tensors: `"np"`, `"pt"` or `"list"`.

    Returns:
        The columns of the batch, as described for calling a `Collator`.

    Raises:
        DataError: An option is not valid, or the rows cannot be read, are packs, or are too long.

    Example:
        >>> rows = [{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}, {"input_ids": [8], "labels": [8]}]
        >>> batch = collate(rows, pad_id=0, pad_to_multiple_of=4)
        >>> batch["labels"].tolist(), batch["labels"].dtype
        ([[-100, 6, 7, -100], [8, -100, -100, -100]], dtype('int64'))
    """
    return Collator(
        pad_id=pad_id,
        padding=padding,
        padding_side=padding_side,
        pad_to_multiple_of=pad_to_multiple_of,
        max_length=max_length,
        truncation=truncation,
        reserve=reserve,
        mask_reserve=mask_reserve,
        position_ids=position_ids,
        return_tensors=return_tensors,
    )(rows)


def _check_marks(columns: dict[str, Ragged]) -> bool:
    """Refuse packs, which their masks or positions show. Return whether the rows have positions.

    Positions that number the tokens of each row from 0 are removed, and made again after rows are cut.
    """
    mask, positions = columns.get("attention_mask"), columns.get("position_ids")
    marks = {1} if mask is None else {*mask.values}
    if not marks <= {0, 1}:
        raise DataError(
            "an `attention_mask` holds other numbers than 0 and 1, so its rows are packs; see docs/packing.md for the "
            "collator of packs"
        )
    if positions is None:
        return False
    if 0 not in marks:
        numbers = array(INTEGERS)
        for length in positions.lengths:
            numbers.extend(range(length))
        if numbers != positions.values:
            raise DataError(
                "`position_ids` do not number the tokens of each row from 0, so the rows are packs; see "
                "docs/packing.md for the collator of packs"
            )
        del columns["position_ids"]
    return True


def _positions(mask: list[int]) -> list[int]:
    return [(number - 1) * one for number, one in zip(accumulate(mask), mask, strict=True)]


def _tensors(arrays: dict[str, Any]) -> dict[str, Any]:
    try:
        from torch import from_numpy
    except ImportError as error:
        raise DataError(
            f'`return_tensors="pt"` needs torch, which cannot be imported ({error}); use `return_tensors="np"`'
        ) from None
    return {name: from_numpy(made) for name, made in arrays.items()}


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise DataError(
            f"arrays need numpy, which cannot be imported ({error}); run `pip install numpy`, or use "
            '`return_tensors="list"`'
        ) from None
    return np
