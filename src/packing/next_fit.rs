//! `NextFit`: pieces stay in their order, and a pack ends where the next piece does not fit.

use super::bins::Bins;

/// The limits of packs.
#[derive(Debug)]
pub(super) struct NextFit {
    capacity: u32,
    max_rows: u32,
}

impl NextFit {
    pub(super) fn new(capacity: u32, max_rows: Option<u32>) -> NextFit {
        NextFit { capacity, max_rows: max_rows.unwrap_or(u32::MAX) }
    }

    /// Places the pieces of a group, in this order.
    pub(super) fn place(&self, pieces: impl Iterator<Item = (u32, u32)>, bins: &mut Bins) {
        // The last pack, its room, and the number of its pieces.
        let mut last: Option<(u32, u32, u32)> = None;
        for (piece, size) in pieces {
            let (pack, room, rows) = match last {
                Some(open @ (_, room, rows)) if size <= room && rows < self.max_rows => open,
                _ => (bins.open(), self.capacity, 0),
            };
            bins.put(piece, pack);
            last = Some((pack, room - size, rows + 1));
        }
    }
}
