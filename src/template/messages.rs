//! The list of messages as the engine sees it, observed: every message handed out and read is noted with its place.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use super::observe::{Happening, Observer, Origin};
use super::values::Dict;

/// The messages of a conversation.
#[derive(Debug)]
pub(super) struct Messages {
    messages: Vec<Arc<Dict>>,
    observer: Arc<Observer>,
}

impl Messages {
    pub(super) fn new(messages: Vec<Dict>, observer: Arc<Observer>) -> Self {
        Messages { messages: messages.into_iter().map(Arc::new).collect(), observer }
    }

    fn message(&self, index: usize, origin: Origin) -> Option<Value> {
        let fields = Arc::clone(self.messages.get(index)?);
        let index = u32::try_from(index).ok()?;
        Some(Value::from_object(Message { fields, index, origin, observer: Arc::clone(&self.observer) }))
    }
}

impl Object for Messages {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.message(key.as_usize()?, Origin::Index)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Iter(Box::new(Pass { list: Arc::clone(self), next: 0, origin: None, ended: false }))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.messages.len())
    }
}

/// One iteration over the messages. It has its number from its first step on: the engine also makes iterators that
/// it only asks for their length.
struct Pass {
    list: Arc<Messages>,
    next: usize,
    origin: Option<Origin>,
    ended: bool,
}

impl Iterator for Pass {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let observer = &self.list.observer;
        let origin = *self.origin.get_or_insert_with(|| observer.begin_pass());
        match self.list.message(self.next, origin) {
            Some(message) => {
                observer.note(Happening::Iter(self.next as u32), origin);
                self.next += 1;
                Some(message)
            }
            None => {
                if !self.ended {
                    self.ended = true;
                    observer.note(Happening::End, origin);
                }
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.messages.len() - self.next;
        (left, Some(left))
    }
}

/// One message, with the way it came to the template.
#[derive(Debug)]
struct Message {
    fields: Arc<Dict>,
    index: u32,
    origin: Origin,
    observer: Arc<Observer>,
}

impl Object for Message {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.observer.note(Happening::Read(self.index), self.origin);
        self.fields.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.fields.keys()
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.fields.len())
    }
}
