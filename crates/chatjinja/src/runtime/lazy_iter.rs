//! `LazyIter`: the remaining items of an iterator.

use std::collections::VecDeque;
use std::fmt;

use super::{EvalResult, Interpreter, Value};

/// The function that computes the items of a generator.
type Work<'d> = Box<dyn FnOnce(&mut Interpreter<'d>) -> EvalResult<Vec<Value<'d>>> + 'd>;

/// The remaining items of an iterator. They are computed when the first item is read, as in Python's generators.
#[derive(Default)]
pub(crate) struct LazyIter<'d> {
    work: Option<Work<'d>>,
    ready: VecDeque<Value<'d>>,
}

impl<'d> LazyIter<'d> {
    /// Items that `work` computes when they are read.
    pub(crate) fn later(work: impl FnOnce(&mut Interpreter<'d>) -> EvalResult<Vec<Value<'d>>> + 'd) -> LazyIter<'d> {
        LazyIter { work: Some(Box::new(work)), ready: VecDeque::new() }
    }

    /// Items that are already computed.
    pub(crate) fn ready(items: Vec<Value<'d>>) -> LazyIter<'d> {
        LazyIter { work: None, ready: items.into() }
    }

    /// All remaining items.
    pub(crate) fn rest(self, interpreter: &mut Interpreter<'d>) -> EvalResult<Vec<Value<'d>>> {
        match self.work {
            Some(work) => work(interpreter),
            None => Ok(self.ready.into()),
        }
    }
}

impl fmt::Debug for LazyIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyIter").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}
