//! `Labeled`: a text with its trained part.

use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch};
use crate::attribution::Attributed;
use crate::compat::{self, Emulation};
use crate::error::Result;
use crate::label::TrainedSpans;
use crate::rows::Conversation;

/// A text with its trained part.
pub(super) struct Labeled {
    pub(super) text: String,
    pub(super) trained: TrainedPart,
    pub(super) attributed: Option<Attributed>,
    /// Byte positions at which the text is cut into segments that are encoded independently; empty for one segment.
    pub(super) cuts: Vec<usize>,
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
        let text = compat::emulate(emulation, &parts.attributor, &parts.tokenizer, request, tokens, labels)?;
        Ok(Labeled { text, trained: TrainedPart::Done, attributed: None, cuts: Vec::new() })
    }

    /// Whether turns are not trained because they are not verified or not printed.
    pub(super) fn left_out_turns(&self) -> bool {
        matches!(&self.trained, TrainedPart::Spans(spans) if !spans.left_out.is_empty())
    }
}
