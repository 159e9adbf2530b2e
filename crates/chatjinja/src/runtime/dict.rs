//! `Dict`: a mapping in the order of its keys.

use std::cell::OnceCell;
use std::rc::Rc;

use super::items::{counted, measured};
use super::key_index::KeyIndex;
use super::{Budget, EvalResult, Value, equal};
use crate::data::{Fields, field};
use crate::memory::Held;
use crate::provenance::Str;

/// A dict of the input, or one made by the template. Dicts of chat data have a handful of keys, for which a linear
/// search is faster than hashing.
#[derive(Debug, Clone)]
pub(crate) enum Dict<'d> {
    Input(&'d Fields<'d>),
    Own(Rc<OwnDict<'d>>),
}

/// A dict that the template made.
#[derive(Debug)]
pub(crate) struct OwnDict<'d> {
    entries: Vec<Entry<'d>>,
    depth: u32,
    /// The bytes of a small dict, which the list or dict around it counts.
    uncounted: usize,
    /// The places of the keys, for a large dict that was searched.
    index: OnceCell<KeyIndex>,
    _held: Held,
}

/// A key and its value.
pub(crate) type Entry<'d> = (Value<'d>, Value<'d>);

/// Dicts of up to this many keys are searched from the first to the last.
pub(crate) const SMALL: usize = 16;

impl<'d> Dict<'d> {
    /// A dict of `entries`. If a key occurs twice, the last value replaces the first.
    pub(crate) fn own(budget: &Budget<'d>, entries: Vec<Entry<'d>>) -> EvalResult<Dict<'d>> {
        if entries.len() <= SMALL {
            return Ok(Dict::of_unique(unique(budget, entries)?, OnceCell::new()));
        }
        budget.items(entries.len().saturating_mul(2))?;
        let mut unique: Vec<Entry<'d>> = Vec::with_capacity(entries.len());
        let mut index = KeyIndex::default();
        for (key, value) in entries {
            match index.find(budget, &unique, &key)? {
                Some(at) => unique[at].1 = value,
                None => {
                    index.add(&key);
                    unique.push((key, value));
                }
            }
        }
        Ok(Dict::of_unique(unique, OnceCell::from(index)))
    }

    /// A dict of arguments by name, which all differ.
    pub(crate) fn of_named(named: Vec<(Str<'d>, Value<'d>)>) -> Dict<'d> {
        Dict::of_unique(named.into_iter().map(|(name, value)| (Value::Str(name), value)).collect(), OnceCell::new())
    }

    fn of_unique(entries: Vec<Entry<'d>>, index: OnceCell<KeyIndex>) -> Dict<'d> {
        let (depth, inner) = measured(entries.iter().flat_map(|(key, value)| [key, value]));
        // A large dict also has an index.
        let index_bytes = if entries.len() > SMALL { size_of::<u64>() * 4 } else { 0 };
        let bytes = entries.capacity() * (size_of::<Entry<'d>>() + index_bytes);
        let (uncounted, held) = counted(bytes + inner + size_of::<OwnDict<'d>>());
        Dict::Own(Rc::new(OwnDict { entries, depth: depth + 1, uncounted, index, _held: held }))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Dict::Input(fields) => fields.len(),
            Dict::Own(own) => own.entries.len(),
        }
    }

    /// The levels of lists, tuples and dicts that the template made, with this one.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Dict::Input(_) => 0,
            Dict::Own(own) => own.depth(),
        }
    }

    /// Whether both are the same object.
    pub(crate) fn is_same(&self, other: &Dict<'d>) -> bool {
        match (self, other) {
            (Dict::Own(left), Dict::Own(right)) => Rc::ptr_eq(left, right),
            (Dict::Input(left), Dict::Input(right)) => std::ptr::eq(*left, *right),
            (Dict::Own(_), Dict::Input(_)) | (Dict::Input(_), Dict::Own(_)) => false,
        }
    }

    /// The value of a key that is a string.
    #[inline]
    pub(crate) fn get_str(&self, budget: &Budget<'d>, key: &str) -> EvalResult<Option<Value<'d>>> {
        match self {
            Dict::Input(fields) if fields.len() > SMALL => Ok(budget.input_field(fields, key)?.map(Value::of)),
            Dict::Input(fields) => Ok(field(fields, key).map(Value::of)),
            Dict::Own(own) if own.entries.len() > SMALL => {
                let at = own.index(budget)?.find_str(budget, &own.entries, key)?;
                Ok(at.map(|at| own.entries[at].1.clone()))
            }
            Dict::Own(own) => Ok(own
                .entries
                .iter()
                .find(|(name, _)| matches!(name, Value::Str(name) if **name == *key))
                .map(|(_, value)| value.clone())),
        }
    }

    pub(crate) fn get(&self, budget: &Budget<'d>, key: &Value<'d>) -> EvalResult<Option<Value<'d>>> {
        match (self, key) {
            (_, Value::Str(key)) => self.get_str(budget, key),
            (Dict::Input(_), _) => Ok(None),
            (Dict::Own(own), key) => {
                let at = match own.entries.len() > SMALL {
                    true => own.index(budget)?.find(budget, &own.entries, key)?,
                    false => position(budget, &own.entries, key)?,
                };
                Ok(at.map(|at| own.entries[at].1.clone()))
            }
        }
    }

    /// The entry at `index`.
    pub(crate) fn entry(&self, index: usize) -> Option<Entry<'d>> {
        match self {
            Dict::Input(fields) => {
                fields.get(index).map(|(name, node)| (Value::Str(Str::input(name)), Value::of(node)))
            }
            Dict::Own(own) => own.entries.get(index).cloned(),
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'d>> + '_ {
        (0..self.len()).filter_map(|index| self.entry(index))
    }
}

impl<'d> OwnDict<'d> {
    /// The bytes that the list or dict around it counts.
    pub(super) fn uncounted(&self) -> usize {
        self.uncounted
    }

    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    fn index(&self, budget: &Budget<'_>) -> EvalResult<&KeyIndex> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        budget.items(self.entries.len())?;
        Ok(self.index.get_or_init(|| {
            let mut index = KeyIndex::default();
            self.entries.iter().for_each(|(key, _)| index.add(key));
            index
        }))
    }
}

/// A few entries, with each key once.
fn unique<'d>(budget: &Budget<'d>, entries: Vec<Entry<'d>>) -> EvalResult<Vec<Entry<'d>>> {
    budget.spend(entries.len() as u64 * 2)?;
    let mut unique: Vec<Entry<'d>> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match position(budget, &unique, &key)? {
            Some(at) => unique[at].1 = value,
            None => unique.push((key, value)),
        }
    }
    Ok(unique)
}

/// The place of a key, searched from the first to the last.
fn position<'d>(budget: &Budget<'d>, entries: &[Entry<'d>], key: &Value<'d>) -> EvalResult<Option<usize>> {
    for (at, (known, _)) in entries.iter().enumerate() {
        if equal(budget, known, key)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
