//! `Dict`: a mapping in the order of its keys.

use std::rc::Rc;

use super::{Value, equal};
use crate::data::Fields;
use crate::provenance::Str;

/// A dict of the input, or one made by the template. Dicts of chat data have a handful of keys, so a linear search is
/// faster than hashing.
#[derive(Debug, Clone)]
pub(crate) enum Dict<'d> {
    Input(&'d Fields<'d>),
    Own(Rc<[Entry<'d>]>),
}

/// A key and its value.
pub(crate) type Entry<'d> = (Value<'d>, Value<'d>);

impl<'d> Dict<'d> {
    /// A dict of `entries`. If a key occurs twice, the last value replaces the first.
    pub(crate) fn own(entries: Vec<Entry<'d>>) -> Dict<'d> {
        let mut unique: Vec<Entry<'d>> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match unique.iter_mut().find(|(known, _)| equal(known, &key)) {
                Some((_, known)) => *known = value,
                None => unique.push((key, value)),
            }
        }
        Dict::Own(unique.into())
    }

    /// A dict of arguments by name, which all differ.
    pub(crate) fn of_named(named: Vec<(Str<'d>, Value<'d>)>) -> Dict<'d> {
        Dict::Own(named.into_iter().map(|(name, value)| (Value::Str(name), value)).collect())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Dict::Input(fields) => fields.len(),
            Dict::Own(entries) => entries.len(),
        }
    }

    /// The value of a key that is a string.
    pub(crate) fn get_str(&self, key: &str) -> Option<Value<'d>> {
        match self {
            Dict::Input(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, node)| Value::of(node)),
            Dict::Own(entries) => entries
                .iter()
                .find(|(name, _)| matches!(name, Value::Str(name) if **name == *key))
                .map(|(_, value)| value.clone()),
        }
    }

    pub(crate) fn get(&self, key: &Value<'d>) -> Option<Value<'d>> {
        match (self, key) {
            (_, Value::Str(key)) => self.get_str(key),
            (Dict::Input(_), _) => None,
            (Dict::Own(entries), key) => {
                entries.iter().find(|(name, _)| equal(name, key)).map(|(_, value)| value.clone())
            }
        }
    }

    /// The entry at `index`.
    pub(crate) fn entry(&self, index: usize) -> Option<Entry<'d>> {
        match self {
            Dict::Input(fields) => {
                fields.get(index).map(|(name, node)| (Value::Str(Str::input(name)), Value::of(node)))
            }
            Dict::Own(entries) => entries.get(index).cloned(),
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'d>> + '_ {
        (0..self.len()).filter_map(|index| self.entry(index))
    }
}
