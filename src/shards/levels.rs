//! `ListLevels`: where the lists of a column begin, and which are empty, as Parquet's levels.

use super::runs::{push_run, width_of};

/// The greatest levels of a column of lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxLevels {
    /// Of a value.
    pub(super) definition: u32,
    /// Of a list without values.
    pub(super) empty: u32,
}

/// The levels of consecutive lists, none of which is null.
#[derive(Debug, Default)]
pub(super) struct ListLevels {
    repetition: LevelRuns,
    definition: LevelRuns,
}

impl ListLevels {
    /// Adds a list of `values` values.
    pub(super) fn push(&mut self, values: usize, max: MaxLevels) {
        self.repetition.push(0, 1, 1);
        if values > 1 {
            self.repetition.push(1, values - 1, 1);
        }
        let level = if values == 0 { max.empty } else { max.definition };
        self.definition.push(level, values.max(1), width_of(max.definition));
    }

    /// The number of levels: one for each value and for each empty list.
    pub(super) fn len(&self) -> usize {
        self.definition.len
    }

    /// Appends all levels to a page, and forgets them.
    pub(super) fn flush(&mut self, max: MaxLevels, page: &mut Vec<u8>) {
        self.repetition.flush(1, page);
        self.definition.flush(width_of(max.definition), page);
    }
}

/// Levels in runs of equal ones.
#[derive(Debug, Default)]
struct LevelRuns {
    bytes: Vec<u8>,
    level: u32,
    /// How often `level` was added since it was written last.
    open: usize,
    len: usize,
}

impl LevelRuns {
    fn push(&mut self, level: u32, count: usize, width: u32) {
        if level != self.level {
            self.close(width);
            self.level = level;
        }
        self.open += count;
        self.len += count;
    }

    fn close(&mut self, width: u32) {
        if self.open > 0 {
            push_run(self.level, self.open, width, &mut self.bytes);
            self.open = 0;
        }
    }

    fn flush(&mut self, width: u32, page: &mut Vec<u8>) {
        self.close(width);
        page.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        page.append(&mut self.bytes);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_begin_with_the_level_0() {
        let max = MaxLevels { definition: 3, empty: 1 };
        let mut levels = ListLevels::default();
        for values in [3, 0, 1] {
            levels.push(values, max);
        }
        assert_eq!(levels.len(), 5);
        let mut page = Vec::new();
        levels.flush(max, &mut page);
        // Repetition: 0, 1 1, 0 0. Definition: 3 3 3, 1, 3.
        assert_eq!(page, [6, 0, 0, 0, 2, 0, 4, 1, 4, 0, 6, 0, 0, 0, 6, 3, 2, 1, 2, 3]);
        assert_eq!(levels.len(), 0);
    }
}
