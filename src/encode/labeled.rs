//! `Labeled`: a text with its trained part.

use std::ops::Range;

use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch};
use crate::attribution::{Ambiguity, Attributed};
use crate::compat::{self, Emulation};
use crate::error::Result;
use crate::label::{Labels, MASKED, TrainedSpans};
use crate::rows::Conversation;

/// A text with its trained part.
pub(super) struct Labeled {
    pub(super) text: String,
    pub(super) trained: TrainedPart,
    pub(super) attributed: Option<Attributed>,
    /// Byte positions at which the text is cut into segments that are encoded independently; empty for one segment.
    pub(super) cuts: Vec<usize>,
    /// The bytes that no value of the row can change; empty if control tokens are allowed.
    pub(super) written: Vec<Range<usize>>,
}

/// The part of a text that is trained.
pub(super) enum TrainedPart {
    All,
    Nothing,
    Spans(TrainedSpans),
    /// The labels are in the scratch buffers already.
    Done,
}

impl Labeled {
    /// Text, tokens and labels as another tool makes them. Tokens and labels are in `scratch`.
    pub(super) fn emulated(
        parts: &Parts,
        emulation: &Emulation,
        conversation: &Conversation<'_>,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<Labeled> {
        notes.add(Note::Emulated);
        let request = parts.request(conversation);
        let Scratch { tokens, labels, .. } = scratch;
        let emulated = compat::emulate(emulation, &parts.attributor, &parts.tokenizer, request, tokens, labels)?;
        Ok(Labeled {
            text: emulated.text,
            trained: TrainedPart::Done,
            attributed: None,
            cuts: Vec::new(),
            written: emulated.written,
        })
    }

    /// The trained part of a text whose template has tags, which printed `generation`. `only` is the one message to
    /// train. Sets `attributed` if the labels need it.
    pub(super) fn train_tagged(
        &mut self,
        parts: &Parts,
        policy: &Labels,
        conversation: &Conversation<'_>,
        generation: &[Range<usize>],
        only: Option<usize>,
        notes: &mut Notes,
    ) -> Result<()> {
        if policy.goes_beyond_tags(conversation, only)? {
            self.attributed = Some(parts.attributor.regions(parts.request(conversation))?.1?);
        }
        let spans = policy.select_tagged(conversation, generation, self.attributed.as_ref(), only)?;
        note_left_out(&spans, notes);
        self.trained = TrainedPart::Spans(spans);
        Ok(())
    }

    /// The number of trained turns, of `turns` turns of the assistant: those of which a trained token is in the ranges
    /// `kept`. Labels of another tool do not tell it.
    pub(super) fn trained_turns(&self, turns: usize, kept: &[Range<usize>], scratch: &Scratch) -> usize {
        match &self.trained {
            TrainedPart::All => turns,
            // A template may have several pairs of tags in a turn.
            TrainedPart::Spans(trained) => kept_turns(&trained.turn_ends, kept, scratch).min(turns),
            TrainedPart::Nothing | TrainedPart::Done => 0,
        }
    }

    /// Whether turns are not trained because they are not verified or not printed.
    pub(super) fn left_out_turns(&self) -> bool {
        matches!(&self.trained, TrainedPart::Spans(spans) if !spans.left_out.is_empty())
    }
}

/// Notes the turns that are not trained because they are not verified or not printed.
pub(super) fn note_left_out(spans: &TrainedSpans, notes: &mut Notes) {
    for (_, ambiguity) in &spans.left_out {
        notes.add(match ambiguity {
            Ambiguity::ValueDropped => Note::ValueDropped,
            Ambiguity::OtherRole => Note::OtherRole,
            Ambiguity::HeaderMismatch => Note::HeaderMismatch,
            Ambiguity::Merged => Note::Merged,
            Ambiguity::Unanchored => Note::Unanchored,
        });
    }
}

/// The number of turns, which end at these bytes, of which a trained token is kept.
fn kept_turns(ends: &[usize], kept: &[Range<usize>], Scratch { spans, labels, .. }: &Scratch) -> usize {
    if kept.len() == 1 && kept[0].len() == labels.len() {
        return ends.len();
    }
    let mut first = 0;
    let mut is_kept = |end: usize| {
        let span = spans.get(spans.partition_point(|span| span.end < end));
        let last = span.map_or(labels.len(), |span| span.tokens);
        let turn = std::mem::replace(&mut first, last)..last;
        let within = |range: &Range<usize>| labels.get(range.start.max(turn.start)..range.end.min(turn.end));
        kept.iter().filter_map(within).flatten().any(|label| *label != MASKED)
    };
    ends.iter().filter(|end| is_kept(**end)).count()
}
