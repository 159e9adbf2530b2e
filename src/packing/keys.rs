//! Random keys from a seed: sorting by them gives an order.

use sha2::{Digest, Sha256};

/// The key of each number from 0 to `count`.
///
/// Keys are the output of `SplitMix64` with a counter as its state, as for the shuffle of `prepare`: each key stands
/// alone, no two are equal, and the same seed gives the same order in every version. Libraries of random numbers do not
/// promise this.
pub(super) fn order(seed: u64, purpose: &str, count: u32) -> Vec<u32> {
    let digest = Sha256::digest(format!("chatmill {purpose} {seed}").as_bytes());
    let start = digest.iter().take(8).rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let mut keyed: Vec<(u64, u32)> = (0..count).map(|number| (key(start, number), number)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, number)| number).collect()
}

fn key(start: u64, number: u32) -> u64 {
    let mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(start);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_depends_on_seed_and_purpose() {
        let order_of = |seed, purpose| order(seed, purpose, 100);
        assert_eq!(order_of(1, "a"), order_of(1, "a"));
        assert_ne!(order_of(1, "a"), order_of(2, "a"));
        assert_ne!(order_of(1, "a"), order_of(1, "b"));
        let mut sorted = order_of(1, "a");
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<u32>>());
    }
}
