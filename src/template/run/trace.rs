//! What a traced render shows of the messages while it runs.

use super::Machine;
use crate::conversation::Fields;
use crate::template::value::{Dict, Value};

/// How a message came to the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By the loop of this number, counted in the order they began.
    Pass(u32),
    /// By an index.
    Index,
}

/// What happened at a position of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A loop over messages came to this one.
    Iter(u32),
    /// A loop over messages found no more.
    End,
    /// A field of this message was read.
    Read(u32),
}

/// One entry of the log of a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Bytes written when it happened.
    pub position: usize,
    /// What happened.
    pub what: Happening,
    /// How the message came to the template.
    pub origin: Origin,
}

/// The log of a traced render.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) events: Vec<Event>,
    passes: u32,
    /// The loops over messages that run, each with the message it is at.
    open: Vec<(u32, u32)>,
    /// Keys of messages that were asked for, and whether they were there; None where nobody wants to know.
    pub(crate) asked: Option<Vec<(String, bool)>>,
}

/// What a render notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracing {
    /// Nothing.
    Off,
    /// What is printed where.
    Places,
    /// That, and the keys that are read.
    Keys,
}

impl Trace {
    pub(crate) fn of(tracing: Tracing) -> Option<Trace> {
        (tracing != Tracing::Off)
            .then(|| Trace { asked: (tracing == Tracing::Keys).then(Vec::new), ..Trace::default() })
    }

    fn note(&mut self, position: usize, what: Happening, origin: Origin) {
        let event = Event { position, what, origin };
        // A template reads role, content and more of one message at one place: the first reading tells it all.
        if !matches!(what, Happening::Read(_)) || self.events.last() != Some(&event) {
            self.events.push(event);
        }
    }
}

impl<'d> Machine<'d> {
    /// The index of the message that these fields are, if they are one.
    fn message_index(&self, fields: &Fields<'d>) -> Option<usize> {
        let offset = (std::ptr::from_ref(fields) as usize).wrapping_sub(self.messages.as_ptr() as usize);
        let index = offset / size_of::<Fields<'d>>();
        (index < self.messages.len()).then_some(index)
    }

    /// The index of the message that a value is.
    pub(crate) fn message_of(&self, value: &Value<'d>) -> Option<usize> {
        match value {
            Value::Dict(Dict::Data(fields)) => self.message_index(fields),
            _ => None,
        }
    }

    /// In a traced render, the message that the innermost loop over messages is at, or else the one that was read last.
    pub(crate) fn message_in_loop(&self) -> Option<u32> {
        let open = self.trace.as_ref()?.open.last().map(|(_, message)| *message);
        open.or(self.last_message.map(|message| message as u32))
    }

    /// Notes that a key of a dict is read.
    pub(crate) fn read(&mut self, dict: &Dict<'d>, key: &str) {
        let Dict::Data(fields) = dict else { return };
        let Some(index) = self.message_index(fields) else { return };
        self.last_message = Some(index);
        let position = self.position();
        if let Some(trace) = &mut self.trace {
            let inside = trace.open.iter().rev().find(|(_, at)| *at as usize == index);
            let origin = inside.map_or(Origin::Index, |(pass, _)| Origin::Pass(*pass));
            trace.note(position, Happening::Read(index as u32), origin);
            if let Some(asked) = &mut trace.asked {
                let there = dict.get_str(key).is_some();
                match asked.iter_mut().find(|(known, _)| known == key) {
                    Some((_, known)) => *known |= there,
                    None => asked.push((key.to_owned(), there)),
                }
            }
        }
    }

    /// Notes that a loop over messages begins; the number of the loop.
    pub(super) fn begin_pass(&mut self, first: Option<&Value<'d>>) -> Option<u32> {
        let first = first.and_then(|first| self.message_of(first))?;
        let trace = self.trace.as_mut()?;
        let pass = trace.passes;
        trace.passes += 1;
        trace.open.push((pass, first as u32));
        Some(pass)
    }

    /// Notes that a loop comes to an item.
    pub(super) fn step_pass(&mut self, pass: Option<u32>, item: &Value<'d>) {
        let Some(index) = self.message_of(item) else { return };
        self.last_message = Some(index);
        let position = self.position();
        if let (Some(pass), Some(trace)) = (pass, &mut self.trace) {
            if let Some(open) = trace.open.last_mut() {
                open.1 = index as u32;
            }
            trace.note(position, Happening::Iter(index as u32), Origin::Pass(pass));
        }
    }

    /// Notes that a loop over messages came to its end.
    pub(super) fn end_pass(&mut self, pass: Option<u32>) {
        let position = self.position();
        if let (Some(pass), Some(trace)) = (pass, &mut self.trace) {
            trace.open.pop();
            trace.note(position, Happening::End, Origin::Pass(pass));
        }
    }
}
