//! `Items`: the items of a list or a tuple that the template made.

use std::ops::Deref;
use std::rc::Rc;

use super::{Dict, List, Value};
use crate::memory::Held;
use crate::provenance::Str;

/// A list or dict of up to this many bytes is counted by the list or dict that holds it, as a short string is.
const SMALL_BYTES: usize = 256;

/// Items that do not change, with the depth of their nesting.
#[derive(Debug)]
pub(crate) struct Items<'d> {
    values: Vec<Value<'d>>,
    depth: u32,
    /// The bytes of a small list, which the list around it counts.
    uncounted: usize,
    _held: Held,
}

impl<'d> Items<'d> {
    pub(crate) fn new(values: Vec<Value<'d>>) -> Rc<Items<'d>> {
        let (depth, inner) = measured(&values);
        let bytes = values.capacity() * size_of::<Value<'d>>() + inner + size_of::<Items<'d>>();
        let (uncounted, held) = counted(bytes);
        Rc::new(Items { values, depth: depth + 1, uncounted, _held: held })
    }

    /// The bytes that the list around it counts.
    pub(super) fn uncounted(&self) -> usize {
        self.uncounted
    }

    /// The levels of lists, tuples and dicts, with this one.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }
}

impl<'d> Deref for Items<'d> {
    type Target = [Value<'d>];

    #[inline]
    fn deref(&self) -> &[Value<'d>] {
        &self.values
    }
}

/// The depth of the deepest value, and the bytes of the short strings and small lists, which do not count themselves.
#[inline]
pub(super) fn measured<'v, 'd: 'v>(values: impl IntoIterator<Item = &'v Value<'d>>) -> (u32, usize) {
    let (mut depth, mut inner) = (0, 0);
    for value in values {
        match value {
            Value::Str(text) => inner += text.short_bytes(),
            Value::List(List::Own(items)) | Value::Tuple(items) => {
                inner += items.uncounted();
                depth = depth.max(items.depth());
            }
            Value::Dict(Dict::Own(own)) => {
                inner += own.uncounted();
                depth = depth.max(own.depth());
            }
            other => depth = depth.max(other.depth()),
        }
    }
    (depth, inner)
}

/// The bytes that the list around counts, and those that are held.
#[inline]
pub(super) fn counted(bytes: usize) -> (usize, Held) {
    if bytes > SMALL_BYTES { (0, Held::new(bytes)) } else { (bytes, Held::default()) }
}

/// The bytes of the short strings among values, which do not count themselves.
pub(crate) fn short<'v, 'd: 'v>(values: impl IntoIterator<Item = &'v Value<'d>>) -> usize {
    values.into_iter().filter_map(Value::as_str).map(Str::short_bytes).sum()
}

/// The depth of the deepest value.
pub(crate) fn deepest<'v, 'd: 'v>(values: impl IntoIterator<Item = &'v Value<'d>>) -> u32 {
    values.into_iter().map(Value::depth).max().unwrap_or(0)
}
