//! `LazyIter`: the remaining items of an iterator, which are computed one by one.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use super::{EvalResult, Interpreter, Object, Value, short};
use crate::memory::Held;

/// Computes the next item of an iterator; None at its end.
pub(crate) type Step<'d> = Box<dyn FnMut(&mut Interpreter<'d>) -> EvalResult<Option<Value<'d>>> + 'd>;

/// Begins the work of a generator, when its first item is read.
type Start<'d> = Box<dyn FnOnce(&mut Interpreter<'d>) -> EvalResult<Step<'d>> + 'd>;

/// Items that take less room than this are not counted.
const LONG: usize = 4096;

/// The memory is checked after each of so many items.
const PORTION: usize = 1024;

/// The remaining items of an iterator. As in Python's generators, an item is computed when it is read.
#[derive(Default)]
pub(crate) enum LazyIter<'d> {
    Waiting(Start<'d>),
    Running(Step<'d>),
    Ready(VecDeque<Value<'d>>),
    #[default]
    Finished,
}

impl<'d> LazyIter<'d> {
    /// Items that `start` begins to compute when the first one is read.
    pub(crate) fn later(start: impl FnOnce(&mut Interpreter<'d>) -> EvalResult<Step<'d>> + 'd) -> LazyIter<'d> {
        LazyIter::Waiting(Box::new(start))
    }

    /// Items that are already computed.
    pub(crate) fn ready(items: Vec<Value<'d>>) -> LazyIter<'d> {
        LazyIter::Ready(items.into())
    }
}

impl fmt::Debug for LazyIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyIter").finish_non_exhaustive()
    }
}

/// No items.
pub(crate) fn no_items<'d>() -> Step<'d> {
    Box::new(|_| Ok(None))
}

/// A place in the items of a value. A generator is read from where it is, and keeps what is not taken.
#[derive(Debug)]
pub(crate) enum Cursor<'d> {
    Items { items: std::vec::IntoIter<Value<'d>>, _held: Held },
    Generator(Rc<Object<'d>>),
}

impl<'d> Cursor<'d> {
    /// A place before the first of `items`.
    pub(crate) fn over(items: Vec<Value<'d>>) -> Cursor<'d> {
        let bytes = items.len() * size_of::<Value<'d>>() + short(&items);
        let held = if bytes > LONG { Held::new(bytes) } else { Held::default() };
        Cursor::Items { items: items.into_iter(), _held: held }
    }

    /// Takes the next item.
    pub(crate) fn next(&mut self, interpreter: &mut Interpreter<'d>) -> EvalResult<Option<Value<'d>>> {
        interpreter.step()?;
        match self {
            Cursor::Items { items, .. } => Ok(items.next()),
            Cursor::Generator(object) => interpreter.next_of(object),
        }
    }
}

impl<'d> Interpreter<'d> {
    /// Takes the next item of a generator.
    pub(crate) fn next_of(&mut self, object: &Object<'d>) -> EvalResult<Option<Value<'d>>> {
        let Object::Generator(generator) = object else { return Ok(None) };
        // The state is taken out first: a generator that reads itself finds no items. So does one that failed.
        let mut step = match generator.state.take() {
            LazyIter::Finished => return Ok(None),
            LazyIter::Ready(mut items) => {
                let first = items.pop_front();
                generator.state.replace(LazyIter::Ready(items));
                return Ok(first);
            }
            LazyIter::Waiting(start) => start(self)?,
            LazyIter::Running(step) => step,
        };
        let item = step(self)?;
        if item.is_some() {
            generator.state.replace(LazyIter::Running(step));
        }
        Ok(item)
    }

    /// Takes all remaining items of a generator.
    pub(crate) fn rest_of(&mut self, object: &Object<'d>) -> EvalResult<Vec<Value<'d>>> {
        let mut items = Vec::new();
        while let Some(item) = self.next_of(object)? {
            self.step()?;
            items.push(item);
            if items.len().is_multiple_of(PORTION) {
                // The list grows to twice its size, and its texts are not counted yet.
                self.budget.strings(items.len() * 2)?;
            }
        }
        Ok(items)
    }
}
