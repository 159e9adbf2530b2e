//! `IdMap`: a map of numbers that nobody chooses to make it slow, so its hash can be simple.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from token ids, lengths or hashes. The hasher of the standard library takes a third of the time of all
/// statistics.
pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Multiplies by an odd number whose bits are mixed, and folds the upper half into the lower one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_i32(&mut self, value: i32) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * 0x9E37_79B9_7F4A_7C15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_numbers_are_far_apart() {
        let mut map: IdMap<i32, usize> = IdMap::default();
        for id in -1000..1000 {
            *map.entry(id).or_default() += 1;
        }
        assert!(map.len() == 2000 && map.values().all(|count| *count == 1));
        let hash = |value: u32| {
            let mut hasher = IdHasher::default();
            hasher.write_u32(value);
            // The upper seven bits and the lower bits choose the place in the table.
            (hasher.finish() >> 57, hasher.finish() & 0xFFFF)
        };
        let places: std::collections::HashSet<_> = (0..10_000).map(hash).collect();
        assert!(places.len() > 9_900);
    }
}
