//! `FirstFit`: each piece goes into the first pack that has enough room.

use super::bins::Bins;

/// The room of each pack in a tree, in which each node has the largest room below it.
#[derive(Debug)]
pub(super) struct FirstFit {
    capacity: u32,
    max_rows: u32,
    /// The room of a pack plus 1, or 0 if nothing may be added. Node 1 is the root; the second half are the packs.
    tree: Vec<u32>,
    /// The number of pieces of each pack; empty if it does not matter.
    rows: Vec<u32>,
}

impl FirstFit {
    pub(super) fn new(capacity: u32, max_rows: Option<u32>) -> FirstFit {
        FirstFit { capacity, max_rows: max_rows.unwrap_or(u32::MAX), tree: vec![0; 2], rows: Vec::new() }
    }

    /// Places the pieces of a group, in this order.
    pub(super) fn place(&mut self, pieces: impl Iterator<Item = (u32, u32)>, bins: &mut Bins) {
        let first = bins.count;
        self.tree = vec![0; 2];
        self.rows.clear();
        for (piece, size) in pieces {
            let (at, room) = match self.first_at_least(size) {
                Some(at) => (at, self.tree[self.packs() + at] - 1),
                None => {
                    let at = (bins.open() - first) as usize;
                    self.grow(at);
                    if self.max_rows != u32::MAX {
                        self.rows.push(0);
                    }
                    (at, self.capacity)
                }
            };
            bins.put(piece, first + at as u32);
            let is_open = match self.rows.get_mut(at) {
                Some(rows) => {
                    *rows += 1;
                    *rows < self.max_rows
                }
                None => true,
            };
            self.set(at, if is_open && room > size { room - size + 1 } else { 0 });
        }
    }

    /// The number of packs that the tree has room for.
    fn packs(&self) -> usize {
        self.tree.len() / 2
    }

    fn first_at_least(&self, size: u32) -> Option<usize> {
        let needed = size.saturating_add(1);
        if self.tree[1] < needed {
            return None;
        }
        let mut node = 1;
        while node < self.packs() {
            node *= 2;
            if self.tree[node] < needed {
                node += 1;
            }
        }
        Some(node - self.packs())
    }

    fn set(&mut self, at: usize, room: u32) {
        let mut node = self.packs() + at;
        self.tree[node] = room;
        while node > 1 {
            node /= 2;
            let largest = self.tree[2 * node].max(self.tree[2 * node + 1]);
            if self.tree[node] == largest {
                return;
            }
            self.tree[node] = largest;
        }
    }

    /// Makes room for pack `at`.
    fn grow(&mut self, at: usize) {
        let packs = self.packs();
        if at < packs {
            return;
        }
        let mut tree = vec![0; 4 * packs];
        tree[2 * packs..3 * packs].copy_from_slice(&self.tree[packs..]);
        for node in (1..2 * packs).rev() {
            tree[node] = tree[2 * node].max(tree[2 * node + 1]);
        }
        self.tree = tree;
    }
}
