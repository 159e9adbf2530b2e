//! The end of an assistant turn: the rest of its last value, the closer, and the text after it.

use super::super::shared_text::{border_suffix, last_token};
use super::super::{Ambiguity, RegionKind};
use super::Splitter;
use super::delimiter::closing_tag;
use crate::data::{Fields, Node, field};
use crate::rows::Role;
use chatjinja::is_space;

impl Splitter<'_> {
    /// Whether a turn goes on after its stop token: `after` has text that is not a stop token, and another stop token.
    /// Then the first stop token ended only a part of the turn, such as reasoning without an answer.
    fn goes_on(&self, after: &str) -> bool {
        let stops: Vec<&String> = self.profile.closers.iter().chain(&self.profile.eos_token).collect();
        let mut rest = after.trim_start_matches(is_space);
        while let Some(next) = stops.iter().find_map(|stop| rest.strip_prefix(stop.as_str())) {
            rest = next.trim_start_matches(is_space);
        }
        !rest.is_empty() && stops.iter().any(|stop| rest.contains(stop.as_str()))
    }

    /// Whether the text after the loop over the messages closes the last turn. Text that the template prints there
    /// after every role does not belong to the turn, unless it is the end-of-sequence token.
    fn closes(&self, tail: &str) -> bool {
        let tail = tail.trim_matches(is_space);
        let is_eos = self.profile.eos_token.as_deref().is_some_and(|eos| tail.starts_with(eos));
        !tail.is_empty() && (is_eos || self.profile.user_tail.as_deref() != Some(tail))
    }

    /// Splits `from..next`, the end of an assistant turn whose last value has this `kind`, into the rest of the value,
    /// the closer and the text after it.
    pub(super) fn closing(&mut self, index: usize, from: usize, next: usize, kind: RegionKind) {
        let message = Some(index);
        let gap = self.text[from..next].trim_end_matches(is_space);
        // If there is more text than the stop token, the turn ends at the first stop token.
        let closers = self.profile.closers.as_slice();
        let stops = || closers.iter().chain(&self.profile.eos_token);
        let stop = match stops().any(|stop| stop == gap) {
            // The usual case: the gap is one stop token, and no other stop token is a part of it.
            true if !stops().any(|stop| stop != gap && gap.contains(stop.as_str())) => Some(gap.len()),
            _ => stops().filter_map(|stop| gap.find(stop.as_str()).map(|at| at + stop.len())).min(),
        };
        let has_words = !self.layout.values(index).is_empty();
        let after = &gap[stop.unwrap_or(gap.len())..];
        if (!after.is_empty() && is_blank(&self.messages[index]))
            || (kind != RegionKind::Content && self.goes_on(after))
        {
            self.ambiguities.push((index, Ambiguity::Unanchored));
        }
        let gap = &gap[..stop.unwrap_or(gap.len())];
        let closer_start = if kind == RegionKind::Content {
            // Text between the words and the closer also belongs to the value, such as the end of a printed list.
            let known = closers.iter().filter_map(|closer| gap.find(closer.as_str())).min();
            let known = known.filter(|at| !gap[..*at].trim_matches(is_space).is_empty()).unwrap_or(0);
            known.max(closing_tag(gap))
        } else {
            let suffix = closers.iter().map(|closer| border_suffix(gap, closer)).max().unwrap_or(0);
            gap.len() - if suffix > 0 || self.profile.mid_closer.is_some() { suffix } else { last_token(gap) }
        };
        let mut start = from + closer_start;
        let mut end = from + gap.len();
        let rest = &self.text[next..self.first_value(index + 1).max(next)];
        let closer = self.profile.end_closer(Role::Assistant).filter(|closer| rest.starts_with(closer));
        // The template prints the closer with the next turn. The text before it belongs to the value.
        let moved = closer.is_some_and(|_| stop.is_none() && has_words && index + 1 < self.starts.len());
        if moved {
            start = end;
        }
        if start == end {
            // A turn without words counts as empty only if it has no text at all.
            if let Some(closer) = closer.filter(|_| has_words || gap.is_empty()) {
                end = next + closer.trim_end_matches(is_space).len();
                if let Some(next_start) = self.starts.get_mut(index + 1) {
                    *next_start = (*next_start).max(end);
                }
            } else if index + 1 == self.starts.len() && self.profile.always_prompt.is_none() && self.closes(rest) {
                end = next + rest.trim_end_matches(is_space).len();
            }
        }
        self.regions.push(start, message, kind);
        self.regions.push(end, message, RegionKind::Closer);
        self.regions.push(self.next_start(index).max(end), message, RegionKind::Trailing);
    }
}

/// Whether the content of a message consists of white space only.
fn is_blank(message: &Fields<'_>) -> bool {
    let content = field(message, "content").and_then(Node::as_str).unwrap_or("");
    !content.is_empty() && content.trim_matches(is_space).is_empty()
}
