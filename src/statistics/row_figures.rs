//! `RowFigures`: the figures of one row, until it is complete. Its buffers are used again for the next row.

use std::ops::Range;

use super::outline::Outline;
use super::role_names::RoleNames;
use super::sequence_figures::{SequenceFigures, WholeSequence};
use crate::attribution::Regions;
use crate::rows::{Conversation, Role, has_reasoning, is_empty_message};
use crate::tokenizer::TokenSpan;

/// The figures of one row.
#[derive(Debug, Default)]
pub(crate) struct RowFigures {
    /// Whether regions should be found for this row even if its labels do not need them.
    pub(crate) wants_regions: bool,
    /// What is odd about the messages; None without messages.
    pub(super) outline: Option<Outline>,
    /// The names of the roles of all rows so far.
    pub(super) names: RoleNames,
    /// The role of each message, as an index into `names`.
    pub(super) roles: Vec<u8>,
    /// For each message, which turn of the assistant it is.
    pub(super) turns: Vec<Option<usize>>,
    /// The messages whose reasoning is in a field of its own.
    pub(super) reasoning: Vec<usize>,
    /// The messages with text, besides those of the assistant.
    texts: Vec<usize>,
    sequences: Vec<SequenceFigures>,
    used: usize,
}

impl RowFigures {
    /// Forgets the names of roles, for the rows of another chunk.
    pub(super) fn forget_names(&mut self) {
        self.names = RoleNames::default();
    }

    /// Makes it empty, for a new row.
    pub(crate) fn clear(&mut self, wants_regions: bool) {
        self.wants_regions = wants_regions;
        self.outline = None;
        self.roles.clear();
        self.turns.clear();
        self.reasoning.clear();
        self.texts.clear();
        self.used = 0;
    }

    /// Describes the messages of the row.
    pub(crate) fn describe(&mut self, conversation: &Conversation<'_>) {
        if conversation.messages.is_empty() {
            return;
        }
        let mut outline = Outline::of_tools(conversation.tools.as_ref());
        let mut turn = 0;
        for (index, message) in conversation.messages.iter().enumerate() {
            let (slot, role) = self.names.index(conversation.role(index));
            self.roles.push(slot);
            let is_answer = role == Role::Assistant;
            self.turns.push(is_answer.then_some(turn));
            turn += usize::from(is_answer);
            if has_reasoning(message) {
                self.reasoning.push(index);
            }
            let is_empty = !is_answer && is_empty_message(message);
            if !is_answer && !is_empty {
                self.texts.push(index);
            }
            outline.add(role, is_empty);
        }
        self.outline = Some(outline);
    }

    /// Adds a sequence before it is cut. `bytes` is the length of its text, and `messages` tells how many messages of the
    /// row it was made of. Labels are the same within each of `spans`; they may be empty.
    pub(crate) fn push_sequence(&mut self, bytes: usize, messages: usize, labels: &[i32], spans: &[TokenSpan]) {
        if self.used == self.sequences.len() {
            self.sequences.push(SequenceFigures::default());
        }
        self.sequences[self.used].reset(bytes, messages, labels, spans);
        self.used += 1;
    }

    /// The sequences of the row.
    pub(super) fn sequences(&self) -> &[SequenceFigures] {
        &self.sequences[..self.used]
    }

    /// Whether the text of a message is not in a sequence. The turns of the assistant are noted by its labels.
    pub(super) fn has_dropped(&self, sequence: &SequenceFigures) -> bool {
        let texts = self.texts.iter().take_while(|message| **message < sequence.messages);
        texts.into_iter().any(|message| !sequence.printed.get(*message).is_some_and(|it| it.text))
    }

    fn last(&mut self) -> Option<&mut SequenceFigures> {
        self.sequences[..self.used].last_mut()
    }

    /// Sets the regions of the last sequence. Turns with an end that is not an added token have no stop token.
    /// `has_control` tells whether tokens of a text should not be there.
    pub(crate) fn set_regions(
        &mut self,
        regions: &Regions,
        whole: &WholeSequence<'_>,
        is_added: impl Fn(u32) -> bool,
        has_control: impl Fn(&[u32]) -> bool,
    ) {
        let turns = std::mem::take(&mut self.turns);
        if let Some(sequence) = self.last() {
            sequence.set_regions(regions, &turns, whole, is_added, has_control);
        }
        self.turns = turns;
    }

    /// Counts what the cut of the last sequence keeps.
    pub(crate) fn keep(&mut self, kept: &[Range<usize>]) {
        if let Some(sequence) = self.last() {
            sequence.keep(kept);
        }
    }
}
