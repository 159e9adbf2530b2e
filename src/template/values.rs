//! Values of a row as the engine sees them.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};

use crate::conversation::{Fields, Node};

/// A Python dict: string keys in their order.
///
/// The engine's own maps hash every key of every row; with the handful of keys that messages have, looking along
/// the list is quicker, and the order is kept for free.
#[derive(Debug)]
pub(super) struct Dict(Vec<(Value, Value)>);

impl Dict {
    pub(super) fn new(entries: Vec<(Value, Value)>) -> Self {
        Dict(entries)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn keys(&self) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(key, _)| key.clone()).collect())
    }
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).cloned()
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.keys()
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }
}

/// The engine's value of `node`.
pub(super) fn value(node: &Node<'_>) -> Value {
    match node {
        Node::Null => Value::from(()),
        Node::Bool(value) => Value::from(*value),
        Node::Int(value) => Value::from(*value),
        Node::BigInt(value) => Value::from(*value),
        Node::Float(value) => Value::from(*value),
        Node::Str(text) => Value::from(text.as_ref()),
        Node::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Node::Map(fields) => Value::from_object(dict(fields)),
    }
}

/// The engine's dict of `fields`.
pub(super) fn dict(fields: &Fields<'_>) -> Dict {
    Dict(fields.iter().map(|(key, node)| (Value::from(key.as_ref()), value(node))).collect())
}
