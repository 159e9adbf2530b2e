"""What a report tells of written samples, counted from the shards with polars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

MASKED = -100
#: The report shows this many of the most frequent tokens.
MOST_FREQUENT = 10


@dataclass(frozen=True)
class CountedSamples:
    """Counts of samples.

    Attributes:
        samples: Their number.
        tokens: Their tokens, without padding.
        trained_tokens: Those of them that have a label.
        lengths: Samples by length.
        trained_shares: Samples without trained tokens, by tenth, and trained as a whole.
        first_trained: The most frequent first trained tokens.
        last_trained: The most frequent last trained tokens.
        begins_with_bos: Samples that begin with the begin-of-text token.
        duplicates: Samples that equal an earlier one of the same split.
    """

    samples: int
    tokens: int
    trained_tokens: int
    lengths: dict[int, int]
    trained_shares: list[int]
    first_trained: list[tuple[int, int]]
    last_trained: list[tuple[int, int]]
    begins_with_bos: int
    duplicates: int


def counted_samples(folder: Path, bos: int | None = None, answers: Sequence[str] = ()) -> CountedSamples:
    """Count the samples of all shards of an output.

    Args:
        folder: The output.
        bos: The begin-of-text token.
        answers: The columns of answers, for rows of a prompt with answers.
    """
    splits = [_samples(shards, answers) for shards in _splits(folder)]
    duplicates = sum(it.height - it.unique().height for it in splits)
    samples = pl.concat(splits).with_columns(
        length=pl.col("ids").list.len(), trained=pl.col("labels").list.eval(pl.element() != MASKED).list.sum()
    )
    trained, length = pl.col("trained").cast(pl.Int64), pl.col("length").cast(pl.Int64)
    tenths = -(-10 * trained // length)
    samples = samples.with_columns(share=pl.when((trained == length) & (length > 0)).then(11).otherwise(tenths))
    shares = dict(samples["share"].value_counts().iter_rows())
    return CountedSamples(
        samples=samples.height,
        tokens=int(samples["length"].sum()),
        trained_tokens=int(samples["trained"].sum()),
        lengths=dict(sorted(samples["length"].value_counts().iter_rows())),
        trained_shares=[shares.get(share, 0) for share in range(12)],
        first_trained=_frequent(samples, pl.col("of_trained").list.first()),
        last_trained=_frequent(samples, pl.col("of_trained").list.last()),
        begins_with_bos=samples.filter(pl.col("ids").list.first() == bos).height if bos is not None else 0,
        duplicates=duplicates,
    )


def _splits(folder: Path) -> list[list[Path]]:
    """The shards of training, and of validation if there are any."""
    found = [sorted(folder.rglob(f"{split}-*.parquet")) for split in ("train", "validation")]
    assert found[0], f"{folder} has no shards"
    return [shards for shards in found if shards]


def _samples(shards: Sequence[Path], answers: Sequence[str]) -> pl.DataFrame:
    rows = pl.concat(pl.read_parquet(shard) for shard in shards)
    if not answers:
        # Padding is at the end.
        ids, labels = (pl.col(name).list.head(pl.col("length")) for name in ("input_ids", "labels"))
        return rows.select(ids=ids, labels=labels)
    if "prompt_ids" not in rows.columns:
        rows = rows.with_columns(prompt_ids=pl.col(answers[0]).list.head(0))
    prompt = pl.col("prompt_ids")
    masked = prompt.list.eval(pl.element() * 0 + MASKED)
    return pl.concat(
        rows.select(ids=pl.concat_list(prompt, pl.col(name)), labels=pl.concat_list(masked, pl.col(name)))
        for name in answers
    )


def _frequent(samples: pl.DataFrame, token: pl.Expr) -> list[tuple[int, int]]:
    """The most frequent tokens at a place of the trained ones; of equally frequent ones, the smaller id is first."""
    places = pl.col("labels").list.eval(pl.arg_where(pl.element() != MASKED))
    chosen = samples.filter(pl.col("trained") > 0).select(
        token=pl.struct(of_trained=pl.col("ids").list.gather(places)).struct.field("of_trained")
    )
    counts = chosen.select(of_trained=pl.col("token")).select(token=token).group_by("token").len()
    most = counts.sort(["len", "token"], descending=[True, False]).head(MOST_FREQUENT)
    return list(most.iter_rows())
