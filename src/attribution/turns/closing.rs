//! The end of an assistant turn: the rest of its last value, the closer, and what trails.

use super::super::Doubt;
use super::super::facts::{Speaker, back_to_border, common_suffix};
use super::Splitter;
use crate::conversation::{Fields, Node, field};
use crate::python_text::is_space;
use crate::region::RegionKind;

impl Splitter<'_> {
    /// Whether a turn goes on behind its stop token: with other text than stop tokens, and to another one. Then it was
    /// none of its end, but that of a part of it, such as reasoning without an answer.
    fn goes_on(&self, behind: &str) -> bool {
        let stops: Vec<&String> = self.facts.closers.iter().chain(&self.facts.eos_token).collect();
        let mut rest = behind.trim_start_matches(is_space);
        while let Some(next) = stops.iter().find_map(|stop| rest.strip_prefix(stop.as_str())) {
            rest = next.trim_start_matches(is_space);
        }
        !rest.is_empty() && stops.iter().any(|stop| rest.contains(stop.as_str()))
    }

    /// Whether what stands behind the loop over the messages closes the last turn. What the template prints there
    /// whoever spoke last is its own, unless it is the token that ends a sequence.
    fn closes(&self, tail: &str) -> bool {
        let tail = tail.trim_matches(is_space);
        let is_eos = self.facts.eos_token.as_deref().is_some_and(|eos| tail.starts_with(eos));
        !tail.is_empty() && (is_eos || self.facts.user_tail.as_deref() != Some(tail))
    }

    /// Splits `from..next`, the end of an assistant turn whose last value is of `kind`, into the rest of that value,
    /// the closer and what trails.
    pub(super) fn closing(&mut self, index: usize, from: usize, next: usize, kind: RegionKind) {
        let message = Some(index);
        let gap = self.text[from..next].trim_end_matches(is_space);
        // More text than the stop token: the turn is over at the first one.
        let closers = self.facts.closers.as_slice();
        let stops = || closers.iter().chain(&self.facts.eos_token);
        let stop = match stops().any(|stop| stop == gap) {
            // Mostly a stop token is all that is there. None lies inside another one.
            true if !stops().any(|stop| stop != gap && gap.contains(stop.as_str())) => Some(gap.len()),
            _ => stops().filter_map(|stop| gap.find(stop.as_str()).map(|at| at + stop.len())).min(),
        };
        let worded = !self.layout.cores(index).is_empty();
        let behind = &gap[stop.unwrap_or(gap.len())..];
        if (!behind.is_empty() && is_blank(&self.messages[index]))
            || (kind != RegionKind::Content && self.goes_on(behind))
        {
            self.doubts.push((index, Doubt::Unanchored));
        }
        let gap = &gap[..stop.unwrap_or(gap.len())];
        let closer_start = if kind == RegionKind::Content {
            // What stands between the words and the closer is the value's too, such as the end of a printed list.
            let known = closers.iter().filter_map(|closer| gap.find(closer.as_str())).min();
            known.filter(|at| !gap[..*at].trim_matches(is_space).is_empty()).unwrap_or(0)
        } else {
            let suffix = closers.iter().map(|closer| border_suffix(gap, closer)).max().unwrap_or(0);
            gap.len() - if suffix > 0 || self.facts.mid_closer.is_some() { suffix } else { last_token(gap) }
        };
        let mut start = from + closer_start;
        let mut end = from + gap.len();
        let rest = &self.text[next..self.first_value(index + 1).max(next)];
        let closer = self.facts.end_closer(Speaker::Assistant).filter(|closer| rest.starts_with(closer));
        // The template prints the closer with the next turn; what stands before belongs to the value.
        let moved = closer.is_some_and(|_| stop.is_none() && worded && index + 1 < self.starts.len());
        if moved {
            start = end;
        }
        if start == end {
            // A turn without words is only known to be empty if nothing at all stands in it.
            if let Some(closer) = closer.filter(|_| worded || gap.is_empty()) {
                end = next + closer.trim_end_matches(is_space).len();
                if let Some(next_start) = self.starts.get_mut(index + 1) {
                    *next_start = (*next_start).max(end);
                }
            } else if index + 1 == self.starts.len() && self.facts.always_prompt.is_none() && self.closes(rest) {
                end = next + rest.trim_end_matches(is_space).len();
            }
        }
        self.regions.push(start, message, kind);
        self.regions.push(end, message, RegionKind::Closer);
        self.regions.push(self.next_start(index).max(end), message, RegionKind::Trailing);
    }
}

/// Whether the content of a message is white space and nothing else.
fn is_blank(message: &Fields<'_>) -> bool {
    let content = field(message, "content").and_then(Node::as_str).unwrap_or("");
    !content.is_empty() && content.trim_matches(is_space).is_empty()
}

/// Bytes that `gap` and `closer` end with alike, from a token's border on.
fn border_suffix(gap: &str, closer: &str) -> usize {
    let shared = common_suffix(gap, closer);
    let start = gap.len() - shared;
    let border = back_to_border(gap, start);
    if border == start {
        return shared;
    }
    // The shared text begins inside a token: it counts from the end of that token on.
    match gap[start..].find(['>', ']']) {
        Some(at) => shared - (at + 1),
        None => 0,
    }
}

/// Bytes of the `<...>` or `[...]` that `gap` ends with, or 0.
fn last_token(gap: &str) -> usize {
    [('<', '>'), ('[', ']')]
        .into_iter()
        .filter(|(_, close)| gap.ends_with(*close))
        .filter_map(|(open, _)| gap.rfind(open))
        .map(|at| gap.len() - at)
        .next()
        .unwrap_or(0)
}
