//! `PackOptions`: how rows are packed.

use std::num::NonZeroU32;

use crate::choice::Choice;
use crate::encode::Truncation;
use crate::error::{Error, ErrorKind, Result};

/// How rows are distributed over packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Best fit, longest rows first: each row goes into the pack with the least room that is enough. As TRL's `bfd`.
    Bfd,
    /// As `Bfd`, after longer rows were split. As TRL's `bfd_split`.
    BfdSplit,
    /// First fit, longest rows first: each row goes into the first pack with enough room.
    Ffd,
    /// First fit in the order of the rows.
    FirstFit,
    /// First fit in a random order, as `NeMo`'s.
    FirstFitShuffle,
    /// First fit in the order of the rows, within groups of 100,000 rows and with at most 200 rows a pack, as axolotl's.
    Multipack,
    /// Each pack takes the longest row that fits, again and again, as LLaMA-Factory's.
    Knapsack,
    /// Rows stay in their order: a pack ends where the next row does not fit.
    Sequential,
    /// All tokens in their order, cut at the length of a pack, as TRL's `wrapped`.
    Wrapped,
}

impl Choice for Strategy {
    const OPTION: &'static str = "strategy";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("bfd", Strategy::Bfd),
        ("bfd_split", Strategy::BfdSplit),
        ("ffd", Strategy::Ffd),
        ("first_fit", Strategy::FirstFit),
        ("first_fit_shuffle", Strategy::FirstFitShuffle),
        ("multipack", Strategy::Multipack),
        ("knapsack", Strategy::Knapsack),
        ("sequential", Strategy::Sequential),
        ("wrapped", Strategy::Wrapped),
    ];
}

/// What to do if the number of packs is not a multiple of `multiple_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// Append packs without rows.
    Pad,
    /// Drop the last packs.
    Drop,
}

impl Choice for Remainder {
    const OPTION: &'static str = "remainder";
    const NAMES: &'static [(&'static str, Self)] = &[("pad", Remainder::Pad), ("drop", Remainder::Drop)];
}

/// The longest pack. Best fit has 8 bytes for each possible room.
const MAX_LENGTH: u32 = 1 << 26;
/// The rows of a group of axolotl, and the most rows of its packs.
const MULTIPACK: (u32, u32) = (100_000, 200);

/// How rows are packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// The length of a pack in tokens.
    pub max_length: NonZeroU32,
    /// How rows are distributed over packs.
    pub strategy: Strategy,
    /// What happens to rows that are longer than a pack.
    pub truncation: Truncation,
    /// The seed of the order of packs. Without it, packs are in the order in which they were opened.
    pub seed: Option<u64>,
    /// The most rows of a pack.
    pub max_rows: Option<NonZeroU32>,
    /// The length of each row is rounded up to a multiple of it.
    pub align: NonZeroU32,
    /// Whether the length of a row counts without one token, because inputs and labels are shifted by one.
    pub shifted: bool,
    /// The rows of a group. Only rows of one group share packs. Without it, all rows are one group.
    pub group_size: Option<NonZeroU32>,
    /// The number of packs is made a multiple of it.
    pub multiple_of: NonZeroU32,
    /// What happens if it is not.
    pub remainder: Remainder,
}

impl PackOptions {
    /// Best fit of whole rows, whose ends are cut if they are longer than a pack.
    pub fn new(max_length: NonZeroU32) -> PackOptions {
        PackOptions {
            max_length,
            strategy: Strategy::Bfd,
            truncation: Truncation::KeepStart,
            seed: None,
            max_rows: None,
            align: NonZeroU32::MIN,
            shifted: false,
            group_size: None,
            multiple_of: NonZeroU32::MIN,
            remainder: Remainder::Pad,
        }
    }

    /// The options as they are used: with what the strategy says.
    ///
    /// # Errors
    ///
    /// Fails if options contradict each other.
    pub(super) fn resolved(&self) -> Result<PackOptions> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Option, text));
        let mut options = self.clone();
        if self.max_length.get() > MAX_LENGTH {
            return wrong(format!("`max_length` is {}; use at most {MAX_LENGTH}", self.max_length));
        }
        let splits = matches!(self.strategy, Strategy::BfdSplit | Strategy::Wrapped);
        if splits && !matches!(self.truncation, Truncation::KeepStart | Truncation::Split) {
            return wrong(format!(
                "`strategy` \"{}\" splits longer rows, so `truncation` \"{}\" has no effect; leave it out, or use another \
                 strategy",
                self.strategy.name(),
                self.truncation.name()
            ));
        }
        match self.strategy {
            Strategy::BfdSplit => options.truncation = Truncation::Split,
            Strategy::Multipack => {
                options.group_size = self.group_size.or(NonZeroU32::new(MULTIPACK.0));
                options.max_rows = self.max_rows.or(NonZeroU32::new(MULTIPACK.1));
            }
            Strategy::Wrapped if self.align.get() > 1 || self.shifted || self.max_rows.is_some() => {
                return wrong(
                    "`strategy=\"wrapped\"` cuts the tokens of all rows at the length of a pack, so it has no `align`, \
                     `shifted` or `max_rows`; leave them out, or use `strategy=\"sequential\"`"
                        .to_owned(),
                );
            }
            _ => {}
        }
        if options.truncation == Truncation::Turns {
            return wrong(
                "`truncation` is \"turns\", but turns are not known after tokenizing; use \"keep_start\", \"keep_end\", \
                 \"drop\", \"raise\" or \"split\", or truncate in `prepare` with `max_length`"
                    .to_owned(),
            );
        }
        if options.align > options.max_length {
            return wrong(format!(
                "`align` is {}, but a pack has {} tokens; use at most the length of a pack",
                options.align, options.max_length
            ));
        }
        Ok(options)
    }

    /// The room that a row of `length` tokens takes.
    pub(super) fn room(&self, length: u32) -> u32 {
        let counted = length.saturating_sub(u32::from(self.shifted));
        // A row that is longer than a pack is cut before its room is asked, so this cannot overflow.
        counted.div_ceil(self.align.get()).saturating_mul(self.align.get())
    }

    /// The tokens that a row of `length` tokens fills, with the padding that aligns it.
    pub(super) fn width(&self, length: u32) -> u32 {
        if length == 0 { 0 } else { self.room(length) + u32::from(self.shifted) }
    }

    /// The most tokens of a row in a pack.
    pub(super) fn longest(&self) -> u32 {
        if self.strategy == Strategy::Wrapped {
            return u32::MAX;
        }
        let aligned = self.max_length.get() / self.align.get() * self.align.get();
        aligned.saturating_add(u32::from(self.shifted))
    }
}
