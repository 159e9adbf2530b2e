//! Chat rows: messages rendered by the chat template, labeled by a policy or as another tool labels them.

use std::ops::Range;
use std::sync::Arc;

use super::control_tokens::ControlTokens;
use super::labeled::{Labeled, TrainedPart, note_left_out};
use super::labels::LabelChoice;
use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch};
use super::sequence::SequenceEncoder;
use crate::error::{Error, ErrorKind, Result};
use crate::label::{self, Boundary, Labels, MASKED};
use crate::rows::{Conversation, has_empty_answer};
use crate::template::RenderedText;
use crate::tokenizer::{TokenSpan, token_spans};

/// Encodes chat rows.
#[derive(Debug, Clone)]
pub(super) struct ChatEncoder {
    parts: Parts,
    /// Tokens that end a turn, for turns that the template does not end with one.
    stops: Vec<String>,
    control: Option<Arc<ControlTokens>>,
}

impl ChatEncoder {
    pub(super) fn new(parts: Parts) -> Result<ChatEncoder> {
        let Parts { tokenizer, attributor, options, .. } = &parts;
        let stops = match &options.labels {
            LabelChoice::Policy(policy) if !policy.stop_tokens.is_empty() => policy.stop_tokens.clone(),
            _ => {
                let eos = tokenizer.special_token("eos_token").map(str::to_owned);
                tokenizer.stop_tokens().iter().cloned().chain(eos).collect()
            }
        };
        let control = ControlTokens::new(tokenizer, attributor.template(), options)?.map(Arc::new);
        Ok(ChatEncoder { parts, stops, control })
    }

    /// The text and its trained part, by the regions of the text or by the tags of the template.
    fn label(
        &self,
        policy: &Labels,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        notes: &mut Notes,
    ) -> Result<Labeled> {
        let (attributor, request) = (&self.parts.attributor, self.parts.request(conversation));
        let template = attributor.template();
        let labeled = |text, trained, written| Labeled { text, trained, attributed: None, cuts: Vec::new(), written };
        if policy.is_nothing() || policy.is_everything() && only.is_none() {
            let RenderedText { text, written, .. } = template.render(request)?;
            let trained = if policy.is_nothing() { TrainedPart::Nothing } else { TrainedPart::All };
            return Ok(labeled(text, trained, written));
        }
        if policy.tags && template.for_row(conversation).has_generation() {
            notes.add(Note::Tagged);
            let RenderedText { text, generation, written, .. } = template.render(request)?;
            let mut labeled = labeled(text, TrainedPart::Nothing, written);
            labeled.train_tagged(&self.parts, policy, conversation, &generation?, only, notes)?;
            return Ok(labeled);
        }
        let (text, attributed) = attributor.regions(request)?;
        let mut attributed = attributed?;
        let spans = policy.select(conversation, &text, &attributed, &self.stops, only)?;
        if spans.left_out.iter().all(|(_, ambiguity)| ambiguity.is_no_turn()) {
            notes.add(if spans.resolved { Note::ProvedByPrefixes } else { Note::Proved });
        }
        note_left_out(&spans, notes);
        let mut labeled = labeled(text, TrainedPart::Spans(spans), std::mem::take(&mut attributed.written));
        labeled.attributed = Some(attributed);
        Ok(labeled)
    }

    /// Tokens and labels of a labeled text. The ranges `plain` are encoded without control tokens.
    fn tokenize(
        &self,
        policy: &Labels,
        labeled: &Labeled,
        plain: &[Range<usize>],
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<()> {
        let tokenizer = &self.parts.tokenizer;
        let text = labeled.text.as_str();
        let Scratch { tokens, spans, labels, weights, wants_regions, has_region_spans, .. } = scratch;
        match &labeled.trained {
            TrainedPart::Done => {}
            TrainedPart::Spans(trained) => {
                let mut edges = trained.edges();
                if let Some(attributed) = labeled.attributed.as_ref().filter(|_| *wants_regions) {
                    // A token span that is divided further gets the same labels.
                    let ends = attributed.regions.as_slice().iter().map(|region| region.end);
                    edges = merged(&edges, ends);
                    *has_region_spans = true;
                }
                if policy.boundary == Boundary::Split || !plain.is_empty() {
                    let cuts =
                        if policy.boundary == Boundary::Split { label::edges(&trained.spans) } else { Vec::new() };
                    tokenizer.tokens_with_plain(text, &cuts, plain, tokens)?;
                    token_spans(text, &tokens.ends, &edges, spans);
                } else {
                    tokenizer.aligned(text, &edges, tokens, spans)?;
                }
                let weights = policy.weighted.then_some(weights);
                label::assign(&tokens.ids, spans, &trained.spans, policy.boundary, labels, weights);
                if policy.trains_stops() && self.lacks_stop(&tokens.ids, spans, &trained.turn_ends) {
                    notes.add(Note::MissingStop);
                }
            }
            // The labels do not depend on offsets here, so the engine need not compute them.
            TrainedPart::All | TrainedPart::Nothing => {
                if plain.is_empty() {
                    tokenizer.ids(text, &mut tokens.ids)?;
                } else {
                    tokenizer.tokens_with_plain(text, &[], plain, tokens)?;
                }
                let (ids, all) = (&tokens.ids, matches!(labeled.trained, TrainedPart::All));
                labels.extend(ids.iter().map(|&id| if all { id as i32 } else { MASKED }));
                weights.resize(if policy.weighted { ids.len() } else { 0 }, f32::from(u8::from(all)));
            }
        }
        Ok(())
    }

    /// Whether a trained turn does not end with a stop token.
    fn lacks_stop(&self, ids: &[u32], spans: &[TokenSpan], turn_ends: &[usize]) -> bool {
        turn_ends.iter().any(|&end| {
            let span = spans.get(spans.partition_point(|span| span.end < end));
            let last = span.and_then(|span| ids.get(span.tokens.checked_sub(1)?));
            !last.is_some_and(|&id| self.parts.tokenizer.is_added(id))
        })
    }
}

impl SequenceEncoder for ChatEncoder {
    fn parts(&self) -> &Parts {
        &self.parts
    }

    fn encode(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<Labeled> {
        let labels = &self.parts.options.labels;
        if !labels.is_nothing() && has_empty_answer(conversation) {
            notes.add(Note::EmptyAnswer);
        }
        if conversation.has_unread_system {
            notes.add(Note::UnreadSystem);
        }
        let labeled = match labels {
            LabelChoice::Emulate { emulation, .. } => {
                Labeled::emulated(&self.parts, emulation, conversation, scratch, notes)?
            }
            LabelChoice::Policy(policy) => self.label(policy, conversation, only, notes)?,
        };
        let text = labeled.text.as_str();
        let control = self.control.as_deref();
        let found = control.map(|control| control.find(text, &labeled.written, conversation)).transpose()?;
        let plain = found.as_ref().map_or(&[][..], |found| &found.plain);
        match labels {
            LabelChoice::Emulate { .. } if !plain.is_empty() => {
                let text = "the row has a control token, and `labels.emulate` does not support \
                            `special_tokens=\"text\"`; remove the row, or remove `emulate`";
                return Err(Error::new(ErrorKind::ControlToken, text));
            }
            LabelChoice::Emulate { .. } => {}
            LabelChoice::Policy(policy) => {
                if !plain.is_empty() {
                    notes.add(Note::ControlText);
                }
                self.tokenize(policy, &labeled, plain, scratch, notes)?;
            }
        }
        if let (Some(control), Some(found)) = (control, &found) {
            control.check_ids(found, text, &self.parts.tokenizer, &scratch.tokens)?;
        }
        self.parts.note_bos(&scratch.tokens.ids, notes);
        Ok(labeled)
    }
}

/// Two ascending lists as one, without repetition.
fn merged(one: &[usize], other: impl ExactSizeIterator<Item = usize>) -> Vec<usize> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().copied().peekable(), other.peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(left), Some(right)) if left > right => other.next(),
            (Some(_), _) => one.next(),
            (None, _) => other.next(),
        };
        let Some(next) = next else { return all };
        if all.last() != Some(&next) {
            all.push(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascending_lists_are_merged() {
        assert_eq!(merged(&[1, 3, 3, 9], [0, 3, 4].into_iter()), [0, 1, 3, 4, 9]);
        assert_eq!(merged(&[], [2, 2].into_iter()), [2]);
        assert_eq!(merged(&[5], [].into_iter()), [5]);
    }
}
