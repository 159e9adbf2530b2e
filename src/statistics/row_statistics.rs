//! `RowStatistics`: the sums of the figures of many rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::marks::{Marked, RowMark};
use super::sums::{ByKind, Extreme, StopCounts, TurnTokens, add_counts, add_each, add_kinds, add_named, greater, less};

/// Sequences of roles that are counted; all others are counted together.
pub(super) const MAX_ROLE_SEQUENCES: usize = 200;

/// The sums of the figures of many rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowStatistics {
    /// Sequences by their length before any cut, with those that were rejected for their length.
    pub(super) lengths: BTreeMap<u32, u64>,
    /// Trained tokens of these sequences by [cell](super::limit_cells) of positions.
    pub(super) trained_cells: Vec<u64>,
    /// Bytes of the texts of the rows that became samples, before any cut.
    pub(super) bytes: u64,
    /// Tokens of these texts.
    pub(super) text_tokens: u64,
    /// Trained tokens that were cut off.
    pub(super) cut_trained: u64,
    pub(super) messages: BTreeMap<u64, u64>,
    pub(super) roles: BTreeMap<String, u64>,
    pub(super) tools: BTreeMap<u64, u64>,
    /// Rows whose regions are known.
    pub(super) region_rows: u64,
    pub(super) regions: BTreeMap<String, ByKind>,
    pub(super) turns: Vec<TurnTokens>,
    pub(super) stops: StopCounts,
    pub(super) reasoning_given: u64,
    pub(super) reasoning_printed: u64,
    pub(super) marks: BTreeMap<String, Marked>,
    pub(super) longest: Option<Extreme>,
    pub(super) least_trained: Option<Extreme>,
    pub(super) most_turns: Option<Extreme>,
}

impl RowStatistics {
    /// Bytes of the texts of the rows that became samples, and tokens of these texts, before any cut.
    pub fn texts(&self) -> (u64, u64) {
        (self.bytes, self.text_tokens)
    }

    /// The first row with each mark or note, by its code.
    pub fn first_rows(&self) -> impl Iterator<Item = (&str, u64)> {
        self.marks.iter().map(|(code, marked)| (code.as_str(), marked.first))
    }

    /// The rows with the longest sample, the least trained share that is not 0, and the most messages.
    pub fn extremes(&self) -> impl Iterator<Item = (&'static str, Extreme)> {
        let found = [("longest", self.longest), ("least_trained", self.least_trained), ("most_turns", self.most_turns)];
        found.into_iter().filter_map(|(name, extreme)| Some((name, extreme?)))
    }

    /// Rows whose regions are known.
    pub fn region_rows(&self) -> u64 {
        self.region_rows
    }

    /// Adds only what regions tell, of some of the rows: their tokens by role, kind and turn, stop tokens, and marks.
    /// `rows` has the number of each of them.
    pub fn add_regions(&mut self, other: &RowStatistics, rows: &[u64]) {
        self.add_region_sums(other);
        for mark in RowMark::OF_REGIONS {
            let Some(marked) = other.marks.get(mark.code()) else { continue };
            let first = rows.get(marked.first as usize).copied().unwrap_or_default();
            match self.marks.get_mut(mark.code()) {
                Some(mine) => mine.rows += marked.rows,
                None => {
                    self.marks.insert(mark.code().to_owned(), Marked { rows: marked.rows, first });
                }
            }
        }
    }

    fn add_region_sums(&mut self, other: &RowStatistics) {
        self.region_rows += other.region_rows;
        for (role, kinds) in &other.regions {
            add_kinds(&mut self.regions, role, kinds);
        }
        if self.turns.len() < other.turns.len() {
            self.turns.resize(other.turns.len(), TurnTokens::default());
        }
        self.turns.iter_mut().zip(&other.turns).for_each(|(mine, theirs)| mine.add(*theirs));
        self.stops.add(other.stops);
        self.reasoning_given += other.reasoning_given;
        self.reasoning_printed += other.reasoning_printed;
    }

    /// Adds the statistics of later rows, whose numbers begin at `first_row`.
    pub fn add(&mut self, other: &RowStatistics, first_row: usize) {
        let first_row = first_row as u64;
        add_counts(&mut self.lengths, &other.lengths);
        add_each(&mut self.trained_cells, &other.trained_cells);
        self.bytes += other.bytes;
        self.text_tokens += other.text_tokens;
        self.cut_trained += other.cut_trained;
        add_counts(&mut self.messages, &other.messages);
        add_counts(&mut self.tools, &other.tools);
        for (roles, rows) in &other.roles {
            add_named(&mut self.roles, roles, *rows, MAX_ROLE_SEQUENCES);
        }
        self.add_region_sums(other);
        for (code, marked) in &other.marks {
            match self.marks.get_mut(code) {
                Some(mine) => mine.rows += marked.rows,
                None => {
                    self.marks.insert(code.clone(), Marked { rows: marked.rows, first: marked.first + first_row });
                }
            }
        }
        for (mine, theirs) in [(&mut self.longest, &other.longest), (&mut self.most_turns, &other.most_turns)] {
            if let Some(theirs) = theirs {
                greater(mine, Extreme { row: theirs.row + first_row, ..*theirs });
            }
        }
        if let Some(theirs) = &other.least_trained {
            less(&mut self.least_trained, Extreme { row: theirs.row + first_row, ..*theirs });
        }
    }
}
