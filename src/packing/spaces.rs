//! `NumberSet`: a set of numbers that finds the next smaller and the next larger one.

/// A set of numbers up to a limit: one bit for each number, and levels above them, with one bit for each word of 64
/// bits that is not empty. So each operation looks at no more than six words. A balanced tree takes about four times as
/// long.
#[derive(Debug)]
pub(super) struct NumberSet {
    levels: Vec<Vec<u64>>,
}

impl NumberSet {
    /// An empty set of numbers up to `limit`.
    pub(super) fn up_to(limit: u32) -> NumberSet {
        let mut levels = Vec::new();
        let mut size = limit as usize + 1;
        loop {
            size = size.div_ceil(64);
            levels.push(vec![0; size]);
            if size == 1 {
                return NumberSet { levels };
            }
        }
    }

    pub(super) fn insert(&mut self, number: u32) {
        let mut at = number as usize;
        for level in &mut self.levels {
            level[at >> 6] |= 1 << (at & 63);
            at >>= 6;
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        let mut at = number as usize;
        for level in &mut self.levels {
            level[at >> 6] &= !(1 << (at & 63));
            if level[at >> 6] != 0 {
                return;
            }
            at >>= 6;
        }
    }

    /// The smallest number that is at least `number`.
    pub(super) fn at_least(&self, number: u32) -> Option<u32> {
        let mut at = number as usize;
        for (height, level) in self.levels.iter().enumerate() {
            let word = level.get(at >> 6)? & (u64::MAX << (at & 63));
            if word != 0 {
                return Some(self.first_below(height, (at & !63) + word.trailing_zeros() as usize));
            }
            at = (at >> 6) + 1;
        }
        None
    }

    /// The largest number that is at most `number`.
    pub(super) fn at_most(&self, number: u32) -> Option<u32> {
        let mut at = number as usize;
        for (height, level) in self.levels.iter().enumerate() {
            let word = level.get(at >> 6)? & (u64::MAX >> (63 - (at & 63)));
            if word != 0 {
                return Some(self.last_below(height, (at & !63) + 63 - word.leading_zeros() as usize));
            }
            at = (at >> 6).checked_sub(1)?;
        }
        None
    }

    /// The smallest number below a bit of a level.
    fn first_below(&self, height: usize, bit: usize) -> u32 {
        let below = self.levels[..height].iter().rev();
        below.fold(bit, |at, level| (at << 6) + level[at].trailing_zeros() as usize) as u32
    }

    /// The largest number below a bit of a level.
    fn last_below(&self, height: usize, bit: usize) -> u32 {
        let below = self.levels[..height].iter().rev();
        below.fold(bit, |at, level| (at << 6) + 63 - level[at].leading_zeros() as usize) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_tree_finds(
            limit in prop_oneof![0_u32..200, 4000_u32..5000, 262_000_u32..263_000],
            steps in prop::collection::vec((any::<u32>(), any::<bool>()), 0..200),
        ) {
            let (mut set, mut tree) = (NumberSet::up_to(limit), BTreeSet::new());
            for (number, inserts) in steps {
                let number = number % (limit + 1);
                if inserts {
                    set.insert(number);
                    tree.insert(number);
                } else {
                    set.remove(number);
                    tree.remove(&number);
                }
                for asked in [0, number, number.saturating_sub(1), (number + 1).min(limit), limit / 2, limit] {
                    prop_assert_eq!(set.at_least(asked), tree.range(asked..).next().copied());
                    prop_assert_eq!(set.at_most(asked), tree.range(..=asked).next_back().copied());
                }
            }
        }
    }
}
