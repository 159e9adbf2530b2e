//! The lengths at which `max_length` is tried out. Between them lie cells of positions.

use std::sync::LazyLock;

/// The lengths: eight for each power of two from 64 to 2^21. So each usual `max_length` is one of them, and two
/// neighbors differ by at most an eighth.
pub static LIMITS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let octave = |power: u32| (8..16).map(move |eighths| eighths << (power - 3));
    (6..21).flat_map(octave).chain([1 << 21]).collect()
});

/// Counts the trained tokens of a sequence in each cell: cell 0 holds the positions before the first of [`LIMITS`], cell
/// `i` those from limit `i - 1` on.
pub fn limit_cells(is_trained: impl Fn(std::ops::Range<usize>) -> usize, length: usize, cells: &mut Vec<u64>) {
    let mut start = 0;
    for (cell, end) in LIMITS.iter().map(|&limit| limit as usize).chain([usize::MAX]).enumerate() {
        if start >= length {
            break;
        }
        if cells.len() <= cell {
            cells.resize(cell + 1, 0);
        }
        cells[cell] += is_trained(start..end.min(length)) as u64;
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_limits_are_among_them() {
        for power in 6..=21 {
            assert!(LIMITS.contains(&(1 << power)), "{power}");
        }
        assert!([3072, 6144, 12288, 20480, 24576].iter().all(|limit| LIMITS.contains(limit)));
        assert!(LIMITS.windows(2).all(|pair| pair[0] < pair[1] && pair[1] * 8 <= pair[0] * 9));
    }

    #[test]
    fn each_position_is_in_one_cell() {
        for length in [0, 1, 63, 64, 65, 128, 1000, (1 << 21) + 5] {
            let mut cells = Vec::new();
            limit_cells(|range| range.len(), length, &mut cells);
            assert_eq!(cells.iter().sum::<u64>(), length as u64);
            assert!(cells.len() <= LIMITS.len() + 1);
        }
        let mut cells = vec![1];
        limit_cells(|range| range.len(), 72, &mut cells);
        assert_eq!(cells, [65, 8]);
    }
}
