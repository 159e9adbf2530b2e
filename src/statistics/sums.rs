//! Small sums: tokens of regions and turns, stop tokens, the greatest and the least, and counts by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::role_names::OTHERS;
use crate::attribution::RegionKind;

/// Roles that are counted; all others are counted together.
const MAX_ROLES: usize = 42;

/// Tokens of one role and one kind of region in samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTokens {
    /// All tokens.
    pub tokens: u64,
    /// Those of them that are trained.
    pub trained: u64,
}

/// The turns of the assistant with one index in their conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnTokens {
    /// Number of turns.
    pub turns: u64,
    /// Their tokens in samples.
    pub tokens: u64,
    /// Those of them that are trained.
    pub trained: u64,
}

/// The stop tokens of trained turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCounts {
    /// They are trained.
    pub trained: u64,
    /// They are in the sample, but not trained.
    pub masked: u64,
    /// They were cut off.
    pub cut: u64,
    /// The turn has none.
    pub missing: u64,
}

/// A row with the greatest or least value: a fraction, because a float may change when it is written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extreme {
    /// The number above the line.
    pub part: u64,
    /// The number below it; not 0.
    pub of: u64,
    /// The first row that has the value.
    pub row: u64,
}

impl Extreme {
    /// The value.
    pub fn value(&self) -> f64 {
        self.part as f64 / self.of as f64
    }

    fn is_above(&self, other: &Extreme) -> bool {
        u128::from(self.part) * u128::from(other.of) > u128::from(other.part) * u128::from(self.of)
    }
}

/// The tokens of one role by kind of region, in the order of [`RegionKind::ALL`].
pub(super) type ByKind = [RegionTokens; RegionKind::ALL.len()];

impl RegionTokens {
    pub(super) fn add(&mut self, tokens: usize, trained: usize) {
        self.tokens += tokens as u64;
        self.trained += trained as u64;
    }
}

impl TurnTokens {
    pub(super) fn add(&mut self, other: TurnTokens) {
        self.turns += other.turns;
        self.tokens += other.tokens;
        self.trained += other.trained;
    }
}

impl StopCounts {
    pub(super) fn add(&mut self, other: StopCounts) {
        self.trained += other.trained;
        self.masked += other.masked;
        self.cut += other.cut;
        self.missing += other.missing;
    }
}

/// Keeps the greater value; the first of two equal ones.
pub(super) fn greater(extreme: &mut Option<Extreme>, other: Extreme) {
    if extreme.is_none_or(|it| other.is_above(&it)) {
        *extreme = Some(other);
    }
}

/// Keeps the lesser value; the first of two equal ones.
pub(super) fn less(extreme: &mut Option<Extreme>, other: Extreme) {
    if extreme.is_none_or(|it| it.is_above(&other)) {
        *extreme = Some(other);
    }
}

/// Adds numbers one by one.
pub(super) fn add_each(mine: &mut Vec<u64>, theirs: &[u64]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0);
    }
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

/// Adds the counts of each key.
pub(super) fn add_counts<K: Ord + Copy>(mine: &mut BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(*key).or_default() += count;
    }
}

/// Adds the tokens of a role, or of all others if there are too many roles.
pub(super) fn add_kinds(regions: &mut BTreeMap<String, ByKind>, role: &str, kinds: &ByKind) {
    if kinds.iter().all(|kind| kind.tokens == 0) {
        return;
    }
    let mine = match regions.get_mut(role) {
        Some(mine) => mine,
        None => {
            let role = if regions.len() < MAX_ROLES { role } else { OTHERS };
            regions.entry(role.to_owned()).or_default()
        }
    };
    for (mine, theirs) in mine.iter_mut().zip(kinds) {
        mine.tokens += theirs.tokens;
        mine.trained += theirs.trained;
    }
}

/// Adds to the count of a name, or to that of all others if there are too many names.
pub(super) fn add_named(counts: &mut BTreeMap<String, u64>, name: &str, count: u64, max: usize) {
    match counts.get_mut(name) {
        Some(mine) => *mine += count,
        None => {
            let name = if counts.len() < max { name } else { OTHERS };
            *counts.entry(name.to_owned()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_names_are_counted_together() {
        let mut counts = BTreeMap::new();
        for name in 0..10 {
            add_named(&mut counts, &name.to_string(), 1, 4);
        }
        assert_eq!((counts.len(), counts[OTHERS]), (5, 6));
    }
}
