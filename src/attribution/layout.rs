//! `Layout`: the places of the values of messages in a text, and the start of each turn.

use std::ops::Range;

use super::event_index::EventIndex;
use crate::template::{Origin, Part, Printed, TraceKind, Traced, words_at};

/// The place of a value of a message in the text, or of a part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueSpan {
    pub(super) span: Range<usize>,
    /// The start of its words, after white space and think tags. A generation prompt may also print the text before
    /// them.
    pub(super) words: usize,
    pub(super) part: Part,
}

/// One message in the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Where the text of the message starts.
    pub(super) start: usize,
    /// Whether the message has values and the template printed none of them.
    pub(super) dropped: bool,
    /// Whether no event showed where the message starts.
    pub(super) merged: bool,
    /// Whether the text before the first value may be that of the message before, which has no words.
    pub(super) follows_blank: bool,
}

/// The places of all messages of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) turns: Vec<Turn>,
    /// The values of all messages, in the order of the text, which is also the order of the messages.
    values: Vec<ValueSpan>,
    /// The values of message `i` are `values[firsts[i]..firsts[i + 1]]`.
    firsts: Vec<usize>,
    /// Values between values of other messages: the message and the place.
    pub(super) out_of_order: Vec<(usize, Range<usize>)>,
    /// Where messages were read: position and message, in the order of the reads.
    reads: Vec<(usize, u32)>,
    /// Where the loop over the messages ended. None if no event showed it.
    pub(super) end: Option<usize>,
}

impl Layout {
    /// The places in a traced text.
    pub(super) fn of(traced: &Traced) -> Layout {
        let mut layout = Layout {
            turns: vec![Turn::default(); traced.has_texts.len()],
            values: Vec::with_capacity(traced.printed.len()),
            firsts: vec![0; traced.has_texts.len() + 1],
            out_of_order: Vec::new(),
            reads: Vec::new(),
            end: None,
        };
        layout.find_values(traced);
        for (index, has_texts) in traced.has_texts.iter().enumerate() {
            layout.turns[index].dropped = *has_texts && layout.values(index).is_empty();
        }
        layout.find_turns(traced);
        layout
    }

    /// The values of message `index`, in the order of the text.
    pub(super) fn values(&self, index: usize) -> &[ValueSpan] {
        &self.values[self.firsts[index]..self.firsts[index + 1]]
    }

    /// The first value of message `index` or of a later message.
    pub(super) fn first_value_from(&self, index: usize) -> Option<&ValueSpan> {
        self.values.get(*self.firsts.get(index)?)
    }

    /// The end of the last value before turn `index`, or 0.
    pub(super) fn values_end_before(&self, index: usize) -> usize {
        self.firsts[index].checked_sub(1).map_or(0, |last| self.values[last].span.end)
    }

    /// Whether the template read message `index` when its output had this length.
    pub(super) fn is_read_at(&self, index: usize, position: usize) -> bool {
        self.reads.contains(&(position, index as u32))
    }

    /// Finds the values of each message, and the values that are out of order. If a value is printed more than once,
    /// its first place counts.
    fn find_values(&mut self, traced: &Traced) {
        let texts = traced.printed.iter().map(|printed| printed.value.0 + 1).max().unwrap_or(0);
        let mut seen: Vec<PrintedBytes> = vec![PrintedBytes::default(); texts];
        let mut owners: Vec<u32> = Vec::with_capacity(traced.printed.len());
        let mut ascending = true;
        for Printed { span, message, part, value, .. } in &traced.printed {
            let (index, bytes) = value;
            let Some(words) = words_at(&traced.text[span.clone()]) else { continue };
            if !seen[*index].add(bytes) {
                continue;
            }
            ascending &= owners.last().is_none_or(|last| *last <= *message as u32);
            owners.push(*message as u32);
            self.values.push(ValueSpan { span: span.clone(), words: span.start + words, part: *part });
        }
        if !ascending {
            // Templates mostly print messages in their order.
            let kept = longest_ascending(&owners);
            let mut next = kept.iter().copied().peekable();
            let found = std::mem::take(&mut self.values);
            for (index, value) in found.into_iter().enumerate() {
                if next.next_if_eq(&index).is_some() {
                    self.values.push(value);
                } else {
                    self.out_of_order.push((owners[index] as usize, value.span));
                }
            }
            owners = kept.iter().map(|index| owners[*index]).collect();
        }
        for owner in owners {
            self.firsts[owner as usize + 1] += 1;
        }
        for index in 1..self.firsts.len() {
            self.firsts[index] += self.firsts[index - 1];
        }
    }

    /// Finds the start of each turn, and the end of the loop that printed the last one.
    fn find_turns(&mut self, traced: &Traced) {
        let text_end = traced.text.len();
        let events = EventIndex::of(traced, self.turns.len());
        let mut last_pass = None;
        let mut low = 0;
        for index in 0..self.turns.len() {
            let high = self.first_value_from(index).map_or(text_end, |value| value.span.start);
            let inside = |position: usize| position >= low && position <= high;
            let by_iteration = events
                .iterations(index)
                .filter(|(position, _)| inside(*position))
                .max_by_key(|(position, pass)| (events.printed(*pass), std::cmp::Reverse(*position)));
            let by_read = || {
                let first = |indexed: bool| {
                    events
                        .reads(index)
                        .find(|(position, origin)| inside(*position) && (*origin == Origin::Index) == indexed)
                        .map(|(position, _)| position)
                };
                first(false).or_else(|| first(true))
            };
            let start = match by_iteration {
                Some((position, pass)) => {
                    last_pass = Some(pass);
                    Some(position)
                }
                None => {
                    last_pass = None;
                    // The positions of reads are useless if a template collects its text first and prints it at the
                    // end.
                    by_read().or(traced.within[index].filter(|position| inside(*position)))
                }
            };
            // If the loop printed nothing itself, because the text is collected, nothing tells the text of a message
            // without words from that of the next one.
            let follows_blank = index > 0
                && last_pass.is_none_or(|pass| events.printed(pass) == 0)
                && self.values(index - 1).is_empty()
                && start == Some(self.turns[index - 1].start)
                && start.is_some_and(|start| start < high);
            let turn = &mut self.turns[index];
            turn.merged = start.is_none();
            turn.follows_blank = follows_blank;
            turn.start = start.unwrap_or(low);
            low = self.values(index).last().map_or(low, |value| value.span.end).max(self.turns[index].start);
        }
        self.end = last_pass.and_then(|last_pass| {
            traced.events.iter().rev().find_map(|event| match (event.kind, event.origin) {
                (TraceKind::End, Origin::Pass(pass)) if pass == last_pass => Some(event.position),
                _ => None,
            })
        });
        self.reads = events.into_reads();
    }
}

/// The bytes of a value that were printed so far.
#[derive(Debug, Default, Clone)]
struct PrintedBytes {
    /// The bytes that were printed first. Most values are printed in one piece.
    first: Range<usize>,
    others: Vec<Range<usize>>,
}

impl PrintedBytes {
    /// Adds `bytes` and returns whether none of them was printed before.
    fn add(&mut self, bytes: &Range<usize>) -> bool {
        if self.first.is_empty() {
            self.first = bytes.clone();
            return true;
        }
        let mut known = std::iter::once(&self.first).chain(&self.others);
        if known.any(|known| known.start < bytes.end && bytes.start < known.end) {
            return false;
        }
        match self.others.last_mut().unwrap_or(&mut self.first) {
            // A template that loops over the characters of a value prints its bytes in order.
            last if last.end == bytes.start => last.end = bytes.end,
            _ => self.others.push(bytes.clone()),
        }
        true
    }
}

/// The indices of a longest subsequence that never decreases. The other elements are out of order: values that are
/// printed again within another turn.
fn longest_ascending(order: &[u32]) -> Vec<usize> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(order.len());
    for (index, message) in order.iter().enumerate() {
        let length = tails.partition_point(|&tail| order[tail] <= *message);
        before.push(length.checked_sub(1).map(|last| tails[last]));
        if length == tails.len() { tails.push(index) } else { tails[length] = index }
    }
    let mut kept = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(index) = next {
        kept.push(index);
        next = before[index];
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_out_of_order_are_left_out() {
        assert_eq!(longest_ascending(&[0, 1, 1, 0, 2]), [0, 1, 2, 4]);
        assert_eq!(longest_ascending(&[]), [0usize; 0]);
    }

    proptest! {
        #[test]
        fn the_subsequence_is_as_long_as_possible(order in proptest::collection::vec(0u32..6, 0..12)) {
            let kept = longest_ascending(&order);
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1] && order[pair[0]] <= order[pair[1]]));
            let mut best = vec![1usize; order.len()];
            for i in 0..order.len() {
                for j in 0..i {
                    if order[j] <= order[i] {
                        best[i] = best[i].max(best[j] + 1);
                    }
                }
            }
            prop_assert_eq!(kept.len(), best.into_iter().max().unwrap_or(0));
        }
    }
}
