//! `Layout`: where the values of the messages stand in a text, and where each turn begins.

use std::collections::BTreeMap;
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
    /// Its values, in the order of the text.
    pub(super) cores: Vec<Core>,
    /// Whether its values were printed nowhere although it has some.
    pub(super) dropped: bool,
    /// Whether nothing showed where it begins.
    pub(super) merged: bool,
    /// Places where the template read the message, rising.
    pub(super) reads: Vec<usize>,
}

/// Messages, and where a value of them stands amid those of other messages.
pub(super) type Displaced = Vec<(usize, Range<usize>)>;

/// The places of all messages of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) turns: Vec<Turn>,
    /// Values that stand amid those of other messages.
    pub(super) displaced: Displaced,
    /// Where the loop over the messages came to its end; None if that was not seen.
    pub(super) end: Option<usize>,
}

impl Layout {
    /// The places in a traced text.
    pub(super) fn of(traced: &Traced) -> Layout {
        let (cores, displaced) = cores(traced);
        let mut turns: Vec<Turn> = cores
            .into_iter()
            .zip(&traced.has_texts)
            .map(|(cores, has_texts)| Turn { dropped: cores.is_empty() && *has_texts, cores, ..Turn::default() })
            .collect();
        let end = place_turns(&mut turns, traced);
        Layout { turns, displaced, end }
    }

    /// The end of the last value before turn `index`, or 0.
    pub(super) fn values_end_before(&self, index: usize) -> usize {
        self.turns[..index].iter().rev().find_map(|turn| turn.cores.last()).map_or(0, |core| core.span.end)
    }
}

/// The bytes of a value that were printed so far.
#[derive(Debug, Default)]
struct Seen {
    ranges: Vec<Range<usize>>,
    end: usize,
}

impl Seen {
    /// Adds `bytes` and says whether they are new. Templates that go through a value print its bytes in order, so
    /// there is mostly nothing to compare.
    fn add(&mut self, bytes: &Range<usize>) -> bool {
        if bytes.start < self.end && self.ranges.iter().any(|known| known.start < bytes.end && bytes.start < known.end)
        {
            return false;
        }
        self.end = self.end.max(bytes.end);
        self.ranges.push(bytes.clone());
        true
    }
}

/// The cores of each message, and what breaks their order. What is printed more than once has its place where it is
/// printed first.
fn cores(traced: &Traced) -> (Vec<Vec<Core>>, Displaced) {
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    let mut found: Vec<(usize, Core)> = Vec::new();
    for Printed { span, message, part, value, .. } in &traced.printed {
        let (index, bytes) = value;
        let Some(words) = words_at(&traced.text[span.clone()]) else { continue };
        if !seen.entry(*index).or_default().add(bytes) {
            continue;
        }
        found.push((*message, Core { span: span.clone(), words: span.start + words, part: *part }));
    }
    let order: Vec<usize> = found.iter().map(|(message, _)| *message).collect();
    let mut turns: Vec<Vec<Core>> = vec![Vec::new(); traced.has_texts.len()];
    let mut found: Vec<Option<(usize, Core)>> = found.into_iter().map(Some).collect();
    for index in longest_rising(&order) {
        if let Some((message, core)) = found[index].take() {
            turns[message].push(core);
        }
    }
    let displaced = found.into_iter().flatten().map(|(message, core)| (message, core.span)).collect();
    (turns, displaced)
}

/// Indices of a longest subsequence that never goes down. What it leaves out echoes another turn's values.
fn longest_rising(order: &[usize]) -> Vec<usize> {
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

/// Sets the start of each turn from the events, and returns the end of the loop that printed the last one.
fn place_turns(turns: &mut [Turn], traced: &Traced) -> Option<usize> {
    let (events, text_end): (&[Event], usize) = (&traced.events, traced.text.len());
    let mut iterations: Vec<Vec<(usize, u32)>> = vec![Vec::new(); turns.len()];
    let mut reads: Vec<Vec<(usize, Origin)>> = vec![Vec::new(); turns.len()];
    let mut advance: Vec<(usize, usize)> = Vec::new();
    for event in events {
        if let Origin::Pass(pass) = event.origin {
            let pass = pass as usize;
            if advance.len() <= pass {
                advance.resize(pass + 1, (usize::MAX, 0));
            }
            advance[pass].0 = advance[pass].0.min(event.position);
            advance[pass].1 = advance[pass].1.max(event.position);
        }
        match (event.what, event.origin) {
            (Happening::Iter(message), Origin::Pass(pass)) => {
                iterations[message as usize].push((event.position, pass));
            }
            (Happening::Read(message), origin) => reads[message as usize].push((event.position, origin)),
            _ => {}
        }
    }
    // The pass that printed most is the one that printed the turns; scans before and after it stand still.
    let printed = |pass: u32| advance.get(pass as usize).map_or(0, |(from, to)| to.saturating_sub(*from));
    let mut last_pass = None;
    let mut low = 0;
    for index in 0..turns.len() {
        let high = turns[index..].iter().find_map(|turn| turn.cores.first()).map_or(text_end, |core| core.span.start);
        let inside = |position: usize| position >= low && position <= high;
        let by_iteration = iterations[index]
            .iter()
            .filter(|(position, _)| inside(*position))
            .max_by_key(|(position, pass)| (printed(*pass), std::cmp::Reverse(*position)))
            .copied();
        let by_read = || {
            let first = |indexed: bool| {
                reads[index]
                    .iter()
                    .find(|(position, origin)| inside(*position) && (*origin == Origin::Index) == indexed)
                    .map(|(position, _)| *position)
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
                // Where a template gathers its text first and prints it at last, the positions of reads tell nothing.
                by_read().or(traced.within[index].filter(|position| inside(*position)))
            }
        };
        let turn = &mut turns[index];
        turn.merged = start.is_none();
        turn.start = start.unwrap_or(low);
        turn.reads = reads[index].iter().map(|(position, _)| *position).collect();
        low = turn.cores.last().map_or(low, |core| core.span.end).max(turn.start);
    }
    let last_pass = last_pass?;
    events.iter().rev().find_map(|event| match (event.what, event.origin) {
        (Happening::End, Origin::Pass(pass)) if pass == last_pass => Some(event.position),
        _ => None,
    })
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
        fn rising_is_as_long_as_can_be(order in proptest::collection::vec(0usize..6, 0..12)) {
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
