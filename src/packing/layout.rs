//! `PackLayout`: where the rows of packs lie, if the packs follow one another.

use super::options::PackOptions;
use super::packed::PackPadding;
use super::plan::{PackPlan, Slice};
use crate::error::{Error, ErrorKind, Result};

/// The sequences of packs: rows, each with the padding that aligns it, and the padding at the end of a pack.
#[derive(Debug, Default)]
pub(super) struct PackLayout {
    packs: Vec<Sequences>,
}

/// The sequences of one pack.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    /// The lengths of rows, and with their padding.
    pub(super) rows: Vec<(usize, usize)>,
    /// The padding at the end.
    pub(super) tail: usize,
    /// Where the pack ends.
    end: usize,
}

impl PackLayout {
    /// The layout of packs.
    ///
    /// # Errors
    ///
    /// Fails if there must be padding, but it has no id, or if there are 2^31 tokens or more.
    pub(super) fn of(packs: &[&[Slice]], options: &PackOptions, padding: PackPadding) -> Result<PackLayout> {
        let mut layout = PackLayout::default();
        let (mut end, mut has_padding) = (0, false);
        for pack in packs {
            let pack = Sequences::of(pack, options, padding);
            has_padding |= pack.tail > 0 || pack.rows.iter().any(|(length, width)| length < width);
            end += pack.lengths().sum::<usize>();
            layout.packs.push(Sequences { end, ..pack });
        }
        if has_padding && padding.id.is_none() {
            let text = "packs need padding, but there is no pad token; give `pad_id`";
            return Err(Error::new(ErrorKind::Option, text));
        }
        if i32::try_from(end).is_err() {
            let text = format!("the packs have {end} tokens, and a batch holds 2^31 - 1; take fewer packs at once");
            return Err(Error::new(ErrorKind::Batch, text));
        }
        Ok(layout)
    }

    pub(super) fn packs(&self) -> &[Sequences] {
        &self.packs
    }

    /// The number of all tokens.
    pub(super) fn total(&self) -> usize {
        self.packs.last().map_or(0, |pack| pack.end)
    }

    /// Where each pack ends.
    pub(super) fn ends(&self) -> impl Iterator<Item = usize> {
        self.packs.iter().map(|pack| pack.end)
    }
}

impl Sequences {
    fn of(pack: &[Slice], options: &PackOptions, padding: PackPadding) -> Sequences {
        let rows: Vec<(usize, usize)> =
            pack.iter().map(|slice| (slice.len() as usize, options.width(slice.len()) as usize)).collect();
        let used: usize = rows.iter().map(|(_, width)| width).sum();
        // A pack without rows is all padding, since a trainer cannot use an empty one.
        let fills = padding.to_max_length || rows.is_empty();
        let tail = if fills { (options.max_length.get() as usize).saturating_sub(used) } else { 0 };
        Sequences { rows, tail, end: 0 }
    }

    /// The lengths of all sequences: those of the rows, and of the padding at the end, which is one more.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|(_, width)| *width).chain((self.tail > 0).then_some(self.tail))
    }
}

/// The number of tokens of each pack, with its padding.
pub fn pack_lengths(plan: &PackPlan, padding: PackPadding) -> impl Iterator<Item = usize> {
    plan.packs().map(move |pack| Sequences::of(pack, plan.options(), padding).lengths().sum())
}
