//! `PackPlan`: for each pack, which tokens of which rows it has.

use super::keys;
use super::options::{PackOptions, Remainder, Strategy};
use super::pieces::Pieces;
use super::report::PackReport;
use super::strategy::pack;
use crate::error::Result;

/// Tokens of a row: all of them, or a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The number of the row.
    pub row: u32,
    /// The first token.
    pub start: u32,
    /// The token after the last one.
    pub stop: u32,
}

impl Slice {
    /// The number of tokens.
    pub(super) fn len(self) -> u32 {
        self.stop - self.start
    }
}

/// For each pack, which tokens of which rows it has.
#[derive(Debug, Clone, PartialEq)]
pub struct PackPlan {
    options: PackOptions,
    /// The lengths of all rows.
    lengths: Vec<u32>,
    slices: Vec<Slice>,
    /// Where the slices of each pack end.
    ends: Vec<u32>,
    dropped: Vec<u32>,
    report: PackReport,
}

impl PackPlan {
    /// A plan for rows of these lengths.
    ///
    /// # Errors
    ///
    /// Fails if options contradict each other, or if a row is longer than a pack and this is an error.
    pub fn of(lengths: Vec<u32>, options: &PackOptions) -> Result<PackPlan> {
        let options = options.resolved()?;
        let Pieces { slices: pieces, mut dropped, cut, empty } = Pieces::of(&lengths, &options)?;
        let report = PackReport {
            rows: lengths.len() as u64,
            cut_rows: cut.0,
            cut_tokens: cut.1,
            empty_rows: empty,
            dropped_tokens: dropped.iter().map(|&row| u64::from(lengths[row as usize])).sum(),
            ..PackReport::default()
        };
        let (mut slices, mut ends) = match options.strategy {
            Strategy::Wrapped => wrapped(&pieces, &options),
            _ => {
                let (order, ends) = pack(&pieces, &options)?.grouped();
                (order.into_iter().map(|piece| pieces[piece as usize]).collect(), ends)
            }
        };
        drop(pieces);
        if let Some(seed) = options.seed {
            (slices, ends) = shuffled(&slices, &ends, seed);
        }
        let mut plan = PackPlan { options, lengths, slices, ends, dropped: Vec::new(), report };
        plan.make_multiple(&mut dropped);
        dropped.sort_unstable();
        dropped.dedup();
        plan.dropped = dropped;
        plan.count();
        Ok(plan)
    }

    /// The options, with what the strategy says.
    pub fn options(&self) -> &PackOptions {
        &self.options
    }

    /// The lengths of the rows for which the plan was made.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// The number of packs.
    pub fn num_packs(&self) -> usize {
        self.ends.len()
    }

    /// The slices of each pack.
    pub fn packs(&self) -> impl Iterator<Item = &[Slice]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.slices[start as usize..end as usize])
    }

    /// The rows of which tokens are in no pack, because they are too long, or because their pack was dropped.
    pub fn dropped(&self) -> &[u32] {
        &self.dropped
    }

    /// The figures of the plan.
    pub fn report(&self) -> PackReport {
        self.report
    }

    /// Appends or drops packs, so that their number is a multiple.
    fn make_multiple(&mut self, dropped: &mut Vec<u32>) {
        let multiple = self.options.multiple_of.get() as usize;
        let beyond = self.ends.len() % multiple;
        if beyond == 0 {
            return;
        }
        match self.options.remainder {
            Remainder::Pad => {
                let end = self.ends.last().copied().unwrap_or(0);
                self.ends.resize(self.ends.len() + multiple - beyond, end);
                self.report.empty_packs = (multiple - beyond) as u64;
            }
            Remainder::Drop => {
                self.ends.truncate(self.ends.len() - beyond);
                let lost = self.slices.split_off(self.ends.last().copied().unwrap_or(0) as usize);
                self.report.dropped_tokens += lost.iter().map(|slice| u64::from(slice.len())).sum::<u64>();
                dropped.extend(lost.iter().map(|slice| slice.row));
            }
        }
    }

    fn count(&mut self) {
        let lengths = || self.slices.iter().map(|slice| u64::from(slice.len()));
        let (tokens, squared) = (lengths().sum(), lengths().map(|length| u128::from(length * length)).sum());
        let most_rows = self.packs().map(|pack| pack.len() as u64).max().unwrap_or(0);
        self.report = PackReport {
            packs: self.ends.len() as u64,
            tokens,
            room: self.ends.len() as u64 * u64::from(self.options.max_length.get()),
            most_rows,
            pieces: self.slices.len() as u64,
            squared_lengths: squared,
            dropped_rows: self.dropped.len() as u64,
            ..self.report
        };
    }
}

/// The tokens of all rows one after the other, cut at the length of a pack. A pack also ends with a group.
fn wrapped(rows: &[Slice], options: &PackOptions) -> (Vec<Slice>, Vec<u32>) {
    let capacity = options.max_length.get();
    let group = |slice: &Slice| options.group_size.map(|size| slice.row / size);
    let (mut slices, mut ends, mut room) = (Vec::with_capacity(rows.len()), Vec::new(), capacity);
    let mut last = None;
    for row in rows {
        if room < capacity && last.is_some_and(|last| last != group(row)) {
            ends.push(slices.len() as u32);
            room = capacity;
        }
        last = Some(group(row));
        let mut rest = *row;
        while rest.len() > 0 {
            let stop = rest.start + rest.len().min(room);
            slices.push(Slice { stop, ..rest });
            room -= stop - rest.start;
            rest.start = stop;
            if room == 0 {
                ends.push(slices.len() as u32);
                room = capacity;
            }
        }
    }
    if room < capacity {
        ends.push(slices.len() as u32);
    }
    (slices, ends)
}

/// The packs in a random order.
fn shuffled(slices: &[Slice], ends: &[u32], seed: u64) -> (Vec<Slice>, Vec<u32>) {
    let (mut moved, mut new_ends) = (Vec::with_capacity(slices.len()), Vec::with_capacity(ends.len()));
    for pack in keys::order(seed, "packs", ends.len() as u32) {
        let start = if pack == 0 { 0 } else { ends[pack as usize - 1] };
        moved.extend_from_slice(&slices[start as usize..ends[pack as usize] as usize]);
        new_ends.push(moved.len() as u32);
    }
    (moved, new_ends)
}
