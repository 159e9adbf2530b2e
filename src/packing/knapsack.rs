//! `Knapsack`: each pack takes the longest piece that fits, until none fits.

use super::bins::Bins;
use super::spaces::NumberSet;

/// No piece.
const NONE: u32 = u32::MAX;

/// The pieces that wait, by their sizes.
#[derive(Debug)]
pub(super) struct Knapsack {
    capacity: u32,
    max_rows: u32,
    sizes: NumberSet,
    /// The last piece of each size, which is taken first.
    last: Vec<u32>,
}

impl Knapsack {
    pub(super) fn new(capacity: u32, max_rows: Option<u32>) -> Knapsack {
        Knapsack {
            capacity,
            max_rows: max_rows.unwrap_or(u32::MAX),
            sizes: NumberSet::up_to(capacity),
            last: vec![NONE; capacity as usize + 1],
        }
    }

    /// Places the pieces of a group.
    pub(super) fn place(&mut self, pieces: impl Iterator<Item = (u32, u32)>, bins: &mut Bins) {
        let first = bins.pieces.len();
        // The piece with the same size before each piece.
        let mut before = Vec::new();
        let mut waiting = Vec::new();
        for (piece, size) in pieces {
            before.push(self.last[size as usize]);
            self.last[size as usize] = waiting.len() as u32;
            self.sizes.insert(size);
            waiting.push(piece);
        }
        while bins.pieces.len() - first < waiting.len() {
            let (pack, mut room, mut rows) = (bins.open(), self.capacity, 0);
            while rows < self.max_rows
                && let Some(size) = self.sizes.at_most(room)
            {
                let at = self.last[size as usize] as usize;
                self.last[size as usize] = before[at];
                if before[at] == NONE {
                    self.sizes.remove(size);
                }
                bins.put(waiting[at], pack);
                room -= size;
                rows += 1;
            }
        }
    }
}
