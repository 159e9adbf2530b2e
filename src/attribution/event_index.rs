//! `EventIndex`: the events of a traced render, by message.

use crate::template::{Origin, TraceEvent, TraceKind, Traced};

/// The events of a traced render, by message.
pub(super) struct EventIndex<'e> {
    events: &'e [TraceEvent],
    /// By message: its first event.
    first: Vec<u32>,
    /// By event: the next event of the same message.
    next: Vec<u32>,
    /// By pass of a loop: the lengths of the output when it started and ended.
    lengths: Vec<(usize, usize)>,
    reads: Vec<(usize, u32)>,
}

/// Marks the end of a list of events.
const NONE: u32 = u32::MAX;

impl<'e> EventIndex<'e> {
    /// The events of `traced`, a render of this number of messages.
    pub(super) fn of(traced: &'e Traced, messages: usize) -> Self {
        let events = traced.events.as_slice();
        let mut first = vec![NONE; messages];
        let mut next = vec![NONE; events.len()];
        let mut lengths: Vec<(usize, usize)> = Vec::new();
        let mut reads = Vec::new();
        for event in events {
            if let Origin::Pass(pass) = event.origin {
                let pass = pass as usize;
                if lengths.len() <= pass {
                    lengths.resize(pass + 1, (usize::MAX, 0));
                }
                lengths[pass].0 = lengths[pass].0.min(event.position);
                lengths[pass].1 = lengths[pass].1.max(event.position);
            }
            if let TraceKind::Read(message) = event.kind {
                reads.push((event.position, message));
            }
        }
        for (index, event) in events.iter().enumerate().rev() {
            if let TraceKind::Iter(message) | TraceKind::Read(message) = event.kind {
                next[index] = std::mem::replace(&mut first[message as usize], index as u32);
            }
        }
        EventIndex { events, first, next, lengths, reads }
    }

    fn of_message(&self, message: usize) -> impl Iterator<Item = &TraceEvent> {
        let follow = |index: u32| (index != NONE).then_some(index as usize);
        std::iter::successors(follow(self.first[message]), move |index| follow(self.next[*index]))
            .map(|index| &self.events[index])
    }

    /// Where loops reached `message`: position and pass.
    pub(super) fn iterations(&self, message: usize) -> impl Iterator<Item = (usize, u32)> {
        self.of_message(message).filter_map(|event| match (event.kind, event.origin) {
            (TraceKind::Iter(_), Origin::Pass(pass)) => Some((event.position, pass)),
            _ => None,
        })
    }

    /// Where fields of `message` were read: position, and how the template got the message.
    pub(super) fn reads(&self, message: usize) -> impl Iterator<Item = (usize, Origin)> {
        self.of_message(message)
            .filter(|event| matches!(event.kind, TraceKind::Read(_)))
            .map(|event| (event.position, event.origin))
    }

    /// The number of bytes written during a pass. The pass that wrote most printed the turns.
    pub(super) fn printed(&self, pass: u32) -> usize {
        self.lengths.get(pass as usize).map_or(0, |(from, to)| to.saturating_sub(*from))
    }

    /// All reads in their order: position and message.
    pub(super) fn into_reads(self) -> Vec<(usize, u32)> {
        self.reads
    }
}
