//! `pack`: the packs of a strategy.

use super::best_fit::BestFit;
use super::bins::Bins;
use super::first_fit::FirstFit;
use super::keys;
use super::knapsack::Knapsack;
use super::next_fit::NextFit;
use super::options::{PackOptions, Strategy};
use super::plan::Slice;
use crate::error::{Error, ErrorKind, Result};
use crate::interrupt;

/// The pieces between two looks for an interrupt: about 10 ms.
const WATCHED: u32 = 1 << 17;

/// How pieces find their packs.
enum Fit {
    Best(BestFit),
    First(FirstFit),
    Knapsack(Knapsack),
    Next(NextFit),
}

impl Fit {
    fn new(options: &PackOptions) -> Fit {
        let (capacity, max_rows) = (options.max_length.get(), options.max_rows.map(Into::into));
        match options.strategy {
            Strategy::Bfd | Strategy::BfdSplit => Fit::Best(BestFit::new(capacity, max_rows)),
            Strategy::Ffd | Strategy::FirstFit | Strategy::FirstFitShuffle | Strategy::Multipack => {
                Fit::First(FirstFit::new(capacity, max_rows))
            }
            Strategy::Knapsack => Fit::Knapsack(Knapsack::new(capacity, max_rows)),
            Strategy::Sequential | Strategy::Wrapped => Fit::Next(NextFit::new(capacity, max_rows)),
        }
    }

    /// Places pieces with their sizes, in this order.
    fn place(&mut self, pieces: impl Iterator<Item = (u32, u32)>, bins: &mut Bins) {
        match self {
            Fit::Best(fit) => fit.place(pieces, bins),
            Fit::First(fit) => fit.place(pieces, bins),
            Fit::Knapsack(sack) => sack.place(pieces, bins),
            Fit::Next(fit) => fit.place(pieces, bins),
        }
    }
}

/// Distributes pieces over packs. The pieces are in the order of their rows.
///
/// # Errors
///
/// Fails if the work was interrupted.
pub(super) fn pack(pieces: &[Slice], options: &PackOptions) -> Result<Bins> {
    let mut bins = Bins::with_capacity(pieces.len());
    let mut fit = Fit::new(options);
    let (mut seen, mut is_interrupted) = (0, false);
    for group in groups(pieces, options) {
        let order = match options.strategy {
            Strategy::Bfd | Strategy::BfdSplit | Strategy::Ffd => longest_first(pieces, group, options),
            Strategy::FirstFitShuffle => shuffled(group, options.seed.unwrap_or(0)),
            _ => group.collect(),
        };
        let sized = order.iter().map(|&piece| (piece, options.room(pieces[piece as usize].len())));
        let watched = sized.take_while(|_| {
            seen += 1;
            is_interrupted = is_interrupted || (seen % WATCHED == 0 && interrupt::is_interrupted());
            !is_interrupted
        });
        fit.place(watched, &mut bins);
        if is_interrupted {
            return Err(Error::new(ErrorKind::Interrupted, "packing was interrupted"));
        }
    }
    Ok(bins)
}

/// The ranges of pieces whose rows share packs.
fn groups(pieces: &[Slice], options: &PackOptions) -> Vec<std::ops::Range<u32>> {
    let all = 0..pieces.len() as u32;
    let Some(size) = options.group_size else { return vec![all] };
    let mut groups = Vec::new();
    let mut start = 0;
    while start < all.end {
        let group = pieces[start as usize].row / size;
        let length = pieces[start as usize..].partition_point(|piece| piece.row / size == group);
        groups.push(start..start + length as u32);
        start += length as u32;
    }
    groups
}

/// Pieces by their size, the longest first. Equal ones stay in their order.
fn longest_first(pieces: &[Slice], group: std::ops::Range<u32>, options: &PackOptions) -> Vec<u32> {
    let size = |piece: u32| options.room(pieces[piece as usize].len()) as usize;
    if group.len() < options.max_length.get() as usize / 8 {
        let mut order: Vec<u32> = group.collect();
        order.sort_by_key(|&piece| std::cmp::Reverse(size(piece)));
        return order;
    }
    // Counting takes less time than sorting if there are many pieces.
    let mut starts = vec![0_u32; options.max_length.get() as usize + 2];
    group.clone().for_each(|piece| starts[size(piece)] += 1);
    let mut start = 0;
    for count in starts.iter_mut().rev() {
        let own = *count;
        *count = start;
        start += own;
    }
    let mut order = vec![0_u32; group.len()];
    for piece in group {
        let place = &mut starts[size(piece)];
        order[*place as usize] = piece;
        *place += 1;
    }
    order
}

fn shuffled(group: std::ops::Range<u32>, seed: u64) -> Vec<u32> {
    let first = group.start;
    keys::order(seed, &format!("rows from {first}"), group.len() as u32).into_iter().map(|at| first + at).collect()
}
