//! `Layout`: where the values of the messages stand in a text, and where each turn begins.

use std::ops::Range;

use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::template::marks::{self, MarkFault, Part, Slot};
use crate::template::{ChatTemplate, Event, Happening, Observed, Origin, Request};

/// A value of a message where the text shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) span: Range<usize>,
    pub(super) part: Part,
    /// What stands around the core in its value.
    pub(super) head: String,
    pub(super) tail: String,
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

/// The places of all messages of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) turns: Vec<Turn>,
    /// Where the loop over the messages came to its end; None if that was not seen.
    pub(super) end: Option<usize>,
}

impl Layout {
    /// Finds the places by a second render with marks, which must give the text of `observed`.
    pub(super) fn of(template: &ChatTemplate, request: Request<'_, '_>, observed: &Observed) -> Result<Layout> {
        let conversation = request.conversation;
        if marks::has_marks(&observed.text) {
            return Err(unproved(MarkFault::InData));
        }
        let (marked, slots) = marks::mark(conversation);
        let marked_text = template.render_marked(&marked, request).map_err(|error| {
            let text = "labels are not proved (marked_raises): with marks in it the template fails";
            Error { kind: Kind::Unproved, text: format!("{text}: {}", error.text), ..error }
        })?;
        let occurrences = marks::read(&marked_text, &observed.text, slots.len()).map_err(unproved)?;
        let (turns, dropped) = cores(conversation, slots, occurrences);
        let mut turns: Vec<Turn> =
            turns.into_iter().zip(dropped).map(|(cores, dropped)| Turn { cores, dropped, ..Turn::default() }).collect();
        let end = place_turns(&mut turns, &observed.events, observed.text.len());
        Ok(Layout { turns, end })
    }

    /// The end of the last value before turn `index`, or 0.
    pub(super) fn values_end_before(&self, index: usize) -> usize {
        self.turns[..index].iter().rev().find_map(|turn| turn.cores.last()).map_or(0, |core| core.span.end)
    }
}

fn unproved(fault: MarkFault) -> Error {
    let (code, text) = match fault {
        MarkFault::InData => ("marks_in_data", "the text holds noncharacters (U+FDD0 to U+FDEF); remove them"),
        MarkFault::Broken => ("marks_broken", "the template takes values apart, so their places cannot be told"),
        MarkFault::Differs => ("marked_differs", "the template changes values, so their places cannot be told"),
    };
    let remedy = "use a template with {% generation %} tags, or leave the row out";
    Error::new(Kind::Unproved, format!("labels are not proved ({code}): {text}; {remedy}"))
}

/// The cores of each message, and whether all values of the message are missing.
fn cores(
    conversation: &Conversation<'_>,
    slots: Vec<Slot>,
    mut occurrences: Vec<marks::Occurrence>,
) -> (Vec<Vec<Core>>, Vec<bool>) {
    let count = conversation.messages.len();
    let mut has_values = vec![false; count];
    for slot in &slots {
        has_values[slot.message] = true;
    }
    // A value that is printed more than once has its place where it is printed first.
    let mut seen = vec![false; slots.len()];
    occurrences.retain(|occurrence| !std::mem::replace(&mut seen[occurrence.slot], true));
    let order: Vec<usize> = occurrences.iter().map(|occurrence| slots[occurrence.slot].message).collect();
    let mut slots: Vec<Option<Slot>> = slots.into_iter().map(Some).collect();
    let mut turns: Vec<Vec<Core>> = vec![Vec::new(); count];
    for index in longest_rising(&order) {
        let occurrence = &occurrences[index];
        if let Some(slot) = slots[occurrence.slot].take() {
            let core = Core { span: occurrence.span.clone(), part: slot.part, head: slot.head, tail: slot.tail };
            turns[slot.message].push(core);
        }
    }
    let dropped = turns.iter().zip(has_values).map(|(cores, has_values)| cores.is_empty() && has_values).collect();
    (turns, dropped)
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
fn place_turns(turns: &mut [Turn], events: &[Event], text_end: usize) -> Option<usize> {
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
                by_read()
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
