//! `RowFigures`: the figures of one row, until it is complete.

use super::outline::{Outline, reasoning_messages};
use super::sequence_figures::{SequenceFigures, WholeSequence};
use crate::attribution::Regions;
use crate::rows::{Conversation, Role};

/// The figures of one row.
#[derive(Debug, Default)]
pub(crate) struct RowFigures {
    /// Whether regions should be found for this row even if its labels do not need them.
    pub(crate) wants_regions: bool,
    pub(super) outline: Option<Outline>,
    /// The role of each message.
    pub(super) roles: Vec<String>,
    /// For each message, which turn of the assistant it is.
    pub(super) turns: Vec<Option<usize>>,
    /// The messages whose reasoning is in a field of its own.
    pub(super) reasoning: Vec<usize>,
    pub(super) sequences: Vec<SequenceFigures>,
}

impl RowFigures {
    /// Makes it empty, for a new row.
    pub(crate) fn clear(&mut self, wants_regions: bool) {
        self.wants_regions = wants_regions;
        self.outline = None;
        self.roles.clear();
        self.turns.clear();
        self.reasoning.clear();
        self.sequences.clear();
    }

    /// Describes the messages of the row.
    pub(crate) fn describe(&mut self, conversation: &Conversation<'_>) {
        self.outline = Some(Outline::of(conversation));
        self.roles = conversation.roles();
        let mut turn = 0;
        self.turns.extend(self.roles.iter().map(|role| {
            (Role::of(role) == Role::Assistant).then(|| {
                turn += 1;
                turn - 1
            })
        }));
        self.reasoning.extend(reasoning_messages(conversation));
    }

    /// Adds a sequence before it is cut. `bytes` is the length of its text.
    pub(crate) fn push_sequence(&mut self, bytes: usize, labels: &[i32]) {
        self.sequences.push(SequenceFigures::new(bytes, labels));
    }

    /// Sets the regions of the last sequence. Turns with an end that is not an added token have no stop token.
    pub(crate) fn set_regions(&mut self, regions: &Regions, whole: &WholeSequence<'_>, is_added: impl Fn(u32) -> bool) {
        if let Some(sequence) = self.sequences.last_mut() {
            sequence.set_regions(regions, &self.turns, whole, is_added);
        }
    }

    /// Counts what the cut of the last sequence keeps.
    pub(crate) fn keep(&mut self, kept: &[std::ops::Range<usize>], labels: &[i32]) {
        if let Some(sequence) = self.sequences.last_mut() {
            sequence.keep(kept, labels);
        }
    }
}
