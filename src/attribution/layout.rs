//! `Layout`: where the values of the messages stand in a text, and where each turn begins.

use std::ops::Range;

use crate::template::{Event, Happening, Origin, Part, Printed, Traced, words_at};

/// A value of a message, or a part of one, where the text shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) span: Range<usize>,
    /// Where its words begin, behind white space and a think tag: what stands before may also come from a prompt.
    pub(super) words: usize,
    pub(super) part: Part,
}

/// One message in the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Where the message's text begins.
    pub(super) start: usize,
    /// Whether its values were printed nowhere although it has some.
    pub(super) dropped: bool,
    /// Whether nothing showed where it begins.
    pub(super) merged: bool,
}

/// Messages, and where a value of them stands amid those of other messages.
pub(super) type Displaced = Vec<(usize, Range<usize>)>;

/// The places of all messages of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) turns: Vec<Turn>,
    /// The values of all messages, in the order of the text, which is that of the messages.
    cores: Vec<Core>,
    /// `cores[places[i]..places[i + 1]]` are those of message `i`.
    places: Vec<usize>,
    /// Values that stand amid those of other messages.
    pub(super) displaced: Displaced,
    /// Where messages were read: position and message, in the order of reading.
    reads: Vec<(usize, u32)>,
    /// Where the loop over the messages came to its end; None if that was not seen.
    pub(super) end: Option<usize>,
}

impl Layout {
    /// The places in a traced text.
    pub(super) fn of(traced: &Traced) -> Layout {
        let mut layout = Layout {
            turns: vec![Turn::default(); traced.has_texts.len()],
            cores: Vec::with_capacity(traced.printed.len()),
            places: vec![0; traced.has_texts.len() + 1],
            displaced: Vec::new(),
            reads: Vec::new(),
            end: None,
        };
        layout.place_cores(traced);
        for (index, has_texts) in traced.has_texts.iter().enumerate() {
            layout.turns[index].dropped = *has_texts && layout.cores(index).is_empty();
        }
        layout.place_turns(traced);
        layout
    }

    /// The values of message `index`, in the order of the text.
    pub(super) fn cores(&self, index: usize) -> &[Core] {
        &self.cores[self.places[index]..self.places[index + 1]]
    }

    /// The first value of message `index` or of one after it.
    pub(super) fn first_core_from(&self, index: usize) -> Option<&Core> {
        self.cores.get(*self.places.get(index)?)
    }

    /// The end of the last value before turn `index`, or 0.
    pub(super) fn values_end_before(&self, index: usize) -> usize {
        self.places[index].checked_sub(1).map_or(0, |last| self.cores[last].span.end)
    }

    /// Whether the template read message `index` when it had written so much.
    pub(super) fn is_read_at(&self, index: usize, position: usize) -> bool {
        self.reads.contains(&(position, index as u32))
    }

    /// Finds the values of each message, and what breaks their order. What is printed more than once has its place
    /// where it is printed first.
    fn place_cores(&mut self, traced: &Traced) {
        let texts = traced.printed.iter().map(|printed| printed.value.0 + 1).max().unwrap_or(0);
        let mut seen: Vec<Seen> = vec![Seen::default(); texts];
        let mut owners: Vec<u32> = Vec::with_capacity(traced.printed.len());
        let mut rising = true;
        for Printed { span, message, part, value, .. } in &traced.printed {
            let (index, bytes) = value;
            let Some(words) = words_at(&traced.text[span.clone()]) else { continue };
            if !seen[*index].add(bytes) {
                continue;
            }
            rising &= owners.last().is_none_or(|last| *last <= *message as u32);
            owners.push(*message as u32);
            self.cores.push(Core { span: span.clone(), words: span.start + words, part: *part });
        }
        if !rising {
            // Templates mostly print messages in their order.
            let chosen = longest_rising(&owners);
            let mut next = chosen.iter().copied().peekable();
            let found = std::mem::take(&mut self.cores);
            for (index, core) in found.into_iter().enumerate() {
                if next.next_if_eq(&index).is_some() {
                    self.cores.push(core);
                } else {
                    self.displaced.push((owners[index] as usize, core.span));
                }
            }
            owners = chosen.iter().map(|index| owners[*index]).collect();
        }
        for owner in owners {
            self.places[owner as usize + 1] += 1;
        }
        for index in 1..self.places.len() {
            self.places[index] += self.places[index - 1];
        }
    }
}

/// The bytes of a value that were printed so far.
#[derive(Debug, Default, Clone)]
struct Seen {
    /// What was printed first; most values are printed in one go.
    first: Range<usize>,
    others: Vec<Range<usize>>,
}

impl Seen {
    /// Adds `bytes` and says whether they are new.
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
            // Templates that go through a value print its bytes in order.
            last if last.end == bytes.start => last.end = bytes.end,
            _ => self.others.push(bytes.clone()),
        }
        true
    }
}

/// Indices of a longest subsequence that never goes down. What it leaves out echoes another turn's values.
fn longest_rising(order: &[u32]) -> Vec<usize> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(order.len());
    for (index, message) in order.iter().enumerate() {
        let length = tails.partition_point(|&tail| order[tail] <= *message);
        before.push(length.checked_sub(1).map(|last| tails[last]));
        if length == tails.len() { tails.push(index) } else { tails[length] = index }
    }
    let mut chosen = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(index) = next {
        chosen.push(index);
        next = before[index];
    }
    chosen.reverse();
    chosen
}

impl Layout {
    /// Sets the start of each turn from the events, and the end of the loop that printed the last one.
    fn place_turns(&mut self, traced: &Traced) {
        let text_end = traced.text.len();
        let happened = Happened::of(traced, self.turns.len());
        let mut last_pass = None;
        let mut low = 0;
        for index in 0..self.turns.len() {
            let high = self.first_core_from(index).map_or(text_end, |core| core.span.start);
            let inside = |position: usize| position >= low && position <= high;
            let by_iteration = happened
                .iterations(index)
                .filter(|(position, _)| inside(*position))
                .max_by_key(|(position, pass)| (happened.printed(*pass), std::cmp::Reverse(*position)));
            let by_read = || {
                let first = |indexed: bool| {
                    happened
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
                    // Where a template gathers its text first and prints it at last, the positions of reads tell
                    // nothing.
                    by_read().or(traced.within[index].filter(|position| inside(*position)))
                }
            };
            let turn = &mut self.turns[index];
            turn.merged = start.is_none();
            turn.start = start.unwrap_or(low);
            low = self.cores(index).last().map_or(low, |core| core.span.end).max(self.turns[index].start);
        }
        self.end = last_pass.and_then(|last_pass| {
            traced.events.iter().rev().find_map(|event| match (event.what, event.origin) {
                (Happening::End, Origin::Pass(pass)) if pass == last_pass => Some(event.position),
                _ => None,
            })
        });
        self.reads = happened.reads;
    }
}

/// The events of a render by message.
struct Happened<'e> {
    events: &'e [Event],
    /// Events of a message, one after the other: for each its index, and the next one of the same message.
    first: Vec<u32>,
    next: Vec<u32>,
    /// How far the output went during each pass.
    advance: Vec<(usize, usize)>,
    reads: Vec<(usize, u32)>,
}

/// No event.
const NONE: u32 = u32::MAX;

impl<'e> Happened<'e> {
    fn of(traced: &'e Traced, messages: usize) -> Self {
        let events = traced.events.as_slice();
        let mut first = vec![NONE; messages];
        let mut next = vec![NONE; events.len()];
        let mut advance: Vec<(usize, usize)> = Vec::new();
        let mut reads = Vec::new();
        for event in events {
            if let Origin::Pass(pass) = event.origin {
                let pass = pass as usize;
                if advance.len() <= pass {
                    advance.resize(pass + 1, (usize::MAX, 0));
                }
                advance[pass].0 = advance[pass].0.min(event.position);
                advance[pass].1 = advance[pass].1.max(event.position);
            }
            if let Happening::Read(message) = event.what {
                reads.push((event.position, message));
            }
        }
        for (index, event) in events.iter().enumerate().rev() {
            if let Happening::Iter(message) | Happening::Read(message) = event.what {
                next[index] = std::mem::replace(&mut first[message as usize], index as u32);
            }
        }
        Happened { events, first, next, advance, reads }
    }

    fn of_message(&self, message: usize) -> impl Iterator<Item = &Event> {
        let follow = |index: u32| (index != NONE).then_some(index as usize);
        std::iter::successors(follow(self.first[message]), move |index| follow(self.next[*index]))
            .map(|index| &self.events[index])
    }

    fn iterations(&self, message: usize) -> impl Iterator<Item = (usize, u32)> {
        self.of_message(message).filter_map(|event| match (event.what, event.origin) {
            (Happening::Iter(_), Origin::Pass(pass)) => Some((event.position, pass)),
            _ => None,
        })
    }

    fn reads(&self, message: usize) -> impl Iterator<Item = (usize, Origin)> {
        self.of_message(message)
            .filter(|event| matches!(event.what, Happening::Read(_)))
            .map(|event| (event.position, event.origin))
    }

    /// Bytes written while a pass ran: the pass that wrote most is the one that printed the turns.
    fn printed(&self, pass: u32) -> usize {
        self.advance.get(pass as usize).map_or(0, |(from, to)| to.saturating_sub(*from))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn echoes_are_left_out() {
        assert_eq!(longest_rising(&[0, 1, 1, 0, 2]), [0, 1, 2, 4]);
        assert_eq!(longest_rising(&[]), [0usize; 0]);
    }

    proptest! {
        #[test]
        fn rising_is_as_long_as_can_be(order in proptest::collection::vec(0u32..6, 0..12)) {
            let chosen = longest_rising(&order);
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1] && order[pair[0]] <= order[pair[1]]));
            let mut best = vec![1usize; order.len()];
            for i in 0..order.len() {
                for j in 0..i {
                    if order[j] <= order[i] {
                        best[i] = best[i].max(best[j] + 1);
                    }
                }
            }
            prop_assert_eq!(chosen.len(), best.into_iter().max().unwrap_or(0));
        }
    }
}
