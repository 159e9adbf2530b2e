//! The lengths at which `max_length` is tried out. Between them lie cells of positions.

use std::sync::LazyLock;

/// The lengths: four for each power of two from 128 to 2^21. So each usual `max_length` is one of them, and two
/// neighbors differ by at most a quarter.
pub static LIMITS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let octave = |power: u32| (4..8).map(move |quarters| quarters << (power - 2));
    (7..21).flat_map(octave).chain([1 << 21]).collect()
});

/// Counts the trained tokens of a sequence in each cell: cell 0 holds the positions before the first of [`LIMITS`], cell
/// `i` those from limit `i - 1` on.
pub fn limit_cells(mut trained: impl FnMut(std::ops::Range<usize>) -> usize, length: usize, cells: &mut Vec<u64>) {
    let mut start = 0;
    for (cell, end) in LIMITS.iter().map(|&limit| limit as usize).chain([usize::MAX]).enumerate() {
        if start >= length {
            break;
        }
        if cells.len() <= cell {
            cells.resize(cell + 1, 0);
        }
        cells[cell] += trained(start..end.min(length)) as u64;
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_limits_are_among_them() {
        for power in 7..=21 {
            assert!(LIMITS.contains(&(1 << power)), "{power}");
        }
        assert!([1536, 3072, 6144, 12288, 20480, 24576].iter().all(|limit| LIMITS.contains(limit)));
        assert!(LIMITS.windows(2).all(|pair| pair[0] < pair[1] && pair[1] * 4 <= pair[0] * 5));
    }

    #[test]
    fn each_position_is_in_one_cell() {
        for length in [0, 1, 127, 128, 129, 160, 1000, (1 << 21) + 5] {
            let mut cells = Vec::new();
            limit_cells(|range| range.len(), length, &mut cells);
            assert_eq!(cells.iter().sum::<u64>(), length as u64);
            assert!(cells.len() <= LIMITS.len() + 1);
        }
        let mut cells = vec![1];
        limit_cells(|range| range.len(), 136, &mut cells);
        assert_eq!(cells, [129, 8]);
    }
}
