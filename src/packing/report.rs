//! `PackReport`: the figures of a plan.

/// The figures of a plan. Tokens are those of rows, without padding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PackReport {
    /// The number of rows.
    pub rows: u64,
    /// The number of packs.
    pub packs: u64,
    /// The packs without rows, which make the number of packs a multiple.
    pub empty_packs: u64,
    /// The tokens in packs.
    pub tokens: u64,
    /// The tokens of `packs` full packs.
    pub room: u64,
    /// The most rows, or parts of rows, of a pack.
    pub most_rows: u64,
    /// The rows, or parts of rows, in packs.
    pub pieces: u64,
    /// The sum of the squares of their lengths: what attention costs, since it does not cross rows.
    pub squared_lengths: u128,
    /// The rows that were dropped because they are longer than a pack, or with the packs beyond a multiple.
    pub dropped_rows: u64,
    /// The tokens of these rows.
    pub dropped_tokens: u64,
    /// The rows that lost tokens.
    pub cut_rows: u64,
    /// The tokens that they lost.
    pub cut_tokens: u64,
    /// The rows without tokens, which are in no pack.
    pub empty_rows: u64,
}

impl PackReport {
    /// The share of the room that tokens fill; 1 if there is no pack.
    pub fn efficiency(&self) -> f64 {
        if self.room == 0 { 1.0 } else { self.tokens as f64 / self.room as f64 }
    }
}
