//! `Trace`: the log of a traced render, with the positions where the template reached and read each record.

use std::collections::HashMap;

use super::{Dict, Interpreter, Value};
use crate::data::{Fields, field};
use crate::memory::Held;
use crate::provenance::Tracked;

/// How the template got a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By the loop over records with this number. Loops are counted in the order in which they began.
    Pass(u32),
    /// By an index, or by anything else that is not a loop over records.
    Index,
}

/// The kind of a [`TraceEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// A loop over records reached this one.
    Iter(u32),
    /// A loop over records ended.
    End,
    /// A field of this record was read.
    Read(u32),
}

/// One entry of the log of a traced render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceEvent {
    /// The length of the output in bytes at the event. Inside a macro or a set block, the output around it counts.
    pub position: usize,
    /// The kind of the event.
    pub kind: TraceKind,
    /// How the template got the record.
    pub origin: Origin,
}

/// The parts of a render to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracing {
    /// Nothing.
    Off,
    /// Events and provenance.
    Events,
    /// The same, and the keys that are read.
    Keys,
}

/// The log of a traced render.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) events: Vec<TraceEvent>,
    /// The number of loops over records so far.
    passes: u32,
    /// The running loops over records, each with its number and its current record.
    open: Vec<(u32, u32)>,
    /// The keys of records that were read, and whether a record had them. None if they are not recorded.
    pub(crate) keys: Option<Vec<(String, bool)>>,
    /// The places of the keys.
    places: HashMap<String, usize>,
    /// What the events hold.
    held: Held,
}

impl Trace {
    pub(crate) fn of(tracing: Tracing) -> Option<Trace> {
        match tracing {
            Tracing::Off => None,
            Tracing::Events => Some(Trace::default()),
            Tracing::Keys => Some(Trace { keys: Some(Vec::new()), ..Trace::default() }),
        }
    }

    fn add(&mut self, position: usize, kind: TraceKind, origin: Origin) {
        let event = TraceEvent { position, kind, origin };
        // Templates read several fields of a record in one place. The first read is enough.
        if !matches!(kind, TraceKind::Read(_)) || self.events.last() != Some(&event) {
            self.held.add(size_of::<TraceEvent>() * 2);
            self.events.push(event);
        }
    }

    fn add_key(&mut self, key: &str, found: bool) {
        let Some(keys) = &mut self.keys else { return };
        match self.places.get(key) {
            Some(at) => keys[*at].1 |= found,
            None => {
                self.held.add(key.len() * 2 + size_of::<TraceEvent>() * 4);
                self.places.insert(key.to_owned(), keys.len());
                keys.push((key.to_owned(), found));
            }
        }
    }
}

impl<'d> Interpreter<'d> {
    /// The texts that get spans.
    pub(crate) fn tracked(&self) -> Tracked {
        let input = self.trace.is_some();
        Tracked { input, template: input && self.input.tracks_template }
    }

    /// The length of the output so far.
    fn position(&self) -> usize {
        self.outer_position.unwrap_or(self.out.text.len())
    }

    /// The index of these fields among the records, if they are one of them.
    fn record_index(&self, fields: &Fields<'d>) -> Option<usize> {
        let records = self.input.records;
        let offset = (std::ptr::from_ref(fields) as usize).wrapping_sub(records.as_ptr() as usize);
        let index = offset / size_of::<Fields<'d>>();
        (index < records.len()).then_some(index)
    }

    fn record_of(&self, value: &Value<'d>) -> Option<usize> {
        match value {
            Value::Dict(Dict::Input(fields)) => self.record_index(fields),
            _ => None,
        }
    }

    /// In a traced render, the current record of the innermost loop over records, or else the record that was read
    /// last.
    pub(crate) fn current_record(&self) -> Option<u32> {
        let open = self.trace.as_ref()?.open.last().map(|(_, record)| *record);
        open.or(self.last_record.map(|record| record as u32))
    }

    /// Records that a key of a dict is read.
    pub(crate) fn note_read(&mut self, dict: &Dict<'d>, key: &str) {
        let Dict::Input(fields) = dict else { return };
        let Some(index) = self.record_index(fields) else { return };
        self.last_record = Some(index);
        let position = self.position();
        if let Some(trace) = &mut self.trace {
            let inside = trace.open.iter().rev().find(|(_, at)| *at as usize == index);
            let origin = inside.map_or(Origin::Index, |(pass, _)| Origin::Pass(*pass));
            trace.add(position, TraceKind::Read(index as u32), origin);
            if trace.keys.is_some() {
                trace.add_key(key, field(fields, key).is_some());
            }
        }
    }

    /// Records that a loop begins. Returns its number if it is a loop over records.
    pub(crate) fn note_loop(&mut self, first: Option<&Value<'d>>) -> Option<u32> {
        let first = first.and_then(|first| self.record_of(first))?;
        let trace = self.trace.as_mut()?;
        let pass = trace.passes;
        trace.passes += 1;
        trace.open.push((pass, first as u32));
        Some(pass)
    }

    /// Records that a loop reaches an item.
    pub(crate) fn note_item(&mut self, pass: Option<u32>, item: &Value<'d>) {
        let Some(index) = self.record_of(item) else { return };
        self.last_record = Some(index);
        let position = self.position();
        if let (Some(pass), Some(trace)) = (pass, &mut self.trace) {
            if let Some(open) = trace.open.last_mut() {
                open.1 = index as u32;
            }
            trace.add(position, TraceKind::Iter(index as u32), Origin::Pass(pass));
        }
    }

    /// Records that a loop has ended.
    pub(crate) fn note_loop_end(&mut self, pass: Option<u32>) {
        let position = self.position();
        if let (Some(pass), Some(trace)) = (pass, &mut self.trace) {
            trace.open.pop();
            trace.add(position, TraceKind::End, Origin::Pass(pass));
        }
    }

    /// Records that a `{% generation %}` block printed the output from `start` on. `before` is the length of the outer
    /// output when the block began, which transformers takes as its start.
    pub(crate) fn note_generation(&mut self, start: usize, before: usize) {
        let characters = self.out.text[start..].chars().count();
        self.generation_as_transformers.push((before, characters));
        let end = self.out.text.len();
        self.out.add_span(start, end, crate::provenance::Provenance::Generation);
    }

    /// The lengths of the text being written and of the outer output, for the start of a `{% generation %}` block.
    pub(crate) fn generation_start(&self) -> (usize, usize) {
        (self.out.text.len(), self.position())
    }
}
