//! `Bins`: which pieces share a pack.

/// Pieces in the order in which they were placed, each with its pack.
#[derive(Debug, Default)]
pub(super) struct Bins {
    /// The pieces.
    pub(super) pieces: Vec<u32>,
    /// The pack of each of them.
    pub(super) packs: Vec<u32>,
    /// The number of packs.
    pub(super) count: u32,
}

impl Bins {
    /// Makes room for as many pieces.
    pub(super) fn with_capacity(pieces: usize) -> Bins {
        Bins { pieces: Vec::with_capacity(pieces), packs: Vec::with_capacity(pieces), count: 0 }
    }

    /// Opens a pack.
    pub(super) fn open(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    /// Puts a piece into a pack.
    pub(super) fn put(&mut self, piece: u32, pack: u32) {
        self.pieces.push(piece);
        self.packs.push(pack);
    }

    /// The pieces of each pack, in the order in which they were placed: all pieces, and where each pack ends.
    pub(super) fn grouped(self) -> (Vec<u32>, Vec<u32>) {
        let mut ends = vec![0_u32; self.count as usize];
        self.packs.iter().for_each(|&pack| ends[pack as usize] += 1);
        let mut end = 0;
        for count in &mut ends {
            let start = end;
            end += *count;
            // The next free place of the pack. It reaches the end of the pack when all its pieces are placed.
            *count = start;
        }
        let mut grouped = vec![0_u32; self.pieces.len()];
        for (&piece, &pack) in self.pieces.iter().zip(&self.packs) {
            let place = &mut ends[pack as usize];
            grouped[*place as usize] = piece;
            *place += 1;
        }
        (grouped, ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_pack_keep_their_order() {
        let mut bins = Bins::default();
        let (a, b) = (bins.open(), bins.open());
        [(5, a), (3, b), (4, a), (0, b), (1, b)].into_iter().for_each(|(piece, pack)| bins.put(piece, pack));
        assert_eq!(bins.grouped(), (vec![5, 4, 3, 0, 1], vec![2, 5]));
    }
}
