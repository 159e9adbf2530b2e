//! From the regions of a text to the spans of it that are trained.

use std::ops::Range;

use super::detail::{self, Detail};
use super::{Labels, Stop, Unproved};
use crate::attribution::{Attributed, Doubt, Speaker};
use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::region::{Region, RegionKind};

/// Bytes of a text that are trained, with their weight. It is never 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The bytes.
    pub range: Range<usize>,
    /// What their tokens count.
    pub weight: f32,
}

/// What is trained of one text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// Rising, disjoint, none empty, neighbours of one weight joined.
    pub spans: Vec<Span>,
    /// Trained turns that are left out all the same, and why.
    pub left_out: Vec<(usize, Doubt)>,
    /// Whether a doubt was settled to choose these spans.
    pub settled: bool,
    /// Where trained turns end: a stop token is expected right before.
    pub turn_ends: Vec<usize>,
}

/// Where spans begin and end: rising.
pub fn edges(spans: &[Span]) -> Vec<usize> {
    let mut edges: Vec<usize> = spans.iter().flat_map(|span| [span.range.start, span.range.end]).collect();
    edges.dedup();
    edges
}

impl Chosen {
    /// The places of the text at which it matters where tokens lie: rising.
    pub fn edges(&self) -> Vec<usize> {
        let mut edges = edges(&self.spans);
        // Nearly all turns end where a span does.
        let more: Vec<usize> = self.turn_ends.iter().copied().filter(|end| edges.binary_search(end).is_err()).collect();
        if !more.is_empty() {
            edges.extend(more);
            edges.sort_unstable();
        }
        edges
    }

    fn push(&mut self, range: Range<usize>, weight: f32) {
        // A stop token taken from the next turn reaches into that one.
        let range = range.start.max(self.spans.last().map_or(0, |last| last.range.end))..range.end;
        if range.start >= range.end || weight == 0.0 {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.range.end == range.start && last.weight == weight => last.range.end = range.end,
            _ => self.spans.push(Span { range, weight }),
        }
    }
}

/// Weights of messages, and whether they are those that tags stand for.
fn is_plain(weights: &[f32], labels: &Labels, conversation: &Conversation<'_>) -> bool {
    weights.iter().enumerate().all(|(index, weight)| {
        let assistant = Speaker::of(conversation.role(index)) == Speaker::Assistant;
        *weight == f32::from(u8::from(assistant)) && !detail::is_detailed(labels, &conversation.messages[index])
    })
}

impl Labels {
    /// Whether tags alone do not tell what of this conversation is trained.
    pub fn goes_beyond_tags(&self, conversation: &Conversation<'_>, only: Option<usize>) -> Result<bool> {
        Ok(!is_plain(&self.message_weights(conversation, only)?, self, conversation))
    }

    /// What is trained of a text without tags. `stops` are tokens that end a turn; `only` is the one message to train.
    pub fn choose(
        &self,
        conversation: &Conversation<'_>,
        text: &str,
        attributed: &Attributed,
        stops: &[String],
        only: Option<usize>,
    ) -> Result<Chosen> {
        let mut chosen = Chosen::default();
        let weights = self.proved_weights(conversation, attributed, only, &mut chosen)?;
        chosen.settled = attributed.settled.iter().any(|&message| weights[message] > 0.0);
        let details = self.details(conversation, &weights)?;
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        let regions = attributed.regions.as_slice();
        for (index, region) in regions.iter().enumerate() {
            let weight = self.region_weight(region, &weights, last);
            match region.message.and_then(|message| Some((message, details.get(message)?))) {
                Some((message, details)) if weight > 0.0 && !details.is_empty() => {
                    push_detailed(&mut chosen, region, weight, (message, details), attributed);
                }
                _ => chosen.push(region.start..region.end, weight),
            }
            let Some(message) = region.message.filter(|&message| weights[message] > 0.0) else { continue };
            let ends = regions.get(index + 1).is_none_or(|next| next.message != Some(message));
            if ends && Speaker::of(conversation.role(message)) == Speaker::Assistant {
                self.end_turn(&mut chosen, text, regions, index, stops, last);
            }
        }
        Ok(chosen)
    }

    /// What is trained of a text whose template has tags around `generation`.
    pub fn choose_tagged(
        &self,
        conversation: &Conversation<'_>,
        generation: &[Range<usize>],
        attributed: Option<&Attributed>,
        only: Option<usize>,
    ) -> Result<Chosen> {
        let mut chosen = Chosen::default();
        let Some(attributed) = attributed else {
            generation.iter().for_each(|span| chosen.push(span.clone(), 1.0));
            chosen.turn_ends = chosen.spans.iter().map(|span| span.range.end).collect();
            return Ok(chosen);
        };
        let weights = self.proved_weights(conversation, attributed, only, &mut chosen)?;
        let details = self.details(conversation, &weights)?;
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        for region in attributed.regions.as_slice() {
            let Some(message) = region.message.filter(|&message| weights[message] > 0.0) else { continue };
            let of_message = details.get(message).map_or(&[][..], Vec::as_slice);
            if Speaker::of(conversation.role(message)) != Speaker::Assistant {
                // Tags are around assistants' turns; another message that asks to be trained goes by its regions.
                let weight = self.region_weight(region, &weights, last);
                push_detailed(&mut chosen, region, weight, (message, of_message), attributed);
                continue;
            }
            for span in generation {
                let (start, end) = (region.start.max(span.start), region.end.min(span.end));
                if start < end {
                    let part = Region { start, end, ..*region };
                    push_detailed(&mut chosen, &part, weights[message], (message, of_message), attributed);
                }
            }
        }
        for span in generation.iter().filter(|span| !span.is_empty()) {
            if chosen.spans.iter().any(|chosen| chosen.range.contains(&(span.end - 1))) {
                chosen.turn_ends.push(span.end);
            }
        }
        Ok(chosen)
    }

    /// The weights of the messages, without those that are doubtful.
    fn proved_weights(
        &self,
        conversation: &Conversation<'_>,
        attributed: &Attributed,
        only: Option<usize>,
        chosen: &mut Chosen,
    ) -> Result<Vec<f32>> {
        let mut weights = self.message_weights(conversation, only)?;
        // What is not in the text cannot be trained, whatever else is doubtful about it, and nothing is wrong with the rest
        // of the row.
        let (no_turns, others): (Vec<_>, Vec<_>) =
            attributed.doubts.iter().copied().partition(|(_, doubt)| doubt.is_no_turn());
        for (message, doubt) in no_turns.into_iter().chain(others) {
            if weights[message] == 0.0 {
                continue;
            }
            if !doubt.is_no_turn() && self.unproved != Unproved::Mask {
                let text = format!(
                    "labels are not proved ({}): {}; use a template with {{% generation %}} tags, leave the row out, or \
                     set unproved: mask in the labels",
                    doubt.code(),
                    doubt.explanation()
                );
                return Err(Error::new(Kind::Unproved(doubt.code()), text).at_message(message));
            }
            weights[message] = 0.0;
            chosen.left_out.push((message, doubt));
        }
        Ok(weights)
    }

    /// The details of each message; nothing at all where no message has any.
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

    /// The weight of a region, whose message is trained or not.
    fn region_weight(&self, region: &Region, weights: &[f32], last: Option<usize>) -> f32 {
        let of_kind = self.weight(region.kind);
        let Some(message) = region.message else {
            return if self.roles == super::Roles::All { of_kind } else { 0.0 };
        };
        match (region.kind, self.stop) {
            (RegionKind::Closer, Stop::None) => 0.0,
            (RegionKind::Closer, Stop::All) if weights[message] == 0.0 => of_kind,
            (RegionKind::Closer, Stop::Last) if last != Some(message) => 0.0,
            _ => of_kind * weights[message],
        }
    }

    /// A trained turn ends with region `index`: notes where, and takes the stop token of the next turn where the
    /// template gives this one none.
    fn end_turn(
        &self,
        chosen: &mut Chosen,
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
            return chosen.turn_ends.push(closer.end);
        }
        let end = regions[index].end;
        let wanted = match self.stop {
            Stop::Turn | Stop::All => true,
            Stop::Last => message == last,
            Stop::None => false,
        };
        let borrowed = stops.iter().find(|stop| !stop.is_empty() && text[end..].starts_with(stop.as_str()));
        match borrowed.filter(|_| wanted && self.borrow_stop) {
            Some(stop) => {
                // White space before it has to be written too.
                let from = if regions[index].kind == RegionKind::Trailing { regions[index].start } else { end };
                chosen.push(from..end + stop.len(), self.weight(RegionKind::Closer));
                chosen.turn_ends.push(end + stop.len());
            }
            None => chosen.turn_ends.push(end),
        }
    }
}

/// Pushes a region of a message, with the weights that its details give to parts of it.
fn push_detailed(
    chosen: &mut Chosen,
    region: &Region,
    weight: f32,
    (message, details): (usize, &[Detail]),
    attributed: &Attributed,
) {
    let mut at = region.start;
    for (range, own) in placed(message, details, attributed) {
        let (start, end) = (range.start.max(at), range.end.min(region.end));
        if start < end {
            chosen.push(at..start, weight);
            chosen.push(start..end, weight * own);
            at = end;
        }
    }
    chosen.push(at..region.end, weight);
}

/// Where the text shows what has a weight of its own: rising, disjoint. Of two details for one byte the later counts.
fn placed(message: usize, details: &[Detail], attributed: &Attributed) -> Vec<(Range<usize>, f32)> {
    let mut placed = Vec::new();
    for printed in attributed.printed.iter().filter(|printed| printed.message == message && !details.is_empty()) {
        let of_text = || details.iter().filter(|detail| detail.ordinal == printed.ordinal);
        let bytes = &printed.value.1;
        if bytes.len() != printed.span.len() {
            // The text shows the value in another form, such as escaped: only a weight for all of it has a place.
            if let Some(detail) =
                of_text().find(|detail| detail.bytes.start <= bytes.start && bytes.end <= detail.bytes.end)
            {
                placed.push((printed.span.clone(), detail.weight));
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
                placed.push((shift(pair[0])..shift(pair[1]), detail.weight));
            }
        }
    }
    placed
}
