//! Segment rows: the text of a format is cut where trained parts begin and end, and each segment is encoded on its own,
//! as tools do that tokenize prompt and answer separately.

use std::sync::Arc;

use super::control_tokens::ControlTokens;
use super::labeled::{Labeled, TrainedPart};
use super::labels::LabelChoice;
use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch, after_prefix};
use super::sample::SampleSink;
use super::sequence::SequenceEncoder;
use crate::error::{Error, ErrorKind, Result};
use crate::label::{self, Boundary, Labels, MASKED, Span};
use crate::rows::{Conversation, SegmentsRow, TemplateVariables, has_empty_answer};
use crate::tokenizer::{Ends, token_spans};

/// Encodes segment rows.
#[derive(Debug, Clone)]
pub(super) struct SegmentsEncoder {
    parts: Parts,
    /// Number of tokens that the tokenizer puts before a text.
    prefix: usize,
    /// Whether only the last step of a row is labeled.
    last_step_only: bool,
    control: Option<Arc<ControlTokens>>,
}

impl SegmentsEncoder {
    pub(super) fn new(parts: Parts, last_step_only: bool) -> Result<SegmentsEncoder> {
        let mut prefix = Vec::new();
        parts.tokenizer.ids(&parts.tokenizer.prefix(), &mut prefix)?;
        let control = ControlTokens::new(&parts.tokenizer, parts.attributor.template(), &parts.options)?.map(Arc::new);
        Ok(SegmentsEncoder { prefix: prefix.len(), last_step_only, control, parts })
    }

    /// Encodes a row and pushes its samples.
    pub(super) fn row(
        &self,
        row: SegmentsRow<'_>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        let mut conversation = row.conversation.unwrap_or_else(Conversation::empty);
        // The only place where fields of a format become variables: those of the format's own text.
        let mut variables = conversation.variables.into_fields();
        variables.extend(row.fields.into_fields());
        conversation.variables = TemplateVariables::of_fields(variables);
        let encoder = RowEncoder { segments: self, step_labels: row.step_labels.as_deref() };
        encoder.samples(&conversation, scratch, sink, notes)
    }
}

/// The encoder of one row, with its step labels.
struct RowEncoder<'e> {
    segments: &'e SegmentsEncoder,
    step_labels: Option<&'e [i32]>,
}

impl SequenceEncoder for RowEncoder<'_> {
    fn parts(&self) -> &Parts {
        &self.segments.parts
    }

    fn encode(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<Labeled> {
        let parts = self.parts();
        let labels = &parts.options.labels;
        if !labels.is_nothing() && has_empty_answer(conversation) {
            notes.add(Note::EmptyAnswer);
        }
        if conversation.has_unread_system {
            notes.add(Note::UnreadSystem);
        }
        let labeled = match labels {
            LabelChoice::Emulate { emulation, .. } => {
                Labeled::emulated(parts, emulation, conversation, scratch, notes)?
            }
            LabelChoice::Policy(policy) => {
                notes.add(Note::Tagged);
                let labeled = label(parts, policy, conversation, only, notes)?;
                self.tokenize(policy, &labeled, scratch, notes)?;
                labeled
            }
        };
        if let Some(control) = &self.segments.control {
            let found = control.find(&labeled.text, &labeled.written, conversation)?;
            control.check_ids(&found, &labeled.text, &parts.tokenizer, &scratch.tokens)?;
        }
        parts.note_bos(&scratch.tokens.ids, notes);
        Ok(labeled)
    }
}

/// The text of the format, its segments and its trained part.
fn label(
    parts: &Parts,
    policy: &Labels,
    conversation: &Conversation<'_>,
    only: Option<usize>,
    notes: &mut Notes,
) -> Result<Labeled> {
    let rendered = parts.attributor.template().render(parts.request(conversation))?;
    let (text, generation) = (rendered.text, rendered.generation?);
    // An empty pair of tags trains nothing, but cuts the text.
    let mut cuts: Vec<usize> = generation.iter().flat_map(|span| [span.start, span.end]).collect();
    cuts.extend(after_prefix(&parts.tokenizer, &text));
    cuts.sort_unstable();
    cuts.dedup();
    cuts.retain(|&cut| cut > 0 && cut < text.len());
    let trained = if policy.is_everything() && only.is_none() { TrainedPart::All } else { TrainedPart::Nothing };
    let is_tagged = !policy.is_nothing() && matches!(trained, TrainedPart::Nothing);
    let mut labeled = Labeled { text, trained, attributed: None, cuts, written: rendered.written };
    if is_tagged {
        labeled.train_tagged(parts, policy, conversation, &generation, only, notes)?;
    }
    Ok(labeled)
}

impl RowEncoder<'_> {
    /// Tokens and labels, segment by segment.
    fn tokenize(&self, policy: &Labels, labeled: &Labeled, scratch: &mut Scratch, notes: &mut Notes) -> Result<()> {
        let (tokenizer, limit) = (&self.parts().tokenizer, self.parts().options.segment_length);
        let Labeled { text, trained, cuts, .. } = labeled;
        let everything = [Span { range: 0..text.len(), weight: 1.0 }];
        let trained = match trained {
            TrainedPart::Spans(trained) => trained.spans.as_slice(),
            TrainedPart::All => &everything,
            TrainedPart::Nothing | TrainedPart::Done => &[],
        };
        let edges = label::edges(trained);
        let Scratch { tokens, spans, labels, weights, wants_ends, .. } = scratch;
        let is_cut = |edge: &usize| *edge == 0 || *edge == text.len() || cuts.binary_search(edge).is_ok();
        if edges.iter().all(is_cut) {
            let limit_of = |index: usize| match limit {
                None => usize::MAX,
                Some(limit) if index == 0 => limit,
                // The prefix is in the first segment only, and counts in all of them.
                Some(limit) => limit.saturating_sub(self.segments.prefix),
            };
            // A shortened text cannot be aligned later.
            let ends = if limit.is_some() && *wants_ends { Ends::Wanted } else { Ends::Unwanted };
            if tokenizer.segments(text, cuts, limit_of, ends, tokens, spans)? {
                notes.add(Note::Truncated);
            }
        } else if limit.is_none() {
            tokenizer.tokens(text, cuts, tokens)?;
            token_spans(text, &tokens.ends, &edges, spans);
        } else {
            let text = "`segment_length` cuts whole segments, but these labels train only a part of a segment; remove \
                        `segment_length` or change the labels";
            return Err(Error::new(ErrorKind::Option, text));
        }
        label::assign(&tokens.ids, spans, trained, Boundary::Overlap, labels, policy.weighted.then_some(weights));
        match self.step_labels {
            Some(steps) if !policy.is_nothing() => label_steps(steps, self.segments.last_step_only, trained, scratch),
            _ => Ok(()),
        }
    }
}

/// Labels the last token of each trained span with the label of its step, and masks all other tokens.
fn label_steps(steps: &[i32], last_only: bool, trained: &[Span], scratch: &mut Scratch) -> Result<()> {
    if steps.len() != trained.len() {
        let text = format!("the row has {} labels for {} steps; each step needs one label", steps.len(), trained.len());
        return Err(Error::wrong_type(text));
    }
    scratch.labels.fill(MASKED);
    let first = if last_only { steps.len().saturating_sub(1) } else { 0 };
    for (label, span) in steps.iter().zip(trained).skip(first) {
        let tokens = scratch.spans.iter().find(|tokens| tokens.end == span.range.end);
        if let Some(token) = tokens.and_then(|tokens| tokens.tokens.checked_sub(1)) {
            scratch.labels[token] = *label;
        }
    }
    Ok(())
}
