//! `KeyIndex`: the places of the keys of a large dict.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::dict::Entry;
use super::{Budget, EvalResult, Value, equal};

/// The places of keys by their hashes. Equal keys have equal hashes. Keys of rare types share one hash, so they are
/// searched one by one.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    /// The last key with a hash.
    last: HashMap<u64, usize>,
    /// For each key, the key before it with the same hash.
    before: Vec<Option<usize>>,
    hasher: RandomState,
}

/// Keys, each of which is kept once.
#[derive(Debug, Default)]
pub(crate) struct SeenKeys<'d> {
    keys: Vec<Entry<'d>>,
    index: KeyIndex,
}

impl<'d> SeenKeys<'d> {
    /// Adds a key. Returns whether it is new.
    pub(crate) fn add(&mut self, budget: &Budget<'d>, key: Value<'d>) -> EvalResult<bool> {
        if self.index.find(budget, &self.keys, &key)?.is_some() {
            return Ok(false);
        }
        self.index.add(&key);
        self.keys.push((key, Value::None));
        Ok(true)
    }
}

impl KeyIndex {
    /// Adds the key after those added before.
    pub(super) fn add(&mut self, key: &Value<'_>) {
        let at = self.before.len();
        let before = self.last.insert(self.hash(key), at);
        self.before.push(before);
    }

    /// The place of `key` among the entries whose keys were added.
    pub(super) fn find<'d>(
        &self,
        budget: &Budget<'d>,
        entries: &[Entry<'d>],
        key: &Value<'d>,
    ) -> EvalResult<Option<usize>> {
        self.find_hash(budget, self.hash(key), |at| equal(budget, &entries[at].0, key))
    }

    /// The same for a string.
    pub(super) fn find_str(&self, budget: &Budget<'_>, entries: &[Entry<'_>], key: &str) -> EvalResult<Option<usize>> {
        let is_key = |at: usize| Ok(matches!(&entries[at].0, Value::Str(name) if **name == *key));
        self.find_hash(budget, self.hasher.hash_one(key), is_key)
    }

    fn find_hash(
        &self,
        budget: &Budget<'_>,
        hash: u64,
        mut is_key: impl FnMut(usize) -> EvalResult<bool>,
    ) -> EvalResult<Option<usize>> {
        let mut next = self.last.get(&hash).copied();
        while let Some(at) = next {
            budget.spend(1)?;
            if is_key(at)? {
                return Ok(Some(at));
            }
            next = self.before[at];
        }
        Ok(None)
    }

    fn hash(&self, key: &Value<'_>) -> u64 {
        match key {
            Value::Str(text) => self.hasher.hash_one(&**text),
            Value::Bool(value) => self.hasher.hash_one(i64::from(*value)),
            Value::Int(value) => self.hasher.hash_one(value),
            // A float is equal to an integer if it is whole. The largest ones may equal a big integer.
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e18 => self.hasher.hash_one(*value as i64),
            _ => 0,
        }
    }
}
