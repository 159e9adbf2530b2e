//! The path of a row whose format has a text of its own: it is cut where trained parts begin and end, and each segment
//! is encoded on its own, as tools do that encode prompt and answer apart.

use super::Mill;
use super::sample::{Labelled, Scratch, Trained};
use super::tally::{Note, Notes};
use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::format::read_tokens;
use crate::label::{self, Boundary, MASKED, Span};
use crate::tokenizer::stretches;

impl Mill {
    /// The text of a format, with what its tags enclose.
    pub(super) fn labelled_by_format(&self, conversation: &Conversation<'_>, notes: &mut Notes) -> Result<Labelled> {
        let labels = &self.options.labels;
        if self.holds_tokens() {
            let (text, trained) = (String::new(), Trained::Made);
            return Ok(Labelled { text, trained, attributed: None, segments: Some(Vec::new()) });
        }
        notes.note(Note::Tagged);
        let (text, generation) = self.template.render(self.request(conversation))?;
        // An empty pair of tags trains nothing: it is a place to cut.
        let mut segments: Vec<usize> = generation.iter().flat_map(|span| [span.start, span.end]).collect();
        segments.sort_unstable();
        segments.dedup();
        segments.retain(|&cut| cut > 0 && cut < text.len());
        let trained = if labels.is_nothing() {
            Trained::Nothing
        } else if labels.is_everything() {
            Trained::All
        } else if labels.goes_beyond_tags(conversation, None)? {
            let attributed = self.template.regions(self.request(conversation))?.1?;
            Trained::Chosen(labels.choose_tagged(conversation, &generation, Some(&attributed), None)?)
        } else {
            Trained::Chosen(labels.choose_tagged(conversation, &generation, None, None)?)
        };
        Ok(Labelled { text, trained, attributed: None, segments: Some(segments) })
    }

    fn holds_tokens(&self) -> bool {
        self.options.format.as_ref().is_some_and(|format| format.holds_tokens())
    }

    /// Tokens and labels, segment by segment.
    pub(super) fn encode_segments(
        &self,
        conversation: &Conversation<'_>,
        labelled: &Labelled,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<()> {
        if self.holds_tokens() {
            let weights = self.options.labels.weighted;
            read_tokens(conversation, &self.tokenizer, &mut scratch.tokens, &mut scratch.labels)?;
            let weight = |label: &i32| f32::from(u8::from(*label != MASKED));
            scratch.weights.extend(scratch.labels.iter().filter(|_| weights).map(weight));
            return Ok(());
        }
        let Labelled { text, trained, segments, .. } = labelled;
        let cuts = segments.as_deref().unwrap_or_default();
        let everything = [Span { range: 0..text.len(), weight: 1.0 }];
        let spans = match trained {
            Trained::Chosen(chosen) => chosen.spans.as_slice(),
            Trained::All => &everything,
            Trained::Nothing | Trained::Made => &[],
        };
        let edges = label::edges(spans);
        let Scratch { tokens, stretches: found, .. } = scratch;
        let is_cut = |edge: &usize| *edge == 0 || *edge == text.len() || cuts.binary_search(edge).is_ok();
        if edges.iter().all(is_cut) {
            let most = self.options.segment_length.unwrap_or(usize::MAX);
            // The prefix stands in the first segment alone, and is counted in all.
            let most = |index: usize| if index == 0 { most } else { most.saturating_sub(self.prefix) };
            if self.tokenizer.tokens_of_segments(text, cuts, most, tokens, found)? {
                notes.note(Note::Truncated);
            }
        } else if self.options.segment_length.is_none() {
            self.tokenizer.tokens(text, cuts, tokens)?;
            stretches(text, &tokens.ends, &edges, found);
        } else {
            let text = "segment_length cuts whole segments, and only a part of one is trained; leave one of them out";
            return Err(Error::new(Kind::Option, text));
        }
        let weights = self.options.labels.weighted.then_some(&mut scratch.weights);
        label::append(&tokens.ids, found, spans, Boundary::Overlap, &mut scratch.labels, weights);
        match self.options.format.as_ref().and_then(|format| format.steps()) {
            Some(steps) if !self.options.labels.is_nothing() => {
                label_steps(&steps.of(conversation)?, steps.last_only, spans, scratch)
            }
            _ => Ok(()),
        }
    }
}

/// Leaves a label on the last token of each trained span: that of its step.
fn label_steps(labels: &[i32], last_only: bool, spans: &[Span], scratch: &mut Scratch) -> Result<()> {
    if labels.len() != spans.len() {
        let text = format!("the row has {} labels for {} steps", labels.len(), spans.len());
        return Err(Error::new(Kind::WrongType, text));
    }
    scratch.labels.fill(MASKED);
    let first = if last_only { labels.len().saturating_sub(1) } else { 0 };
    for (label, span) in labels.iter().zip(spans).skip(first) {
        let stretch = scratch.stretches.iter().find(|stretch| stretch.end == span.range.end);
        if let Some(token) = stretch.and_then(|stretch| stretch.tokens.checked_sub(1)) {
            scratch.labels[token] = *label;
        }
    }
    Ok(())
}
