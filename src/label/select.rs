//! `TrainedSpans`: the trained spans of a text, from its regions or its `{% generation %}` tags.

use std::ops::Range;

use super::detail::{self, Detail};
use super::{Labels, Roles, Stop, Unproved};
use crate::attribution::{Ambiguity, Attributed, Region, RegionKind};
use crate::error::{Error, Result};
use crate::rows::Conversation;
use crate::rows::Role;

/// Bytes of a text that are trained, with their weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The bytes.
    pub range: Range<usize>,
    /// The weight of their tokens. Never 0.
    pub weight: f32,
}

/// The trained part of one text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainedSpans {
    /// The spans: ascending, without overlaps, none empty, neighbors with the same weight joined.
    pub spans: Vec<Span>,
    /// Messages that the policy trains and that are left out, with the reason.
    pub left_out: Vec<(usize, Ambiguity)>,
    /// Whether an ambiguous turn had to be resolved.
    pub resolved: bool,
    /// The ends of the trained turns. A stop token should end at each of them.
    pub turn_ends: Vec<usize>,
}

/// The starts and ends of spans, ascending.
pub fn edges(spans: &[Span]) -> Vec<usize> {
    let mut edges: Vec<usize> = spans.iter().flat_map(|span| [span.range.start, span.range.end]).collect();
    edges.dedup();
    edges
}

impl TrainedSpans {
    /// All positions at which the labels need token offsets, ascending.
    pub fn edges(&self) -> Vec<usize> {
        let mut edges = edges(&self.spans);
        // Nearly all turns end where a span ends.
        let more: Vec<usize> = self.turn_ends.iter().copied().filter(|end| edges.binary_search(end).is_err()).collect();
        if !more.is_empty() {
            edges.extend(more);
            edges.sort_unstable();
        }
        edges
    }

    fn push(&mut self, range: Range<usize>, weight: f32) {
        // A stop token borrowed from the next turn reaches into that turn.
        let range = range.start.max(self.spans.last().map_or(0, |last| last.range.end))..range.end;
        if range.start >= range.end || weight == 0.0 {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.range.end == range.start && last.weight == weight => last.range.end = range.end,
            _ => self.spans.push(Span { range, weight }),
        }
    }

    /// Pushes a region of a message, or a part of it, with the weights of the message's details.
    fn push_detailed(
        &mut self,
        region: &Region,
        weight: f32,
        (message, details): (usize, &[Detail]),
        attributed: &Attributed,
    ) {
        let mut at = region.start;
        for (range, own) in detail_spans(message, details, attributed) {
            let (start, end) = (range.start.max(at), range.end.min(region.end));
            if start < end {
                self.push(at..start, weight);
                self.push(start..end, weight * own);
                at = end;
            }
        }
        self.push(at..region.end, weight);
    }
}

impl Labels {
    /// Whether the policy trains other text of this conversation than the text in `{% generation %}` tags.
    pub fn goes_beyond_tags(&self, conversation: &Conversation<'_>, only: Option<usize>) -> Result<bool> {
        let weights = self.message_weights(conversation, only)?;
        let as_tags = weights.iter().enumerate().all(|(index, weight)| {
            let assistant = Role::of(conversation.role(index)) == Role::Assistant;
            *weight == f32::from(u8::from(assistant)) && !detail::is_detailed(self, &conversation.messages[index])
        });
        Ok(!as_tags)
    }

    /// The trained spans of a text, by its regions.
    ///
    /// * `stops`: the tokens that end a turn.
    /// * `only`: the one message to train. None for all messages.
    pub fn select(
        &self,
        conversation: &Conversation<'_>,
        text: &str,
        attributed: &Attributed,
        stops: &[String],
        only: Option<usize>,
    ) -> Result<TrainedSpans> {
        let mut trained = TrainedSpans::default();
        let weights = self.proved_weights(conversation, attributed, only, &mut trained)?;
        trained.resolved = attributed.resolved.iter().any(|&message| weights[message] > 0.0);
        let details = self.details(conversation, &weights)?;
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        let regions = attributed.regions.as_slice();
        for (index, region) in regions.iter().enumerate() {
            let weight = self.region_weight(region, &weights, last);
            match region.message.and_then(|message| Some((message, details.get(message)?))) {
                Some((message, details)) if weight > 0.0 && !details.is_empty() => {
                    trained.push_detailed(region, weight, (message, details), attributed);
                }
                _ => trained.push(region.start..region.end, weight),
            }
            let Some(message) = region.message.filter(|&message| weights[message] > 0.0) else { continue };
            let ends = regions.get(index + 1).is_none_or(|next| next.message != Some(message));
            if ends && Role::of(conversation.role(message)) == Role::Assistant {
                self.end_turn(&mut trained, text, regions, index, stops, last);
            }
        }
        Ok(trained)
    }

    /// The trained spans of a text whose template has tags around the ranges `generation`.
    ///
    /// `attributed` are the regions of the text. They are needed if the policy [goes beyond the
    /// tags](Self::goes_beyond_tags).
    pub fn select_tagged(
        &self,
        conversation: &Conversation<'_>,
        generation: &[Range<usize>],
        attributed: Option<&Attributed>,
        only: Option<usize>,
    ) -> Result<TrainedSpans> {
        let mut trained = TrainedSpans::default();
        let Some(attributed) = attributed else {
            generation.iter().for_each(|span| trained.push(span.clone(), 1.0));
            trained.turn_ends = trained.spans.iter().map(|span| span.range.end).collect();
            return Ok(trained);
        };
        let weights = self.proved_weights(conversation, attributed, only, &mut trained)?;
        let details = self.details(conversation, &weights)?;
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        for region in attributed.regions.as_slice() {
            let Some(message) = region.message.filter(|&message| weights[message] > 0.0) else { continue };
            let of_message = details.get(message).map_or(&[][..], Vec::as_slice);
            if Role::of(conversation.role(message)) != Role::Assistant {
                // Tags are around assistant turns. A trained message of another role uses its regions.
                let weight = self.region_weight(region, &weights, last);
                trained.push_detailed(region, weight, (message, of_message), attributed);
                continue;
            }
            for span in generation {
                let (start, end) = (region.start.max(span.start), region.end.min(span.end));
                if start < end {
                    let part = Region { start, end, ..*region };
                    trained.push_detailed(&part, weights[message], (message, of_message), attributed);
                }
            }
        }
        for span in generation.iter().filter(|span| !span.is_empty()) {
            if trained.spans.iter().any(|trained| trained.range.contains(&(span.end - 1))) {
                trained.turn_ends.push(span.end);
            }
        }
        Ok(trained)
    }

    /// The weight of each message, 0 for the ambiguous ones. Fails for an ambiguous message unless `unproved` is
    /// `Mask`.
    fn proved_weights(
        &self,
        conversation: &Conversation<'_>,
        attributed: &Attributed,
        only: Option<usize>,
        trained: &mut TrainedSpans,
    ) -> Result<Vec<f32>> {
        let mut weights = self.message_weights(conversation, only)?;
        // A message without a turn in the text cannot be trained, even if it is also ambiguous for other reasons. The
        // rest of the row is not affected.
        let (no_turns, others): (Vec<_>, Vec<_>) =
            attributed.ambiguities.iter().copied().partition(|(_, ambiguity)| ambiguity.is_no_turn());
        for (message, ambiguity) in no_turns.into_iter().chain(others) {
            if weights[message] == 0.0 {
                continue;
            }
            if let Some(kind) = ambiguity.error_kind()
                && self.unproved != Unproved::Mask
            {
                let text = format!(
                    "the labels cannot be verified ({}): {}; use a template with {{% generation %}} tags, \
                     remove this row, or set `unproved: mask` in the labels",
                    ambiguity.code(),
                    ambiguity.explanation()
                );
                return Err(Error::new(kind, text).at_message(message));
            }
            weights[message] = 0.0;
            trained.left_out.push((message, ambiguity));
        }
        Ok(weights)
    }

    /// The details of each message. Empty if no message has any.
    fn details(&self, conversation: &Conversation<'_>, weights: &[f32]) -> Result<Vec<Vec<Detail>>> {
        if !conversation.messages.iter().any(|message| detail::is_detailed(self, message)) {
            return Ok(Vec::new());
        }
        let messages = conversation.messages.iter().zip(weights).enumerate();
        messages
            .map(|(index, (message, &weight))| {
                if weight == 0.0 || !detail::is_detailed(self, message) {
                    return Ok(Vec::new());
                }
                detail::details(self, message).map_err(|error| error.at_message(index))
            })
            .collect()
    }

    /// The weight of a region. `weights` are those of the messages, and `last` is the last trained message.
    fn region_weight(&self, region: &Region, weights: &[f32], last: Option<usize>) -> f32 {
        let of_kind = self.weight(region.kind);
        let Some(message) = region.message else {
            return if self.roles == Roles::All { of_kind } else { 0.0 };
        };
        match (region.kind, self.stop) {
            (RegionKind::Closer, Stop::None) => 0.0,
            (RegionKind::Closer, Stop::All) if weights[message] == 0.0 => of_kind,
            (RegionKind::Closer, Stop::Last) if last != Some(message) => 0.0,
            _ => of_kind * weights[message],
        }
    }

    /// Records the end of a trained turn, whose last region has this `index`. If the template prints no stop token in
    /// this turn, borrows the stop token at the start of the next turn.
    fn end_turn(
        &self,
        trained: &mut TrainedSpans,
        text: &str,
        regions: &[Region],
        index: usize,
        stops: &[String],
        last: Option<usize>,
    ) {
        let message = regions[index].message;
        let closer = regions[..=index]
            .iter()
            .rev()
            .take_while(|region| region.message == message)
            .find(|region| region.kind == RegionKind::Closer);
        if let Some(closer) = closer {
            return trained.turn_ends.push(closer.end);
        }
        let end = regions[index].end;
        let needed = match self.stop {
            Stop::Turn | Stop::All => true,
            Stop::Last => message == last,
            Stop::None => false,
        };
        let borrowed = stops.iter().find(|stop| !stop.is_empty() && text[end..].starts_with(stop.as_str()));
        match borrowed.filter(|_| needed && self.borrow_stop) {
            Some(stop) => {
                // The model also has to generate the white space before it.
                let from = if regions[index].kind == RegionKind::Trailing { regions[index].start } else { end };
                trained.push(from..end + stop.len(), self.weight(RegionKind::Closer));
                trained.turn_ends.push(end + stop.len());
            }
            None => trained.turn_ends.push(end),
        }
    }
}

/// The spans of the text in which details of a message are printed, with their weights: ascending, without overlaps. If
/// two details cover the same byte, the later one counts.
fn detail_spans(message: usize, details: &[Detail], attributed: &Attributed) -> Vec<(Range<usize>, f32)> {
    let mut spans = Vec::new();
    for printed in attributed.printed.iter().filter(|printed| printed.message == message && !details.is_empty()) {
        let of_text = || details.iter().filter(|detail| detail.ordinal == printed.ordinal);
        let bytes = &printed.value.1;
        if bytes.len() != printed.span.len() {
            // The text has the value in another form, such as escaped, so only a weight for the whole value applies.
            if let Some(detail) =
                of_text().find(|detail| detail.bytes.start <= bytes.start && bytes.end <= detail.bytes.end)
            {
                spans.push((printed.span.clone(), detail.weight));
            }
            continue;
        }
        let mut edges: Vec<usize> = of_text()
            .flat_map(|detail| [detail.bytes.start, detail.bytes.end])
            .chain([bytes.start, bytes.end])
            .filter(|edge| (bytes.start..=bytes.end).contains(edge))
            .collect();
        edges.sort_unstable();
        edges.dedup();
        for pair in edges.windows(2) {
            let detail = of_text().rfind(|detail| detail.bytes.start <= pair[0] && pair[1] <= detail.bytes.end);
            if let Some(detail) = detail {
                let shift = |byte: usize| printed.span.start + byte - bytes.start;
                spans.push((shift(pair[0])..shift(pair[1]), detail.weight));
            }
        }
    }
    spans
}
